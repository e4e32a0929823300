"""Sessions and channels: every planted visit is one session, from the first to the last touchpoint, with its channel."""

from __future__ import annotations

from tests.truth.conftest import Company

# A session that has touchpoints of the web log, by what it has of it.
SESSION = """
    select session_id, min(occurred_at) as started_at, max(occurred_at) as ended_at, count(*) as touchpoint_count
    from touchpoint where source_system = 'access_log' and session_id is not null group by 1
"""


def test_there_are_as_many_sessions_as_visits(company: Company) -> None:
    assert company.value("select count(*) from truth.visit") > 3_000
    assert company.value(f"select count(*) from ({SESSION})") == company.value("select count(*) from truth.visit")


def test_every_visit_is_a_session_with_its_channel_source_and_medium(company: Company) -> None:
    found = f"""
        select date_trunc('second', v.started_at), date_trunc('second', v.ended_at), v.touchpoint_count,
            s.channel_group, s.traffic_source, s.traffic_medium
        from ({SESSION}) as v join session as s using (session_id)
    """
    planted = """
        select started_at, ended_at, touchpoint_count, channel_group, traffic_source, traffic_medium from truth.visit
    """
    assert company.rows(f"({planted}) except all ({found})") == []
    assert company.rows(f"({found}) except all ({planted})") == []


def test_channels_of_all_kinds_are_there(company: Company) -> None:
    groups = {group for (group,) in company.rows("select distinct channel_group from session")}
    assert {
        "Direct", "Organic Search", "Paid Search", "Organic Social", "Paid Social", "Organic Video", "Email",
        "Referral", "AI Assistants",
    } <= groups  # fmt: skip
    assert "Unassigned" not in groups


def test_the_last_source_that_was_not_direct_is_kept_beside_the_visit_s_own(company: Company) -> None:
    """By a plain walk over each customer's sessions in order of time, without the model."""
    rows = company.rows(
        """
        select customer_id, session_id, epoch_us(started_at), channel_group, traffic_source, last_non_direct_channel_group,
            last_non_direct_source
        from session order by customer_id, started_at, session_id
        """
    )
    last: tuple[int, int, str, str] | None = None
    inherited = 0
    for customer, session, started, group, source, last_group, last_source in rows:
        if group != "Direct":
            last = (customer, started, group, source)
        reachable = last is not None and last[0] == customer and started - last[1] <= 90 * 86_400_000_000
        expected = (last[2], last[3]) if last is not None and reachable else ("Direct", "(direct)")
        assert (last_group, last_source) == expected, session
        inherited += group == "Direct" and reachable
    assert inherited > 100


def test_a_later_login_names_earlier_visits(company: Company) -> None:
    """Visits of a device before the request of the day that names the person belong to that person too."""
    before = company.value(
        """
        select count(distinct m.touchpoint_id)
        from truth.made as m join truth.own_customer as o on o.person_id = m.person_id and o.customer_id = m.customer_id
        join touchpoint as t on t.touchpoint_id = m.touchpoint_id
        where m.export = 'access_log.request' and m.is_identified
            -- the request itself carries neither a login nor a parameter that names somebody
            and len(list_filter(t.identifiers, lambda i: i."type" <> 'visitor')) = 0
        """
    )
    assert before > 1_000
