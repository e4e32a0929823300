"""Web logs through nights: verdicts on visitors whatever the order of files, visits over midnight, people named later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipelines.warehouse import Release
from tests.pipelines.nights import assert_same, keep_salt, query, quick_night

BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
)
SITE = "https://www.shop.example/"
CONFIGURATION = "company: Shop\nweb: {own_domains: [shop.example], robots: {no_asset_pages: 5}}\n"


def line(
    at: str,
    path: str,
    agent: int = 100,
    ip: str = "192.0.2.1",
    referrer: str = "-",
    method: str = "GET",
    status: int = 200,
    user: str = "-",
) -> str:
    """One request; `at` is ISO 8601 in UTC."""
    stamp = dt.datetime.fromisoformat(at).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'{ip} - {user} [{stamp}] "{method} {path} HTTP/1.1" {status} 512 "{referrer}" "{BROWSER.format(agent)}"'


def log(folder: Path, name: str, lines: Sequence[str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def night(folder: Path, warehouse: str = "warehouse", full: bool = False) -> Release:
    """One night over `folder/exports` with web logs only."""
    config = folder / "touchpoint360.yaml"
    if not config.exists():
        config.write_text(CONFIGURATION, encoding="utf-8")
    root = folder / warehouse
    if not root.exists():
        keep_salt(root)
    return quick_night([folder / "exports"], root, config=config, full=full, systems=["access_log"])


def pages(day: str, agent: int, count: int, hour: int = 10, **more: str) -> list[str]:
    return [line(f"{day}T{hour:02d}:{n // 60:02d}:{n % 60:02d}", f"/p/{n}", agent, **more) for n in range(count)]


def browsing(day: str, agent: int, hour: int = 9) -> list[str]:
    """A person's visit: a page with its style."""
    at = f"{day}T{hour:02d}:00:0"
    return [line(at + "0", "/", agent), line(at + "1", "/site.css", agent, referrer=SITE)]


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> tuple[Release, Release, Release]:
    """(first night, second night, one full build of the same files): the second night's rows change what the first thought."""
    folder = tmp_path_factory.mktemp("web")
    exports = folder / "exports"
    people = [row for agent in range(40, 44) for row in browsing("2026-03-02", agent)]
    log(
        exports,
        "access.log",
        [
            *people,
            # Five pages without an asset, so far; the log of the other server has their assets.
            *pages("2026-03-02", 50, 5),
            # Four pages: one more and it is a robot.
            *pages("2026-03-02", 51, 4),
            # A robot by robots.txt, on every server.
            line("2026-03-02T10:00:00", "/robots.txt", 52),
            *pages("2026-03-02", 52, 2),
            # Someone who leaves at midnight.
            line("2026-03-02T23:50:00", "/", 53, referrer="https://www.google.com/"),
            line("2026-03-02T23:51:00", "/site.css", 53, referrer=SITE),
            line("2026-03-02T23:58:00", "/e-bikes", 53, referrer=SITE),
            # The first half hour of a session that never ends.
            *(line(f"2026-03-02T23:{minute}:00", "/", 54) for minute in (35, 55)),
        ],
    )
    first = night(folder)
    log(
        exports,
        "access-node2.log",
        [
            line("2026-03-02T10:10:00", "/site.css", 50, referrer=SITE),
            line("2026-03-02T10:10:00", "/p/9", 51),
            # Rows of the first file again, as an overlapping rotation brings them; assets count once.
            *people,
            # … and goes on after it, then logs in.
            line("2026-03-03T00:05:00", "/e-bikes/one", 53, referrer=SITE + "e-bikes"),
            line("2026-03-03T00:06:00", "/account/login", 53, referrer=SITE, method="POST", status=302),
            line("2026-03-03T00:07:00", "/account", 53, referrer=SITE, user="anna1"),
            *(line(f"2026-03-03T{hour:02d}:{minute}:00", "/", 54) for hour in range(20) for minute in (15, 35, 55)),
            # Another device of the network, days apart: nobody.
            line("2026-03-03T12:00:00", "/", 53, ip="192.0.2.99"),
        ],
    )
    second = night(folder)
    return first, second, night(folder, "other", full=True)


def verdicts(release: Release) -> dict[str, str]:
    rows = query(release, "select regexp_extract(user_agent, 'Chrome/([0-9]+)', 1), bot_reason from web_robot")
    return dict(rows)


def test_verdicts_follow_all_rows_of_the_day(split: tuple[Release, Release, Release]) -> None:
    first, second, _ = split
    assert verdicts(first) == {"50": "no_assets", "52": "robots_txt"}
    assert verdicts(second) == {"51": "no_assets", "52": "robots_txt", "54": "endless_session"}
    marked = query(
        second,
        """
        select regexp_extract(json_extract_string(attributes, '$.user_agent'), 'Chrome/([0-9]+)', 1) as agent, count(*),
            count(*) filter (where is_bot), count(customer_id), count(session_id)
        from touchpoint group by 1 having agent in ('50', '51', '52') order by 1
        """,
    )
    # The evening before its first whole day is a robot's too, mapped by the first night as a person's.
    evening = (
        "select count(*), count(*) filter (where is_bot) from touchpoint where occurred_at < '2026-03-03' and "
        + ("json_extract_string(attributes, '$.user_agent') like '%Chrome/54.%'")
    )
    assert [query(release, evening) for release in split[:2]] == [[(2, 0)], [(2, 2)]]
    # The touchpoints of the first night are seen anew: robots name nobody and have no session, people have both.
    assert marked == [("50", 5, 0, 5, 5), ("51", 5, 5, 0, 0), ("52", 2, 2, 0, 0)]


