"""Journeys and drop-off points against what the people of the demo company did, and where the company lost them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from itertools import pairwise

from tests.truth.conftest import Company

# People who are one customer, and customers who are one person: their journeys can be told from the truth alone.
WHOLE = """
    select person_id, customer_id from truth.own_customer
    qualify count(*) over (partition by customer_id) = 1 and count(*) over (partition by person_id) = 1
"""


def journeys_by_hand(company: Company) -> list[tuple[int, str, dt.datetime, dt.datetime, int]]:
    """(person, status, start, end, steps) of every purchase journey, walked through touchpoint by touchpoint.

    Only the definition is taken from the release: which types start, belong and are goals, and the gap.
    """
    gap = dt.timedelta(
        seconds=company.value("select gap_seconds from journey_definition where journey_definition = 'purchase'")
    )
    types = {
        name: (is_start, is_goal, rank)
        for name, is_start, is_goal, rank in company.rows(
            # The purchase definition has no exits.
            """
            select touchpoint_type, is_start, is_goal, touchpoint_type_code
            from journey_definition_type join touchpoint_type using (touchpoint_type_code)
            where journey_definition = 'purchase'
            """
        )
    }
    data_date = company.value("select data_date_at from setting")
    done: dict[int, list[tuple[dt.datetime, int, str]]] = {}
    for person, kind, at in company.rows(
        f"""
        select person_id, cast(touchpoint_type as varchar), occurred_at
        from truth.touchpoint join ({WHOLE}) using (person_id) where is_identified
        """
    ):
        if kind in types:
            done.setdefault(person, []).append((at, types[kind][2], kind))
    found = []
    for person, touchpoints in done.items():
        touchpoints.sort()
        pieces: list[list[tuple[dt.datetime, int, str]]] = [[]]
        for before, (at, rank, kind) in pairwise([(dt.datetime.min, 0, ""), *touchpoints]):
            if before[2] and (types[before[2]][1] or at - before[0] > gap):
                pieces.append([])
            pieces[-1].append((at, rank, kind))
        for piece in pieces:
            first = next((index for index, (_, _, kind) in enumerate(piece) if types[kind][0]), None)
            if first is None:
                continue
            steps = piece[first:]
            end, _, last = steps[-1]
            status = "converted" if types[last][1] else "dropped" if end + gap < data_date else "open"
            found.append((person, status, steps[0][0], end, len(steps)))
    return found


def test_purchase_journeys_are_those_walked_by_hand(company: Company) -> None:
    """Every journey of people who are one customer: status, first and last second, number of steps. No tolerance."""
    found = company.rows(
        f"""
        select person_id, status, date_trunc('second', started_at), date_trunc('second', ended_at), step_count
        from journey join ({WHOLE}) using (customer_id) where journey_definition = 'purchase' order by all
        """
    )
    expected = sorted(journeys_by_hand(company))
    assert found == expected
    counts = Counter(status for _, status, *_ in expected)
    assert counts["dropped"] > 300
    assert counts["converted"] > 300
    assert counts["open"] > 100


def test_converted_episodes_are_converted_journeys(company: Company) -> None:
    """Tolerance 0: every attempt to buy that succeeded, and every purchase without one, closes one purchase journey.

    But for sales at the till whose buyer nobody wrote down: they have no customer.
    """
    converted = company.value(
        "select (select count(*) from truth.episode where is_converted) + (select count(*) from truth.return_purchase)"
    )
    unnamed = company.value(
        "select count(*) from truth.touchpoint where touchpoint_type = 'pos_purchase' and not is_identified"
    )
    assert unnamed > 0
    found = company.value("select count(*) from journey where journey_definition = 'purchase' and status = 'converted'")
    assert found == converted - unnamed
    at = company.rows(
        """
        select date_trunc('second', ended_at) from journey
        where journey_definition = 'purchase' and status = 'converted' order by 1
        """
    )
    assert at == company.rows(
        """
        select occurred_at from truth.touchpoint
        where touchpoint_type in ('order_placed', 'pos_purchase') and is_identified order by 1
        """
    )


def test_carts_left_behind_are_dropped_open_or_bought_later(company: Company) -> None:
    """Attempts of known people that ended at the cart, the checkout or the payment, as far as the log names who it was.

    About half of them are seen (the others never logged in). They cannot equal the dropped journeys one by one: within
    30 days a person who comes back goes on in the same journey, so an attempt may end in a later purchase, and the last
    30 days are still open. What must hold: each is in exactly one journey, a journey that converted did so by a later
    attempt of the same person, an open one is no older than 30 days, and more than half of them dropped.
    """
    rows = company.rows(
        """
        with attempt as (
            select *, lead(started_at) over (partition by person_id order by started_at) as next_at from truth.episode
            where person_id in (select person_id from truth.person where not is_anonymous)
        ),
        left_behind as (
            select a.person_id, a.started_at, a.episode_number, max(t.occurred_at) as seen_at
            from attempt as a
            join truth.touchpoint as t on t.person_id = a.person_id and t.occurred_at >= a.started_at
                and (t.occurred_at < a.next_at or a.next_at is null)
            where not a.is_converted and a.channel not in ('store', 'phone') and t.is_identified
                and t.touchpoint_type in ('cart_updated', 'checkout_started', 'payment_failed', 'error_page')
            group by all
        )
        select l.person_id, l.episode_number, j.status, j.ended_at, l.seen_at,
            (select min(bought_at) from attempt as b where b.person_id = l.person_id and b.started_at > l.started_at)
        from left_behind as l
        join truth.own_customer as o using (person_id)
        join journey as j on j.customer_id = o.customer_id and j.journey_definition = 'purchase'
            and l.seen_at between date_trunc('second', j.started_at) and j.ended_at
        """
    )
    data_date = company.value("select data_date_at from setting")
    assert len(rows) > 100
    assert max(Counter((person, number) for person, number, *_ in rows).values()) == 1
    for person, number, status, ended_at, seen_at, bought_at in rows:
        if status == "converted":
            assert bought_at is not None, (person, number)
            assert ended_at > seen_at, (person, number)
        elif status == "open":
            assert ended_at >= data_date - dt.timedelta(days=30), (person, number)
        else:
            assert ended_at < data_date - dt.timedelta(days=30), (person, number)
    assert Counter(status for _, _, status, *_ in rows)["dropped"] > len(rows) / 2


def drop_off(company: Company, touchpoint_type: str) -> dict[str, float]:
    """The row of a touchpoint type in the purchase definition."""
    names = """reached_count, continued_count, dropped_count, open_count, dropped_share, baseline_share,
        p_value_adjusted, is_marked"""
    (row,) = company.rows(
        f"""
        select {names} from drop_off_point
        where drop_off_level = 'touchpoint' and journey_definition = 'purchase'
            and touchpoint_type = '{touchpoint_type}'
        """
    )
    return dict(zip(names.replace(",", " ").split(), row, strict=True))


def evidence(company: Company, touchpoint_type: str, friction: str) -> tuple[int, int, int, int]:
    """(dropped, of them with the bad experience, went on, of them with it) at a point of the purchase definition."""
    (row,) = company.rows(
        f"""
        select dropped_count, dropped_with_count, went_on_count, went_on_with_count from drop_off_evidence
        where drop_off_level = 'touchpoint' and journey_definition = 'purchase'
            and touchpoint_type = '{touchpoint_type}' and friction = '{friction}'
        """
    )
    return row


def causes(company: Company, *names: str) -> int:
    """How many attempts ended by these causes, those of unknown visitors too."""
    return int(company.value(f"select count(*) from truth.episode where list_contains({list(names)}, drop_cause)"))


def test_failing_checkout_and_dead_landing_page_are_a_marked_drop_off_point(company: Company) -> None:
    """The 500 of the payment page on mobile devices and the 404 of the landing page show as `error_page` of `purchase`.

    Marked, with a failure beside every drop, and with no more drops than the causes explain.
    """
    point = drop_off(company, "error_page")
    assert point["reached_count"] == company.value(
        "select touchpoint_count from truth.expected_count where touchpoint_type = 'error_page'"
    )
    assert point["is_marked"]
    # By the log-rank test: whoever goes on from an error page does so at once, which speaks against a difference early on.
    assert point["p_value_adjusted"] < 0.05
    assert point["dropped_share"] > 2 * point["baseline_share"]
    dropped, dropped_with, went_on, went_on_with = evidence(company, "error_page", "error_page")
    assert dropped_with == dropped == point["dropped_count"]
    assert went_on_with == went_on
    planted = causes(company, "payment_error_mobile", "dead_landing_page")
    # A person who was seen again within 30 days dropped elsewhere, or not at all.
    assert planted / 2 <= point["dropped_count"] <= planted


def test_declined_payments_are_a_drop_off_point_with_their_evidence(company: Company) -> None:
    """`payment_failed` of `purchase`: more drops than elsewhere, a failure beside each.

    A mark needs about 30 decided journeys at a point, more than so few people give; share and evidence are there.
    """
    point = drop_off(company, "payment_failed")
    assert point["reached_count"] == company.value(
        "select touchpoint_count from truth.expected_count where touchpoint_type = 'payment_failed'"
    )
    assert point["dropped_share"] > point["baseline_share"]
    dropped, dropped_with, went_on, went_on_with = evidence(company, "payment_failed", "payment_failed")
    assert dropped_with == dropped == point["dropped_count"] > 0
    assert went_on_with == went_on <= point["continued_count"]
    assert point["dropped_count"] <= causes(company, "payment_declined")


def test_where_nobody_can_drop_off_is_not_marked(company: Company) -> None:
    """A goal ends its journey, and the click in a newsletter opens the page it leads to."""
    for touchpoint_type in ("order_placed", "pos_purchase"):
        point = drop_off(company, touchpoint_type)
        assert (point["dropped_count"], point["dropped_share"], point["is_marked"]) == (0, None, False), touchpoint_type
    point = drop_off(company, "email_clicked")
    assert not point["is_marked"]
    assert point["dropped_share"] < 0.01


def test_dropped_of_the_points_are_the_dropped_of_the_journeys(company: Company) -> None:
    for level in ("touchpoint", "step"):
        points = company.rows(
            f"""
            select journey_definition, sum(dropped_count), sum(converted_count), sum(exited_count), sum(open_count)
            from drop_off_point
            where drop_off_level = '{level}' group by 1 order by 1
            """
        )
        journeys = company.rows(
            """
            select journey_definition, count(*) filter (where status = 'dropped'),
                count(*) filter (where status = 'converted'), count(*) filter (where status = 'exited'),
                count(*) filter (where status = 'open')
            from journey group by 1 order by 1
            """
        )
        assert points == journeys


def test_cancelled_orders_are_lost_between_order_and_door(company: Company) -> None:
    """An order that waits too long is cancelled, which the ERP's export says by a delivery that never comes.

    After the goal no purchase journey is left to drop: the loss shows in the funnel `order_to_door`, per customer.
    """
    funnel = dict(company.rows("select touchpoint_type, reached_count from funnel_step where funnel = 'order_to_door'"))
    ordered, shipped, delivered = company.rows(
        """
        with step as (
            select person_id, cast(touchpoint_type as varchar) as kind, occurred_at from truth.touchpoint
            where occurred_at <= (select data_date_at from setting)
        ),
        sent as (
            select distinct o.person_id, o.occurred_at as ordered_at, s.occurred_at
            from step as o join step as s on s.person_id = o.person_id and s.kind = 'order_shipped'
                and s.occurred_at between o.occurred_at and o.occurred_at + interval 45 days
            where o.kind = 'order_placed'
        )
        select
            (select count(distinct person_id) from step where kind = 'order_placed'),
            (select count(distinct person_id) from sent),
            (select count(distinct person_id) from sent where exists (
                from step as d where d.person_id = sent.person_id and d.kind = 'order_delivered'
                and d.occurred_at between sent.occurred_at and sent.ordered_at + interval 45 days))
        """
    )[0]
    assert funnel == {"order_placed": ordered, "order_shipped": shipped, "order_delivered": delivered}
    assert ordered > shipped
