"""Robots: the demo company has four that say what they are, and one that does not."""

from __future__ import annotations

from tests.truth.conftest import Company

DECLARED = "select agent from truth.bot where is_declared"
# The stealth robot borrows an agent that people use; its network is nobody else's.
STEALTH_NETWORK = "2001:db8:bad::/48"


def test_declared_robots_are_marked_and_nobody_else_is(company: Company) -> None:
    requests, marked = company.rows(
        f"""
        select count(*) filter (where agent in ({DECLARED})), count(*) filter (where is_bot)
        from truth.found
        """
    )[0]
    assert requests == marked
    assert company.value(f"select count(*) from truth.found where is_bot and agent not in ({DECLARED})") == 0
    # All but robots.txt, which two of them fetch once a day and which is no page.
    assert marked == company.value("select sum(request_count) from truth.bot where is_declared") - 2 * 26 * 7


def test_robots_take_part_in_no_journey_and_no_session(company: Company) -> None:
    robots = "select touchpoint_id from touchpoint where is_bot"
    assert company.value(f"select count(*) from ({robots})") > 5_000
    assert company.value(f"select count(*) from journey_step where touchpoint_id in ({robots})") == 0
    assert company.value("select count(*) from touchpoint where is_bot and session_id is not null") == 0
    only_robots = """
        select customer_id from touchpoint where customer_id is not null group by 1 having bool_and(is_bot)
    """
    for table in ("journey", "session"):
        assert company.value(f"select count(*) from {table} where customer_id in ({only_robots})") == 0


def test_robots_are_counted_apart_per_channel_and_day(company: Company) -> None:
    assert company.value("select sum(bot_touchpoint_count) from channel_daily") == company.value(
        "select count(*) from touchpoint where is_bot"
    )


def test_the_robot_that_does_not_say_so_is_kept_to_itself(company: Company) -> None:
    """The stealth scraper reads the whole catalogue in six nights under an ordinary agent.

    Nothing it sends says that it is a robot, so it is not marked yet: finding it by what it does (rate, no assets,
    sweep of pages) is a later step, and until then its visits count as those of unknown visitors and make journeys that
    drop off. All that is demanded here: its requests are all there, and belong to nobody the company knows.
    """
    expected = company.value("select request_count from truth.bot where not is_declared")
    count, marked = company.rows(
        f"select count(*), count(*) filter (where is_bot) from truth.found where network = '{STEALTH_NETWORK}'"
    )[0]
    assert (count, marked) == (expected, 0)
    assert (
        company.value(
            f"""
            select count(*) from truth.found
            where network = '{STEALTH_NETWORK}' and customer_id in (select customer_id from truth.own_customer)
            """
        )
        == 0
    )