def test_nights_one_after_another_end_as_one_full_build(split: tuple[Release, Release, Release]) -> None:
    _, second, full = split
    assert_same(second, full)


def test_a_visit_goes_on_over_midnight_and_is_named_by_a_later_login(split: tuple[Release, Release, Release]) -> None:
    _, second, _ = split
    rows = query(
        second,
        """
        select s.started_at, s.ended_at, s.touchpoint_count, s.channel_group, count(distinct t.customer_id)
        from session as s join touchpoint as t using (session_id)
        where json_extract_string(t.attributes, '$.user_agent') like '%Chrome/53.%' group by all order by 1
        """,
    )
    assert [(str(a), str(b), n, channel, people) for a, b, n, channel, people in rows] == [
        ("2026-03-02 23:50:00", "2026-03-03 00:07:00", 5, "Organic Search", 1),
        ("2026-03-03 12:00:00", "2026-03-03 12:00:00", 1, "Direct", 1),
    ]
    (customer,) = query(
        second,
        "select customer_id from customer_identifier where identifier_type = 'login' and identifier_value = 'anna1'",
    )
    # Also the first page, long before the login and under another hash.
    assert query(second, "select customer_id from touchpoint where occurred_at = timestamp '2026-03-02 23:50:00'") == [
        customer
    ]


def test_two_devices_that_could_be_it_are_not_joined_at_midnight(tmp_path: Path) -> None:
    log(
        tmp_path / "exports",
        "access.log",
        [
            line("2026-03-02T23:50:00", "/a", 60, ip="192.0.2.1", referrer=SITE),
            line("2026-03-02T23:51:00", "/b", 60, ip="192.0.2.2", referrer=SITE),
            line("2026-03-03T00:05:00", "/c", 60, ip="192.0.2.1", referrer=SITE),
            # Alone, but it begins anew: no page of the site sent it.
            line("2026-03-02T23:55:00", "/a", 61),
            line("2026-03-03T00:05:00", "/b", 61, referrer="https://www.google.com/"),
            # Alone, but the pause is too long.
            line("2026-03-02T23:30:00", "/a", 62, referrer=SITE),
            line("2026-03-03T00:01:00", "/b", 62, referrer=SITE),
        ],
    )
    release = night(tmp_path)
    assert query(release, "select count(*), count(distinct customer_id) from session") == [(7, 7)]


def test_earlier_visits_are_stitched_back_and_shared_devices_are_not_mixed(tmp_path: Path) -> None:
    """A later request of the device names the person: the morning's visit of the same day is hers too, tomorrow's is not."""
    log(
        tmp_path / "exports",
        "access.log",
        [
            line("2026-03-02T08:00:00", "/", 70, referrer="https://www.bing.com/"),
            line("2026-03-02T08:10:00", "/e-bikes", 70, referrer=SITE),
            line("2026-03-02T19:00:00", "/lp/news?utm_source=news&utm_medium=email&mc_eid=abc123", 70),
            line("2026-03-04T08:00:00", "/", 70),
            line(
                "2026-03-05T10:00:00", "/lp/news?utm_source=news&utm_medium=email&mc_eid=abc123", 71, ip="198.51.100.7"
            ),
        ],
    )
    release = night(tmp_path)
    rows = query(
        release,
        """
        select s.started_at, s.channel_group, s.last_non_direct_channel_group,
            s.customer_id = (select customer_id from customer_identifier where identifier_value = 'abc123') as is_hers
        from session as s order by 1
        """,
    )
    assert [(str(at)[:13], *rest) for at, *rest in rows] == [
        ("2026-03-02 08", "Organic Search", "Organic Search", True),
        ("2026-03-02 19", "Email", "Email", True),
        ("2026-03-04 08", "Direct", "Direct", False),
        ("2026-03-05 10", "Email", "Email", True),
    ]


def test_own_rules_come_first_and_a_change_maps_everything_again(tmp_path: Path) -> None:
    paths = ("/", "/offers/spring", "/intern/poll", "/contact?mail=a@b.example")
    lines = [line("2026-03-02T08:00:00", path, 80) for path in paths]
    log(tmp_path / "exports", "access.log", lines)
    release = night(tmp_path)
    kinds = "select page_path, touchpoint_type from touchpoint order by 1"
    assert query(release, kinds) == [
        ("/", "page_view"), ("/contact", "page_view"), ("/intern/poll", "page_view"), ("/offers/spring", "page_view"),
    ]  # fmt: skip
    # Nothing of the query string but what is named is anywhere in the release.
    assert query(release, "select count(*) from touchpoint as t where to_json(t)::varchar like '%a@b%'") == [(0,)]
    (tmp_path / "touchpoint360.yaml").write_text(
        "web:\n  rules:\n    - {rule: poll, path: '^/intern/', fold: background}\n"
        "    - {rule: offer, path: '^/offers/', type: landing_page_view}\n",
        encoding="utf-8",
    )
    changed = night(tmp_path)
    assert query(changed, kinds) == [
        ("/", "page_view"), ("/contact", "page_view"), ("/offers/spring", "landing_page_view"),
    ]  # fmt: skip
    assert query(changed, "select skipped_by_rule from reconciliation") == [('{"background": 1}',)]
