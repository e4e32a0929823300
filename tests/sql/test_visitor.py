"""Facts and verdicts about the visitors of one day (`sql/visitor/`), at the limits of every rule."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from models.agent import AGENT_SCHEMA, read_agents
from models.configuration import Configuration, load_configuration
from pipelines.model_files import ingest_select
from sources.web import offer_web_functions
from tests.sql.runner import Room

DAY = datetime(2026, 3, 2)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
SCHEMA = pa.schema(
    [
        ("visitor", pa.string()), ("time", pa.timestamp("us")), ("path", pa.string()), ("referrer", pa.string()),
        ("user_agent", pa.string()), ("ip_masked", pa.string()), ("skip_rule", pa.string()),
    ]
)  # fmt: skip
Request = dict[str, Any]


def request(visitor: str, seconds: float, path: str = "/", **more: Any) -> Request:
    """One request of a visitor so many seconds after midnight; a page without a referrer unless said otherwise."""
    return {
        "visitor": visitor, "time": DAY + timedelta(seconds=seconds), "path": path, "referrer": None,
        "user_agent": BROWSER, "ip_masked": "192.0.0.0/16", "skip_rule": None, **more,
    }  # fmt: skip


def asset(visitor: str, seconds: float, **more: Any) -> Request:
    return request(visitor, seconds, "/site.css", skip_rule="asset", **more)


def people(count: int = 4) -> list[Request]:
    """Visitors with a page and its style: the site's assets are in the log."""
    return [make(f"person{n}", 40_000 + n) for n in range(count) for make in (request, asset)]


def judge(requests: Iterable[Request], configuration: Configuration | None = None) -> dict[str, str | None]:
    """Visitor → reason, for those that are robots."""
    room = Room({}, configuration)
    con = room.connection
    offer_web_functions(con.execute, configuration)
    for name, table in (
        ("visitor_request", pa.Table.from_pylist(list(requests), schema=SCHEMA)),
        ("web_agent", read_agents(pa.table({"user_agent": [BROWSER, "curl/8.5.0"]}))),
    ):
        con.register("arriving", table)
        con.execute(f"create table {name} as select * from arriving")
        con.unregister("arriving")
    assert AGENT_SCHEMA.names
    con.execute(f"create table visitor_day as {ingest_select('visitor_day')}")
    con.execute("create table judged_day as select distinct visit_date from visitor_day")
    con.execute(f"create table visitor_verdict as {ingest_select('visitor_verdict')}")
    return dict(room.rows("select visitor, bot_reason from visitor_verdict where is_bot order by 1"))


def test_people_are_no_robots() -> None:
    assert judge([*people(), *(request("eager", 36_000 + 90 * n, f"/{n}") for n in range(19))]) == {}


def test_an_agent_s_own_word_comes_before_what_it_does() -> None:
    requests = [
        request("script", 1, user_agent="curl/8.5.0"),
        request("script", 2, "/robots.txt", user_agent="curl/8.5.0"),
    ]
    assert judge(requests) == {"script": "crawler_list"}


def test_robots_txt_is_a_robot_s_even_when_it_is_folded_away() -> None:
    assert judge([request("polite", 1, "/robots.txt", skip_rule="program"), request("polite", 2)]) == {
        "polite": "robots_txt"
    }


@pytest.mark.parametrize(("count", "reason"), [(59, {}), (60, {"fast": "request_rate"})])
def test_pages_in_one_minute(count: int, reason: dict[str, str]) -> None:
    requests = [request("fast", 36_000 + n * 0.9, "/same", referrer="https://shop.example/") for n in range(count)]
    # Assets come in numbers and are no pages.
    assert judge([*requests, *(asset("fast", 36_001 + n * 0.1) for n in range(100))]) == reason


@pytest.mark.parametrize(("hours", "reason"), [(19, {}), (20, {"awake": "endless_session"})])
def test_pages_in_many_hours(hours: int, reason: dict[str, str]) -> None:
    pages = [request("awake", hour * 3600, referrer="https://shop.example/") for hour in range(hours)]
    # What a forgotten tab fetches in the night is no page.
    background = [request("awake", 3600 * 23.5, "/api/poll", skip_rule="background")]
    assert judge([*pages, *background, asset("awake", 5)]) == reason


