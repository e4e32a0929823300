"""Robots: the demo company has some that say what they are, and some that only what they do gives away."""

from __future__ import annotations

from tests.truth.conftest import Company

# Robots that hide borrow agents that people use; their networks are nobody else's. A planted row that is damaged on purpose
# has an agent that no person has.
HIDDEN_NETWORKS = "network like '2001:db8:bad%'"
DAMAGED = "agent = 'Mozilla/5.0'"
DECLARED = "select agent from truth.bot where is_declared"


def test_every_robot_is_marked_with_its_reason(company: Company) -> None:
    """All page requests of each robot, by the reason that the truth names, and no request of anybody else."""
    declared = company.rows(
        """
        select b.name, count(f.touchpoint_id), list(distinct t.bot_reason)
        from truth.bot as b join truth.found as f on f.agent = b.agent join touchpoint as t using (touchpoint_id)
        where b.is_declared and t.is_bot group by all order by all
        """
    )
    assert declared == company.rows(
        "select name, page_count, [reason] from truth.bot where is_declared and page_count > 0 order by all"
    )
    hidden = company.rows(
        f"""
        select f.network, t.bot_reason, count(*) from truth.found as f join touchpoint as t using (touchpoint_id)
        where {HIDDEN_NETWORKS} group by all order by all
        """
    )
    assert hidden == company.rows(
        """
        select array_to_string(string_split(ip, ':')[:3], ':') || '::/48' as network, reason, cast(sum(page_count) as bigint)
        from truth.bot where not is_declared group by all order by all
        """
    )
    assert {reason for _, reason, _ in hidden} == {
        "no_assets", "robots_txt", "request_rate", "endless_session", "network_sweep",
    }  # fmt: skip
    others = f"is_bot and agent not in ({DECLARED}) and not {HIDDEN_NETWORKS}"
    assert company.rows(f"select agent from truth.found where {others}") == [("Mozilla/5.0",)]


def test_robots_take_part_in_no_journey_and_no_session_and_name_nobody(company: Company) -> None:
    robots = "select touchpoint_id from touchpoint where is_bot"
    assert company.value(f"select count(*) from ({robots})") > 5_000
    assert company.value(f"select count(*) from journey_step where touchpoint_id in ({robots})") == 0
    assert company.value("select count(*) from touchpoint where is_bot and session_id is not null") == 0
    assert (
        company.value(
            "select count(*) from touchpoint where is_bot and source_system = 'access_log' and customer_id > 0"
        )
        == 0
    )


def test_robots_are_counted_apart_per_channel_and_day(company: Company) -> None:
    assert company.value("select sum(bot_touchpoint_count) from channel_daily") == company.value(
        "select count(*) from touchpoint where is_bot"
    )


def test_each_verdict_is_kept_with_facts_reason_and_version(company: Company) -> None:
    """`web_robot` has a row per robot and day; its page requests are the robots' touchpoints of the web log."""
    pages, versions = company.rows(
        "select sum(page_request_count), count(*) filter (where bot_list_version is null) from web_robot"
    )[0]
    assert versions == 0
    assert pages == company.value("select sum(page_count) from truth.bot") + company.value(
        f"select count(*) from truth.found where {DAMAGED}"
    )
    by_behaviour = dict(
        company.rows("select bot_reason, count(*) from web_robot where bot_list_version like '%behaviour%' group by 1")
    )
    # Six nights, five visits, three visits, two times three days, one day of twelve visitors.
    assert by_behaviour == {
        "no_assets": 6, "robots_txt": 5, "request_rate": 3, "endless_session": 6, "network_sweep": 12,
    }  # fmt: skip


def test_health_checks_are_folded_away_and_counted(company: Company) -> None:
    checks = company.value("select request_count from truth.bot where name = 'load balancer'")
    assert checks > 2_000
    assert checks == company.value(
        "select sum(cast(skipped_by_rule ->> 'health_check' as integer)) from reconciliation "
        "where source_export = 'access_log.request'"
    )
