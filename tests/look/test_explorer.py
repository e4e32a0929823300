"""The explorer: answers what the tables say, takes nothing but values, and follows a release switch."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
import uvicorn
from playwright.sync_api import Browser

from models.catalogue import load_catalogue
from pipelines.commands.common import UserError
from pipelines.commands.explore import listen
from pipelines.explore.app import create_app
from pipelines.explore.asked import AskedError, address, read_date, read_filter, read_number, read_path
from pipelines.explore.connection import LOOKED_THROUGH, CurrentRelease, connect
from pipelines.warehouse import Warehouse, WarehouseError
from tests.look.conftest import Shop

ALLOWED = ["127.0.0.1"]


@contextmanager
def serve(warehouse: Path) -> Iterator[str]:
    """The explorer on a free port of this machine; yields its address."""
    server = uvicorn.Server(uvicorn.Config(create_app(warehouse, ALLOWED), port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        os.sched_yield()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def site(shop: Shop) -> Iterator[str]:
    with serve(shop.warehouse) as address:
        yield address


def get(url: str, host: str | None = None) -> tuple[int, str]:
    """Status and text of an address."""
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_way_is_followed_and_the_people_behind_it_are_listed(shop: Shop, site: str, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{site}/way?definition=purchase")
    page.get_by_role("link", name="Page view", exact=True).first.click()
    assert "path=page_view" in page.url
    code = load_catalogue()["page_view"].code
    where = f"journey_definition = 'purchase' and forward_1_code = {code}"
    total = shop.value(f"select count(*) from journey_way where {where}")
    assert page.get_by_role("link", name=f"{total:,} journeys").count() == 1
    lines = page.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => +row.children[1].textContent.replace(',', ''))"
    )
    assert sum(lines) == total
    page.get_by_role("link", name=f"{total:,} journeys").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="download as CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    wanted = {str(row[0]) for row in shop.rows(f"select journey_id from journey_way where {where}")}
    assert {row["journey_id"] for row in rows} == wanted and len(rows) == total
    page.close()


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_each_line_of_a_way_has_its_people(shop: Shop, site: str, browser: Browser, direction: str) -> None:
    page = browser.new_page()
    page.goto(f"{site}/way?definition=purchase&direction={direction}&path=page_view")
    links = page.locator("tbody tr td:nth-child(2) a")
    assert links.count() > 2
    for count, link in links.evaluate_all("all => all.map(a => [a.textContent, a.href])"):
        status, text = get(link)
        assert status == 200 and f"{count} journey{'' if count == '1' else 's'}" in text, link
    page.close()


def test_filters_are_those_of_the_tables(shop: Shop, site: str) -> None:
    day = shop.value("select cast(median(started_at) as date) from journey where journey_definition = 'purchase'")
    total = shop.value(
        "select count(*) from journey join customer_360 using (customer_id) where journey_definition = 'purchase' "
        f"and status = 'dropped' and started_at >= date '{day}' and lifecycle_stage = 'prospect'"
    )
    status, text = get(f"{site}/journeys?definition=purchase&status=dropped&from={day}&stage=prospect")
    assert status == 200 and total > 0 and f"{total:,} journeys" in text


def test_a_funnel_is_built_and_its_people_are_listed(shop: Shop, site: str, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{site}/funnel")
    page.locator("input[name=steps]").fill("page_view|landing_page_view > [site_search] > cart_updated > order_placed")
    page.locator("input[name=window]").fill("14d")
    page.get_by_role("button", name="Show").click()
    call = "funnel_people(['page_view|landing_page_view', 'cart_updated', 'order_placed'], window_days := 14)"
    wanted = [shop.value(f"select count(*) from {call} where step_count >= {n}") for n in (1, 2, 3)]
    lines = page.locator("section", has_text="Step by step").locator("tbody tr")
    assert [int(lines.nth(n).locator("td").first.inner_text().replace(",", "")) for n in range(3)] == wanted
    assert wanted[0] > wanted[1] > wanted[2] > 0
    stopped = shop.value(f"select count(*) from {call} where step_count = 2 and not is_converted and not is_open")
    lines.nth(1).get_by_role("link").nth(1).click()
    assert page.get_by_text(f"{stopped:,} customers").count() == 1
    assert page.locator("tbody tr").count() == min(500, stopped)
    page.go_back()
    optional = page.locator("section", has_text="Steps that nobody has to take").locator("tbody td")
    assert optional.first.inner_text() == f"{wanted[0]:,}"
    page.locator("select[name=by]").select_option("device")
    page.get_by_role("button", name="Show").click()
    divided = page.locator("section", has_not_text="Steps that nobody has to take")
    entered = divided.locator("tbody tr:first-child td:nth-child(2)").all_inner_texts()
    assert len(entered) > 1 and sum(int(text.replace(",", "")) for text in entered) == wanted[0]
    page.close()


def test_a_customer_is_found_and_shown(shop: Shop, site: str, browser: Browser) -> None:
    customer_id, email, count = shop.rows(
        "select customer_id, email, touchpoint_count from customer where email is not null order by 3 desc, 1 limit 1"
    )[0]
    page = browser.new_page()
    page.goto(site)
    page.get_by_role("searchbox").fill(email)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=str(customer_id)).first.click()
    assert page.locator("h1").inner_text() == f"Customer {customer_id}"
    timeline = page.locator("section", has=page.locator("h2", has_text="Timeline"))
    assert timeline.locator("tbody tr").count() == min(100, count)
    channel, of_channel = shop.rows(
        f"select channel, count(*) from touchpoint where customer_id = {customer_id} group by 1 order by 2, 1 limit 1"
    )[0]
    known = page.locator("select[name=channel] option").evaluate_all("all => all.map(option => option.value)")
    in_table = shop.rows(
        f"select channel from touchpoint where customer_id = {customer_id} group by 1 order by count(*) desc, 1"
    )
    assert known == ["", *(row[0] for row in in_table)]
    beyond = get(f"{site}/customer/{customer_id}?page=100000")
    assert beyond[0] == 200 and f"<option value={channel}>" in beyond[1]
    assert get(f"{site}/customer/{customer_id}?channel=smoke_signal")[0] == 400
    page.locator("select[name=channel]").select_option(channel)
    timeline.get_by_role("button").click()
    assert timeline.locator("tbody tr").count() == min(100, of_channel)
    page.close()


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/way?path=pageview", 400, "did you mean &#39;page_view&#39;?"),
        ("/way?definition=purchases", 400, "did you mean &#39;purchase&#39;?"),
        ("/way?direction=up", 400, "direction"),
        ("/journeys?from=yesterday", 400, "is not a date such as"),
        ("/journeys?from=2026-02-02&to=2026-01-01", 400, "swap them"),
        ("/journeys?from=2026-02-30", 400, "is not a date such as"),
        ("/journeys?from=0000-00-00", 400, "is not a date such as"),
        ("/journeys?to=9999-12-31", 400, "is not a date from 1900-01-01 to 2199-12-31"),
        ("/journeys?from=2199-12-31", 200, "has no rows for this"),
        ("/journeys?stage=%27%20or%20true%20--", 400, "is not one of"),
        ("/people?definition=purchase&length=99", 400, "is not a number from 1 to 6"),
        ("/people?definition=purchase&page=100000", 200, "0 journeys"),
        ("/people.csv?definition=x", 400, "is not one of"),
        ("/people?definition=purchase&page=0", 400, "is not a number from 1"),
        ("/funnel?steps=page_view", 400, "2 to 8 steps"),
        ("/funnel?steps=page_vieuw+%3E+order_placed", 400, "did you mean &#39;page_view&#39;?"),
        ("/funnel?window=soon", 400, "is not a time above zero"),
        ("/funnel?by=email", 400, "is not one of"),
        ("/funnel?window=9999999999999999d", 400, "is longer than 36500 days"),
        (f"/funnel?window={'9' * 400}w", 400, "is longer than 36500 days"),
        ("/funnel?steps=" + "page_view%20%3E%20" * 2000 + "order_placed", 400, "2 to 8 steps"),
        ("/funnel?steps=page_view%20%3E%20%27;drop%20table%20touchpoint;--", 400, "is not a touchpoint type"),
        ("/funnel?steps=%3E%3E%3E", 400, "is not a touchpoint type"),
        ("/funnel?mode=strict&exclude=page_view", 400, "is both a step and an exclusion"),
        ("/funnel/people?step=9", 400, "is not a number from 1 to 4"),
        ("/customer/1", 404, "No customer found"),
        ("/customer/99999999999999999999", 404, "No customer found"),
        ("/customer/-1", 404, "No customer found"),
        ("/customer/1%20or%201=1", 404, "No customer found"),
        ("/customer/%00", 404, "No customer found"),
        ("/customer/%D9%A3", 404, "No customer found"),
        ("/customers?q=%00", 200, "No customer found"),
        ("/customers?q=%ED%A0%80%FF", 200, "No customer found"),
        ("/customers?q=" + "x" * 5000, 200, "No customer found"),
        ("/customers?q=%25", 200, "No customer found"),
        ("/?lang=xx", 200, '<html lang="en"'),
        ("/customers?q=%3Cscript%3Ealert(1)%3C/script%3E", 200, "&lt;script&gt;alert(1)"),
        ("/customers?q=%27%20or%201=1%20--", 200, "No customer found"),
        ("/nowhere", 404, "There is no such page"),
        ("//evil.example.org/", 404, 'href="/evil.example.org/?lang=nl"'),
    ],
)
def test_what_cannot_be_asked(site: str, path: str, status: int, text: str) -> None:
    found, body = get(site + path)
    assert found == status and text in body
    assert "<script>alert" not in body and "Traceback" not in body


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("HEAD", "/", 200),
        ("HEAD", "/nowhere", 404),
        ("POST", "/", 405),
        ("DELETE", "/customer/1", 405),
        ("PUT", "/way", 405),
    ],
)
def test_pages_are_read_and_nothing_else(site: str, method: str, path: str, status: int) -> None:
    try:
        with urllib.request.urlopen(urllib.request.Request(site + path, method=method)) as response:
            found, headers, body = response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        found, headers, body = error.code, error.headers, error.read()
    assert found == status and "default-src 'none'" in headers["Content-Security-Policy"]
    assert body == b"" or method != "HEAD"
    assert status != 405 or {name.strip() for name in headers["Allow"].split(",")} == {"GET", "HEAD"}


def test_a_name_is_looked_for_as_it_is_written(shop: Shop, site: str) -> None:
    # no pattern: neither of these stands for any character
    assert (
        shop.value("select count(*) from customer where full_name like '%\\%%' escape '\\' or contains(full_name, '_')")
        == 0
    )
    assert all("No customer found" in get(f"{site}/customers?q={text}")[1] for text in ("%25", "_"))


def test_two_browsers_at_once_see_one_release_each_while_it_switches(shop: Shop, browser: Browser) -> None:
    house = Warehouse(shop.warehouse)
    first, second = shop.releases
    asked = [
        "/funnel",
        "/funnel?by=device",
        "/way?definition=purchase",
        "/journeys?definition=purchase",
        "/people?definition=visit",
    ]
    try:
        # from the first question on, while the release is still being read in
        with serve(shop.warehouse) as site:
            wanted = {}
            for release in (first, second):
                house.switch(release.release_id)
                wanted[release.release_id] = {path: get(site + path)[1] for path in asked}
        assert all(wanted[first.release_id][path] != wanted[second.release_id][path] for path in asked)
        with serve(shop.warehouse) as site:
            contexts = [browser.new_context() for _ in range(2)]
            pages = [context.new_page() for context in contexts]
            found: list[tuple[str, str]] = []

            def ask_all() -> None:
                found.extend((path, get(site + path)[1]) for path in asked * 4)

            others = [threading.Thread(target=ask_all) for _ in range(3)]
            for thread in others:
                thread.start()
            for turn, release in enumerate([first, second] * 3):
                house.switch(release.release_id)
                pages[turn % 2].goto(f"{site}/funnel")
                assert release.release_id in pages[turn % 2].locator("header").inner_text()
            for thread in others:
                thread.join()
            for context in contexts:
                context.close()
        assert len(found) == 60
        for path, text in found:
            assert text in (wanted[first.release_id][path], wanted[second.release_id][path]), path
    finally:
        house.switch(second.release_id)


def test_another_host_name_is_refused(site: str) -> None:
    assert get(site, host="evil.example.org")[0] == 400


def test_headers_keep_everything_inside(site: str) -> None:
    with urllib.request.urlopen(site) as response:
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["Cache-Control"] == "no-store"


def test_language_is_kept(site: str, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(site)
    page.get_by_role("link", name="Nederlands").click()
    page.goto(f"{site}/journeys")
    assert page.locator("h1").inner_text() == "Klantreizen"
    context.close()


def test_release_switch_is_followed_and_an_open_answer_stays_whole(shop: Shop) -> None:
    current = CurrentRelease(shop.warehouse)
    house = Warehouse(shop.warehouse)
    first, second = shop.releases
    counts = [release.summary["row_counts"]["touchpoint"] for release in (first, second)]
    before = current.open()
    try:
        with serve(shop.warehouse) as site:
            assert second.release_id in get(site)[1]
            house.switch(first.release_id)
            assert first.release_id in get(site)[1]
        opened = current.open()
        # funnels follow too: they are answered from the index of the release that is current
        assert opened.index is not None and before.index is not None
        assert len(opened.index) < len(before.index)
        with opened.cursor as now:
            assert now.execute("select count(*) from touchpoint").fetchall() == [(counts[0],)]
        # the answer that began before the switch ends on the release it began on
        assert before.run("select count(*) from touchpoint", {})[1] == [(counts[1],)]
    finally:
        house.switch(second.release_id)
        before.cursor.close()


def test_the_connection_reads_this_file_only(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a\n1\n")
    con = connect(shop.releases[-1].data_file)
    for statement in (
        f"select * from '{tmp_path}/other.csv'",
        f"attach '{tmp_path}/x.duckdb'",
        "create table t as select 1",
        "set enable_external_access = true",
    ):
        with pytest.raises(duckdb.Error):
            con.execute(statement)
    con.close()


def test_without_a_release_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="touchpoint360 run"):
        CurrentRelease(tmp_path).open()
    with serve(tmp_path) as site:
        status, text = get(site)
    assert status == 503 and "touchpoint360 run" in text


def test_what_is_read_beforehand_is_there_and_read_once(shop: Shop) -> None:
    with CurrentRelease(shop.warehouse).open() as opened:
        opened.held.warm()
        assert opened.index is not None and opened.index.touch() > 0
        columns = {(table, column) for table, names in LOOKED_THROUGH.items() for column in names}
        known = opened.run("select table_name, column_name from duckdb_columns()", {})[1]
        assert columns <= set(known)
        # the second time nothing is asked, so that each answer may try
        opened.held.connection.close()
        opened.held.warm()


def test_a_customer_is_found_by_number_and_by_the_beginning_of_an_identifier(shop: Shop, site: str) -> None:
    customer_id, email = shop.rows(
        "select customer_id, identifier_value from customer_identifier where identifier_type = 'email' order by 2 limit 1"
    )[0]
    count = shop.value(f"select count(*) from customer_identifier where customer_id = {customer_id}")
    assert get(f"{site}/customers?q={customer_id}")[1].count(f"/customer/{customer_id}") == count
    for text in (email, email.upper(), email[:8]):
        assert f"/customer/{customer_id}" in get(f"{site}/customers?q={text}")[1], text


def test_where_it_cannot_listen_it_says_what_to_do() -> None:
    with listen("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} of 127.0.0.1 is taken.*--port"):
            listen("127.0.0.1", port)
    with pytest.raises(UserError, match=r"cannot listen on 192\.0\.2\.7.*--host"):
        listen("192.0.2.7", port)


def test_the_first_page_waits_for_no_array_library() -> None:
    code = "import sys, pipelines.explore.app; print(*{'numpy', 'pyarrow', 'pandas', 'dagster', 'scipy'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def test_addresses_and_values() -> None:
    assert address("/way", {"a": 1, "b": "x y"}, a=None, c="ø&") == "/way?b=x+y&c=%C3%B8%26"
    assert address("/way", {}) == "/way"
    assert read_path("page_view,,order_placed") == ["page_view", "order_placed"]
    with pytest.raises(AskedError, match="6 deep"):
        read_path(",".join(["page_view"] * 7))
    assert read_number("page", None, 3, 9) == 3 and read_date("from", "") is None
    for wrong in ("-1", "0", "1.5", "٣", "99999999999"):
        with pytest.raises(AskedError):
            read_number("page", wrong, 1, 10)
    found = read_filter({"definition": "a", "to": "2026-01-31"}, ["a"], [])
    assert str(found.parameters()["until"]) == "2026-02-01" and found.query() == {"definition": "a", "to": "2026-01-31"}