def monitor(days: int, agent: str = BROWSER, start: float = 22 * 3600, end: float = 90 * 60) -> list[Request]:
    """One page every 20 minutes, from 22:00 on the first day until 01:30 on the last; the visitor's hash is another each day."""
    last = days * 86_400 - 86_400 + end
    times = range(int(start), int(last), 1200)
    return [request(f"monitor{at // 86_400}", at, "/", user_agent=agent, ip_masked="10.7.0.0/16") for at in times]


def test_a_session_of_a_month_is_a_robot_s_on_its_first_and_last_day_too() -> None:
    days = {f"monitor{day}": "endless_session" for day in range(30)}
    assert judge([*people(), *monitor(30)]) == days
    # Somebody of the same network and agent around the first midnight: it is no longer sure whose the first evening was.
    neighbour = request("neighbour", 23.9 * 3600, ip_masked="10.7.0.0/16")
    assert judge([*people(), *monitor(30), neighbour]) == {k: v for k, v in days.items() if k != "monitor0"}
    # An evening that goes on past midnight is no session without an end.
    assert judge([*people(), *monitor(2)]) == {}
    # A pause longer than a session's before midnight: the evening was another visit.
    assert judge([*people(), *monitor(3, end=7200), request("early", 20 * 3600, ip_masked="10.7.0.0/16")]) == {
        f"monitor{day}": "endless_session" for day in range(3)
    }


@pytest.mark.parametrize(
    ("distinct", "linked", "reason"),
    [(100, 10, {"sweep": "page_sweep"}), (100, 11, {}), (99, 0, {})],
)
def test_a_sweep_of_many_pages(distinct: int, linked: int, reason: dict[str, str]) -> None:
    pages = [
        request("sweep", 120 * n, f"/p/{n}", referrer="https://shop.example/" if n < linked else None)
        for n in range(distinct)
    ]
    assert judge([*pages, asset("sweep", 1)]) == reason


def test_no_assets_tell_a_robot_only_where_others_fetch_some() -> None:
    reader = [request("reader", 36_000 + 60 * n, "/same", referrer="https://shop.example/") for n in range(20)]
    assert judge([*people(), *reader]) == {"reader": "no_assets"}
    assert judge([*people(), *reader[:19]]) == {}
    # The assets come from elsewhere: nobody fetches any.
    assert judge([*reader, *(request(f"other{n}", 40_000) for n in range(4))]) == {}
    # Half of the visitors is enough, one in three is not.
    assert judge([*people(2), request("a", 1), *reader]) == {"reader": "no_assets"}
    assert judge([*people(1), request("a", 1), *reader]) == {}


@pytest.mark.parametrize(("visitors", "each", "is_sweep"), [(10, 10, True), (9, 12, False), (10, 9, False)])
def test_a_sweep_shared_by_a_network(visitors: int, each: int, is_sweep: bool) -> None:
    swarm = [
        request(f"s{n}", 600 * n + 40 * page, f"/p/{page}", ip_masked="10.1.0.0/16")
        for n in range(visitors)
        for page in range(each)
    ]
    expected = {f"s{n}": "network_sweep" for n in range(visitors)} if is_sweep else {}
    assert judge([*people(), *swarm]) == expected
    # One asset, and it may be an office behind one address range.
    assert judge([*people(), *swarm, asset("s0", 1, ip_masked="10.1.0.0/16")]) == {}


def test_a_rule_can_be_switched_off() -> None:
    configuration = load_configuration()
    robots = configuration.web.robots.model_copy(update={"robots_txt_requests": None})
    web = configuration.web.model_copy(update={"robots": robots})
    off = configuration.model_copy(update={"web": web})
    assert judge([request("polite", 1, "/robots.txt", skip_rule="program")], off) == {}
