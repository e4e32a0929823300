"""Event trackers: values checked by hand against the vendors' own samples and documented layouts, and the rules they share."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.catalogue import load_catalogue
from models.configuration import load_configuration
from models.lists import load_list
from pipelines.trial import try_spec
from sources.recognise import recognise
from sources.spec import SourceCatalog
from sources.web import CLOCK_AHEAD_MINUTES, CLOCK_BEHIND_DAYS, offer_web_functions
from tests.sources.systems.conftest import SHARED, Mapped, identifiers

TRACKERS = SHARED.parent / "weblogs" / "exports"


def shared_trackers(test: Callable[..., None]) -> Callable[..., None]:
    """A test that needs the vendors' samples beside the checkout."""
    reason = f"needs the tracker samples in {TRACKERS.name} beside the checkout"
    return pytest.mark.shared(pytest.mark.skipif(not TRACKERS.is_dir(), reason=reason)(test))


AT = datetime(2026, 3, 4, 10)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)


@pytest.fixture(scope="module")
def web() -> duckdb.DuckDBPyConnection:
    """A connection with the functions that mappings call."""
    con = duckdb.connect()
    offer_web_functions(con.execute)
    return con


def lines(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


# --- the rule for clocks ---------------------------------------------------------------------------------------------------


def clock(web: duckdb.DuckDBPyConnection, happened: Any, sent: Any, received: Any) -> tuple[datetime, str]:
    query = (
        "select web_event_time(h, s, r), web_event_clock(h, s, r) "
        "from (select ?::timestamp as h, ?::timestamp as s, ?::timestamp as r)"
    )
    return web.execute(query, [happened, sent, received]).fetchall()[0]


@pytest.mark.parametrize(
    ("happened", "sent", "received", "expected"),
    [
        # Segment's documented example: timestamp is 19:11:01.249
        ("2015-12-12 19:11:01.152", "2015-12-12 19:11:01.169", "2015-12-12 19:11:01.266",
         ("2015-12-12 19:11:01.249", "corrected")),
        # a device one hour ahead: the wait of 20 seconds is right all the same
        ("2026-03-04 11:00:00", "2026-03-04 11:00:20", "2026-03-04 10:00:30", ("2026-03-04 10:00:10", "corrected")),
        # offline for ten days, then sent
        ("2026-02-22 10:00:00", "2026-03-04 10:00:00", "2026-03-04 10:00:01", ("2026-02-22 10:00:01", "corrected")),
        # no time of sending: the device is believed within the bounds, both included
        ("2026-03-04 10:05:00", None, "2026-03-04 10:00:00", ("2026-03-04 10:05:00", "device")),
        ("2026-03-04 10:05:01", None, "2026-03-04 10:00:00", ("2026-03-04 10:00:00", "replaced")),
        ("2026-02-02 10:00:00", None, "2026-03-04 10:00:00", ("2026-02-02 10:00:00", "device")),
        ("2026-02-02 09:59:59", None, "2026-03-04 10:00:00", ("2026-03-04 10:00:00", "replaced")),
        ("1970-01-01 00:00:00", "1970-01-01 00:00:05", "2026-03-04 10:00:00", ("2026-03-04 09:59:55", "corrected")),
        (None, None, "2026-03-04 10:00:00", ("2026-03-04 10:00:00", "received")),
        ("2026-03-04 09:00:00", None, None, ("2026-03-04 09:00:00", "device")),
    ],
)  # fmt: skip
def test_the_time_of_an_event_is_that_of_the_receiver_less_the_wait_within_bounds(
    web: duckdb.DuckDBPyConnection, happened: Any, sent: Any, received: Any, expected: tuple[str, str]
) -> None:
    assert clock(web, happened, sent, received) == (datetime.fromisoformat(expected[0]), expected[1])


moments = st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1))


@settings(max_examples=40, deadline=None)
@given(
    received=moments,
    wait=st.timedeltas(timedelta(0), timedelta(days=CLOCK_BEHIND_DAYS)),
    skew=st.timedeltas(timedelta(days=-4000), timedelta(days=4000)),
)
def test_a_wrong_clock_changes_nothing_where_both_device_times_are_known(
    web: duckdb.DuckDBPyConnection, received: datetime, wait: timedelta, skew: timedelta
) -> None:
    sent = received + skew
    assert clock(web, sent - wait, sent, received)[0] == received - wait


@settings(max_examples=40, deadline=None)
@given(happened=st.none() | moments, sent=st.none() | moments, received=moments)
def test_no_time_leaves_the_bounds_around_the_receipt(
    web: duckdb.DuckDBPyConnection, happened: Any, sent: Any, received: datetime
) -> None:
    with duckdb.connect() as con:
        offer_web_functions(con.execute)
        found, _ = clock(con, happened, sent, received)
        assert (
            received - timedelta(days=CLOCK_BEHIND_DAYS) <= found <= received + timedelta(minutes=CLOCK_AHEAD_MINUTES)
        )


# --- names of events --------------------------------------------------------------------------------------------------------


def test_every_listed_event_name_is_written_in_its_plain_form_once_and_leads_to_a_type(
    web: duckdb.DuckDBPyConnection,
) -> None:
    rows = load_list("event_name").rows
    names = [row["event_name"] for row in rows]
    assert len(names) == len(set(names))
    assert {row["touchpoint_type"] for row in rows} <= set(load_catalogue())
    found = web.execute(
        "select name, web_event_type(name) from (select unnest(?::varchar[]) as name)", [names]
    ).fetchall()
    assert dict(found) == {row["event_name"]: row["touchpoint_type"] for row in rows}


@pytest.mark.parametrize(
    "name", ["Order Completed", "order_completed", "orderCompleted", "[Amplitude] Order Completed", "$order-completed"]
)
def test_case_signs_and_prefixes_of_event_names_do_not_matter(name: str, web: duckdb.DuckDBPyConnection) -> None:
    assert web.execute("select web_event_type(?)", [name]).fetchall() == [("order_placed",)]
    assert web.execute("select web_event_type('Widget Twisted')").fetchall() == [(None,)]


# --- Segment and RudderStack ------------------------------------------------------------------------------------------------


@shared_trackers
def test_segment_documented_calls(run: Callable[..., Mapped], catalog: SourceCatalog) -> None:
    path = TRACKERS / "segment_spec_examples.ndjson"
    assert recognise(path, catalog).exports == ("segment.alias", "segment.event", "segment.identify")
    events = run("segment.event", path)
    # 36 calls: 6 of other kinds, 30 of track, page and screen; of the four with an id two pairs share one.
    assert (events.row_count, events.problems, events.skipped, events.superseded) == (36, [], {"no_behaviour": 6}, 2)
    assert events.balances()
    # The 26 without an id are shown without any time in the documentation too: the contract sends them to quarantine.
    assert sum(row["occurred_at"] is None for row in events.rows) == 26
    clicked = events.where(raw_type="Course Clicked") or events.where(raw_type="Button Clicked")
    assert clicked[0]["occurred_at"] == datetime(2015, 12, 12, 19, 11, 1, 249000)
    assert identifiers(clicked[0]) == {("login", "AiUGstSDIg"), ("cookie", "23adfd82-aa0f-45a7-a756-24f2a7a4c895")}
    assert (clicked[0]["page_path"], clicked[0]["device"], clicked[0]["browser"]) == ("/academy/", "desktop", "Chrome")
    assert (clicked[0]["touchpoint_type"], clicked[0]["is_bot"]) == ("unmapped", False)

    people = run("segment.identify", path)
    assert (people.winners, people.skipped, len(people.problems)) == (2, {"other_call": 34}, 0)
    peter = next(row for row in people.where(full_name="Peter Gibbons") if row["city"])
    assert (peter["full_name"], peter["email"], peter["city"], peter["postal_code"]) == (
        "Peter Gibbons", "peter@example.com", "San Francisco", "94103",
    )  # fmt: skip
    assert ("cookie", "507f191e810c19729de860ea") in identifiers(peter)
    assert peter["country"] is None  # USA is no code of two letters

    links = run("segment.alias", path)
    assert sorted((row["right_value"], row["right_type"]) for row in links.rows) == [
        ("39239-239239-239239-23923", "cookie"),
        ("39239-239239-239239-23923", "login"),
        ("jen@email.com", "cookie"),
        ("jen@email.com", "login"),
    ]
    assert {row["left_value"] for row in links.rows} == {"507f191e81"}


@shared_trackers
def test_segment_table_of_pages(run: Callable[..., Mapped]) -> None:
    page = run("segment.page", TRACKERS / "segment_example_pages.csv").rows[0]
    assert (page["touchpoint_type"], page["page_path"], page["referrer_host"]) == (
        "page_view",
        "/product",
        "google.com",
    )
    assert (page["campaign_source"], page["campaign_medium"], page["campaign_name"]) == (
        "facebook",
        "social",
        "autumn_collection_2015",
    )
    assert (page["campaign_term"], page["campaign_content"]) == ("foo", "bar")
    assert page["occurred_at"] == datetime(2015, 2, 23, 22, 28, 55)
    assert identifiers(page) == {("login", "97980cfea0067"), ("cookie", "507f191e810c19729de860ea")}


def call(number: int, **keys: Any) -> dict[str, Any]:
    return {
        "messageId": f"m{number}", "anonymousId": "a1",
        "context": {"userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0"},
        "originalTimestamp": "2026-03-04T10:00:00Z", "sentAt": "2026-03-04T10:00:01Z",
        "receivedAt": "2026-03-04T10:00:02Z", **keys,
    }  # fmt: skip


def test_spec_events_of_a_shop_and_a_repeated_message(run_text: Callable[..., Mapped]) -> None:
    order = {"order_id": "O1", "total": 27.5, "revenue": 25, "currency": "EUR", "products": [{"product_id": "p"}]}
    page = {"url": "https://shop.example.com/checkout/?utm_source=news&gclid=x", "path": "/checkout/"}
    bot = {"userAgent": "Googlebot/2.1 (+http://www.google.com/bot.html)", "page": page}
    text = lines(
        call(1, type="track", event="Order Completed", userId="u1", properties=order),
        call(1, type="track", event="Order Completed", userId="u1", properties=order),
        call(2, type="page", context={"page": page}, properties={}),
        call(3, type="page", context=bot, userId="u9", properties={}),
        call(4, type="screen", name="Home", properties={}),
        call(5, type="track", event="Products Searched", properties={"query": "green tea"}),
        call(6, type="track", event="Widget Twisted", properties={}),
        call(7, type="group", groupId="g"),
    )
    found = run_text("segment.event", text)
    assert (found.row_count, found.superseded, found.skipped) == (8, 1, {"no_behaviour": 1})
    placed = found.where(touchpoint_type="order_placed")[0]
    assert (placed["amount"], placed["currency"], placed["occurred_at"]) == (
        25.0,
        "EUR",
        datetime(2026, 3, 4, 10, 0, 1),
    )
    assert identifiers(placed) == {("login", "u1"), ("cookie", "a1"), ("order_reference", "O1")}
    checkout = found.where(touchpoint_type="checkout_started", is_bot=False)[0]
    assert (checkout["page_path"], checkout["campaign_source"], checkout["click_id_type"]) == (
        "/checkout/",
        "news",
        "gclid",
    )
    robot = found.where(is_bot=True)[0]
    assert (robot["identifiers"], robot["bot_reason"]) == (None, "crawler_list")
    assert found.where(raw_type="Home")[0]["channel"] == "app"
    assert found.where(touchpoint_type="site_search")[0]["subject"] == "green tea"
    assert found.where(touchpoint_type="unmapped")[0]["raw_type"] == "Widget Twisted"


def test_a_call_without_an_id_is_known_by_its_content(run_text: Callable[..., Mapped]) -> None:
    by_hand = {key: value for key, value in call(1, type="page", properties={}).items() if key != "messageId"}
    later = {**by_hand, "originalTimestamp": "2026-03-04T10:05:00Z"}
    found = run_text("segment.event", lines(call(1, type="page", properties={}), by_hand, by_hand, later))
    assert (found.row_count, found.superseded, found.problems, found.balances()) == (4, 1, [], True)
    assert [row["occurred_at"].minute for row in found.where()] == [0, 0, 5]


def test_rudderstack_events_are_the_same_spec(
    run_text: Callable[..., Mapped], catalog: SourceCatalog, tmp_path: Path
) -> None:
    # As RudderStack documents an event at a destination: rudderId and request_ip beside the spec's own fields.
    event = {
        "anonymousId": "7e327dc4", "channel": "web", "event": "Product Added", "messageId": "67469b11", "type": "track",
        "userId": "u1",
        "originalTimestamp": "2026-03-04T09:59:58.000Z", "sentAt": "2026-03-04T10:00:00.000Z",
        "receivedAt": "2026-03-04T10:00:01.000Z",
        "timestamp": "2026-03-04T09:59:59.000Z", "rudderId": "r1", "request_ip": "192.0.2.7", "integrations": {"All": True},
        "properties": {"product_id": "P1"},
        "context": {
            "app": {"name": "RudderLabs JavaScript SDK"}, "campaign": {"source": "news", "medium": "email", "name": "spring"},
            "library": {"name": "RudderLabs JavaScript SDK"}, "traits": {"email": "anna@example.org"}, "userAgent": CHROME,
            "page": {"path": "/tea", "referrer": "https://www.bing.com/", "url": "https://shop.example.com/tea"},
        },
    }  # fmt: skip
    path = tmp_path / "rudder.jsonl"
    path.write_text(lines(event))
    assert recognise(path, catalog).exports == ("segment.alias", "segment.event", "segment.identify")
    row = run_text("segment.event", lines(event)).rows[0]
    # RudderStack's own timestamp is the same rule
    assert row["occurred_at"] == datetime(2026, 3, 4, 9, 59, 59)
    assert (row["touchpoint_type"], row["page_path"], row["referrer_host"]) == ("cart_updated", "/tea", "bing.com")
    assert (row["campaign_source"], row["campaign_medium"], row["campaign_name"]) == ("news", "email", "spring")
    assert identifiers(row) == {("login", "u1"), ("cookie", "7e327dc4"), ("email", "anna@example.org")}
    assert "192.0.2.7" not in str(row)


def test_tables_of_tracks_and_users(run_text: Callable[..., Mapped]) -> None:
    tracks = run_text(
        "segment.track",
        "id,anonymous_id,user_id,received_at,sent_at,original_timestamp,event,event_text,context_page_path\n"
        "t1,a1,u1,2026-03-04 10:00:05,2026-03-04 11:00:03,2026-03-04 11:00:00,product_added,Product Added,/tea\n",
    ).rows[0]
    assert (tracks["touchpoint_type"], tracks["raw_type"], tracks["page_path"]) == (
        "cart_updated",
        "Product Added",
        "/tea",
    )
    assert tracks["occurred_at"] == datetime(2026, 3, 4, 10, 0, 2)
    assert tracks["attributes"]["clock"] == "corrected"
    user = run_text(
        "segment.user", "id,received_at,email,uuid_ts,name\nu1,2026-03-04 10:00:05,anna@example.org,2026-03-04,Anna\n"
    ).rows[0]
    assert identifiers(user) == {("login", "u1"), ("email", "anna@example.org")}


# --- GA4 --------------------------------------------------------------------------------------------------------------------


@shared_trackers
def test_ga4_flattened_by_a_connector(run: Callable[..., Mapped], catalog: SourceCatalog) -> None:
    path = TRACKERS / "fivetran_ga4_event_data.csv"
    assert recognise(path, catalog).export == "ga4.event_table"
    found = run("ga4.event_table", path)
    assert found.skipped == {"measurement": 1} and found.balances()
    assert found.types == {"order_placed": 1, "cart_updated": 1, "page_view": 1, "checkout_started": 2}
    bought = found.where(touchpoint_type="order_placed")[0]
    assert (bought["amount"], bought["currency"], bought["device"]) == (29.99, "USD", "desktop")
    assert identifiers(bought) == {("login", "user_123"), ("cookie", "pseudo_123"), ("order_reference", "txn_123")}
    assert (bought["campaign_name"], bought["campaign_medium"], bought["click_id_type"]) == (
        "campaign_1",
        "organic",
        "gclid",
    )
    assert bought["occurred_at"] == datetime(2024, 9, 10, 12, 35)


def ga4(name: str, at: int, **keys: Any) -> dict[str, Any]:
    parameters = keys.pop("parameters", {})
    return {
        "event_date": "20260304", "event_timestamp": str(at), "event_name": name,
        "event_params": [
            {"key": key, "value": {"string_value": value if isinstance(value, str) else None,
                                   "int_value": str(value) if isinstance(value, int) else None, "float_value": None,
                                   "double_value": value if isinstance(value, float) else None}}
            for key, value in parameters.items()
        ],
        "user_id": None, "user_pseudo_id": "12.34", "event_bundle_sequence_id": "7", "batch_event_index": "1",
        "device": {"category": "mobile", "operating_system": "iOS",
                   "web_info": {"browser": "Safari", "hostname": "shop.example.com"}},
        "collected_traffic_source": {"manual_source": None, "gclid": None}, "platform": "WEB", "stream_id": "1",
        "ecommerce": {"transaction_id": None, "purchase_revenue": None}, "items": [], **keys,
    }  # fmt: skip


# 2026-03-04 10:00:00.123456 UTC
MICROSECONDS = 1_772_618_400_123_456
GA4_EVENTS = (
    ga4("page_view", MICROSECONDS, parameters={
        "page_location": "https://shop.example.com/tea/green?utm_source=news&utm_medium=email&anna@example.org",
        "page_referrer": "https://www.google.com/", "source": "news", "medium": "email", "campaign": "spring", "ga_session_id": 5,
    }),
    ga4("session_start", MICROSECONDS),
    ga4("purchase", MICROSECONDS + 1_000_000, user_id="u1", parameters={"currency": "EUR", "value": 34.5, "transaction_id": "T1"},
        ecommerce={"transaction_id": "T1", "purchase_revenue": 34.5}, items=[{"item_id": "S1"}, {"item_id": "S2"}]),
    ga4("view_search_results", MICROSECONDS + 2_000_000, parameters={"search_term": "green tea"}),
    # a clock sixteen years behind, and an event of the shop's own
    ga4("login", 1_262_304_000_000_000),
    ga4("tea_steeped", MICROSECONDS + 3_000_000, parameters={}),
)  # fmt: skip


def check_ga4(found: Mapped) -> None:
    assert found.skipped == {"measurement": 1} and found.balances()
    assert found.types == {"landing_page_view": 1, "order_placed": 1, "site_search": 1, "login": 1, "unmapped": 1}
    page = found.where(touchpoint_type="landing_page_view")[0]
    assert page["occurred_at"] == datetime(2026, 3, 4, 10, 0, 0, 123456)
    assert (page["page_path"], page["referrer_host"], page["device"], page["browser"]) == (
        "/tea/green",
        "google.com",
        "mobile",
        "Safari",
    )
    assert (page["campaign_source"], page["campaign_medium"], page["campaign_name"]) == ("news", "email", "spring")
    assert page["attributes"]["session"] == "5"
    bought = found.where(touchpoint_type="order_placed")[0]
    assert (bought["amount"], bought["currency"]) == (34.5, "EUR")
    assert identifiers(bought) == {("login", "u1"), ("cookie", "12.34"), ("order_reference", "T1")}
    assert [item["id"] for item in bought["objects"]] == ["T1", "S1", "S2"]
    wrong = found.where(touchpoint_type="login")[0]
    assert (wrong["occurred_at"], wrong["occurred_at_precision"]) == (datetime(2026, 3, 4), "day")
    assert wrong["attributes"]["clock"] == "replaced"
    assert found.where(touchpoint_type="site_search")[0]["subject"] == "green tea"
    assert found.where(touchpoint_type="unmapped")[0]["raw_type"] == "tea_steeped"


def test_ga4_nested_lines_and_the_same_event_in_two_tables(run_text: Callable[..., Mapped]) -> None:
    check_ga4(run_text("ga4.event", lines(*GA4_EVENTS)))
    twice = run_text("ga4.event", lines(*GA4_EVENTS, *GA4_EVENTS[2:]))
    assert (twice.row_count, twice.superseded) == (10, 4)
    assert twice.types == {"landing_page_view": 1, "order_placed": 1, "site_search": 1, "login": 1, "unmapped": 1}


@pytest.mark.parametrize("wrapped", [False, True])
def test_ga4_parquet_gives_the_same(
    wrapped: bool, tmp_path: Path, run: Callable[..., Mapped], catalog: SourceCatalog
) -> None:
    plain, packed = tmp_path / "events.ndjson", tmp_path / "events.parquet"
    plain.write_text(lines(*GA4_EVENTS))
    # Some writers wrap repeated fields: {"list": [{"element": …}]}.
    columns = (
        "* replace ({'list': list_transform(event_params, lambda x: {'element': x})} as event_params, "
        "{'list': list_transform(items, lambda x: {'element': x})} as items, cast(event_timestamp as bigint) as event_timestamp)"
        if wrapped
        else "*"
    )
    duckdb.execute(f"copy (select {columns} from read_json_auto('{plain}')) to '{packed}' (format parquet)")
    assert recognise(packed, catalog).export == "ga4.event"
    check_ga4(run("ga4.event", packed))


# --- Snowplow -----------------------------------------------------------------------------------------------------------------


@shared_trackers
def test_snowplow_sample_equals_what_its_own_sdk_makes_of_it(
    run: Callable[..., Mapped], catalog: SourceCatalog
) -> None:
    path = TRACKERS / "snowplow_enriched_1.tsv"
    told = json.loads((TRACKERS / "snowplow_enriched_1.expected.json").read_text())
    assert recognise(path, catalog).export == "snowplow.event"
    event = run("snowplow.event", path).rows[0]
    assert event["occurred_at"] == datetime.fromisoformat(told["true_tstamp"].rstrip("Z"))
    assert (event["touchpoint_type"], event["raw_type"], event["page_path"]) == (
        "page_view",
        told["event"],
        told["page_urlpath"],
    )
    assert event["channel_detail"] == told["app_id"]
    assert identifiers(event) == {
        ("login", told["user_id"]), ("email", told["user_id"]), ("cookie", told["domain_userid"]),
        ("cookie", told["network_userid"]),
    }  # fmt: skip
    assert event["attributes"]["session"] == told["domain_sessionid"]
    assert event["attributes"]["received_at"] == datetime.fromisoformat(told["collector_tstamp"].rstrip("Z"))
    target = told["unstruct_event_com_snowplowanalytics_snowplow_link_click_1"]["targetUrl"]
    assert event["attributes"]["target_host"] == target.removeprefix("http://www.")


def snowplow(catalog: SourceCatalog, **values: str) -> str:
    names = catalog.exports["snowplow.event"].read.columns
    assert len(names) == 131
    base = {
        "app_id": "shop", "platform": "web", "etl_tstamp": "2026-03-04 10:05:00.000",
        "collector_tstamp": "2026-03-04 10:00:10.000",
        "dvce_created_tstamp": "2026-03-04 10:00:00.000", "dvce_sent_tstamp": "2026-03-04 10:00:02.000", "event": "struct",
        "event_id": "c6ef3124-b53a-4b13-a233-0088f79dcbcb", "domain_userid": "d1", "event_fingerprint": "f1",
        "useragent": CHROME,
        "page_urlhost": "shop.example.com", "page_urlpath": "/tea",
    }  # fmt: skip
    return "\t".join({**base, **values}.get(name, "") for name in names) + "\n"


def test_snowplow_events_copies_and_contexts(run_text: Callable[..., Mapped], catalog: SourceCatalog) -> None:
    def described(name: str, data: dict[str, Any]) -> str:
        return json.dumps(
            {
                "schema": "iglu:x",
                "data": {
                    "schema": f"iglu:com.snowplowanalytics.snowplow.ecommerce/{name}/jsonschema/1-0-0",
                    "data": data,
                },
            }
        )

    order = {
        "schema": "iglu:com.snowplowanalytics.snowplow.ecommerce/transaction/jsonschema/1-0-0",
        "data": {"transaction_id": "T1", "revenue": 12.5, "currency": "EUR"},
    }
    spider = {"schema": "iglu:com.iab.snowplow/spiders_and_robots/jsonschema/1-0-0", "data": {"spiderOrRobot": True}}
    identity = "00000000-0000-0000-0000-00000000000"
    text = "".join([
        snowplow(catalog, event_id=f"{identity}1", se_category="shop", se_action="add_to_cart"),
        # sent twice; and a copied id with another content
        snowplow(catalog, event_id=f"{identity}1", se_category="shop", se_action="add_to_cart"),
        snowplow(catalog, event_id=f"{identity}1", se_category="shop", se_action="remove_from_cart", event_fingerprint="f2"),
        snowplow(catalog, event_id=f"{identity}2", event="unstruct", event_name="snowplow_ecommerce_action",
                 unstruct_event=described("snowplow_ecommerce_action", {"type": "transaction"}),
                 contexts=json.dumps({"schema": "iglu:x", "data": [order]})),
        snowplow(catalog, event_id=f"{identity}3", event="page_view", page_urlquery="q=tea", refr_urlhost="www.google.com",
                 derived_tstamp="2026-03-04 10:00:08.000", user_id="u1"),
        snowplow(catalog, event_id=f"{identity}4", event="page_view",
                 derived_contexts=json.dumps({"schema": "iglu:x", "data": [spider]}),
                 user_id="u2"),
        snowplow(catalog, event_id=f"{identity}5", event="page_ping"),
        snowplow(catalog, event_id=f"{identity}6", event="transaction", tr_orderid="O1", tr_total="20.00", tr_currency="EUR"),
        snowplow(catalog, event_id=f"{identity}7", event="transaction_item", ti_orderid="O1"),
        "too\tfew\tfields\n",
    ])  # fmt: skip
    found = run_text("snowplow.event", text)
    assert found.skipped == {"heartbeat": 1, "order_line": 1} and found.superseded == 1
    assert [problem["reason"] for problem in found.problems] == ["wrong number of fields: 3, the header has 131"]
    assert found.types == {"cart_updated": 2, "order_placed": 2, "site_search": 1, "page_view": 1} and found.balances()
    # received 10:00:10, two seconds on the device
    assert found.where(raw_type="shop: add_to_cart")[0]["occurred_at"] == datetime(2026, 3, 4, 10, 0, 8)
    context_order = found.where(raw_type="transaction", amount=12.5)[0]
    assert (context_order["currency"], ("order_reference", "T1") in identifiers(context_order)) == ("EUR", True)
    assert found.where(amount=20.0)[0]["objects"][0]["id"] == "O1"
    search = found.where(touchpoint_type="site_search")[0]
    assert (search["referrer_host"], search["device"], search["browser"]) == ("google.com", "desktop", "Chrome")
    robot = found.where(is_bot=True)[0]
    assert (robot["bot_reason"], robot["identifiers"]) == ("source", None)


# --- Matomo ---------------------------------------------------------------------------------------------------------------------

VISIT = {
    "idSite": "1", "idVisit": "7", "visitorId": "aabbccdd00112233", "userId": "u1", "siteName": "Tea", "siteCurrency": "EUR",
    "serverTimestamp": 1772618400, "lastActionTimestamp": 1772618700, "referrerType": "search", "referrerName": "Google",
    "referrerUrl": "https://www.google.com/", "deviceType": "Phablet", "browserName": "Firefox", "operatingSystemName": "Android",
    "actionDetails": [
        {"type": "action", "url": "https://shop.example.com/tea", "timestamp": 1772618400, "timeSpent": "60"},
        {"type": "search", "siteSearchKeyword": "green tea", "timestamp": 1772618460},
        {"type": "event", "eventCategory": "Cart", "eventAction": "Add to cart", "timestamp": 1772618500},
        {"type": "outlink", "url": "https://partner.example.net/", "timestamp": 1772618520},
        {"type": "ecommerceOrder", "orderId": "O9", "revenue": "24.90", "timestamp": 1772618700},
    ],
}  # fmt: skip


def test_matomo_visits_and_a_visit_that_went_on(run_text: Callable[..., Mapped]) -> None:
    earlier = {**VISIT, "lastActionTimestamp": 1772618460, "actionDetails": VISIT["actionDetails"][:2]}  # type: ignore[index]
    empty = {**VISIT, "idVisit": "8", "actionDetails": []}
    found = run_text("matomo.visit", json.dumps([VISIT, earlier, empty]))
    assert (found.superseded, found.skipped) == (1, {"no_action": 1})
    rows = found.where()
    assert [(row["touchpoint_type"], row["occurred_at"], row["part"]) for row in rows] == [
        ("page_view", AT, "1"),
        ("site_search", AT + timedelta(seconds=60), "2"),
        ("cart_updated", AT + timedelta(seconds=100), "3"),
        ("unmapped", AT + timedelta(seconds=120), "4"),
        ("order_placed", AT + timedelta(seconds=300), "5"),
    ]
    assert (rows[0]["referrer_host"], rows[0]["campaign_source"], rows[0]["campaign_medium"]) == (
        "google.com",
        "google",
        "organic",
    )
    assert [row["campaign_source"] for row in rows[1:]] == [None] * 4
    assert (rows[0]["page_path"], rows[0]["duration_seconds"], rows[0]["device"]) == ("/tea", 60, "mobile")
    assert (rows[4]["amount"], rows[4]["currency"]) == (24.9, "EUR")
    assert identifiers(rows[4]) == {("cookie", "aabbccdd00112233"), ("login", "u1"), ("order_reference", "O9")}
    assert (rows[3]["raw_type"], rows[3]["page_path"], rows[1]["subject"]) == ("outlink", None, "green tea")


def test_matomo_log_tables_tell_the_same_as_the_visit(
    run_text: Callable[..., Mapped], catalog: SourceCatalog, tmp_path: Path
) -> None:
    actions = (
        "idaction,name,hash,type,url_prefix\n1,shop.example.com/tea,1,1,2\n2,green tea,2,8,NULL\n3,Add to cart,3,11,NULL\n"
        "4,partner.example.net/,4,2,2\n"
    )
    (tmp_path / "log_action.csv").write_text(actions)
    assert recognise(tmp_path / "log_action.csv", catalog).exports == (
        "matomo.log_action_event_action", "matomo.log_action_name", "matomo.log_action_url",
    )  # fmt: skip
    found = run_text(
        "matomo.log_link_visit_action",
        "idlink_va,idsite,idvisitor,idvisit,server_time,idaction_url,idaction_name,idaction_event_action\n"
        "11,1,AABBCCDD00112233,7,2026-03-04 10:00:00,1,NULL,NULL\n"
        "12,1,AABBCCDD00112233,7,2026-03-04 10:01:00,NULL,2,NULL\n"
        "13,1,AABBCCDD00112233,7,2026-03-04 10:01:40,1,NULL,3\n"
        "14,1,AABBCCDD00112233,7,2026-03-04 10:02:00,4,NULL,NULL\n",
        log_visit="idvisit,idvisitor,user_id,visit_first_action_time,referer_type,referer_name,referer_url,config_device_type\n"
        "7,AABBCCDD00112233,u1,2026-03-04 10:00:00,2,Google,https://www.google.com/,10\n",
        log_action_url=actions,
        log_action_name=actions,
        log_action_event_action=actions,
    )
    visit = run_text("matomo.visit", json.dumps([VISIT])).where()[:4]
    columns = (
        "touchpoint_type", "occurred_at", "campaign_source", "campaign_medium", "referrer_host", "page_path", "device", "subject",
    )  # fmt: skip
    from_tables = [{name: row[name] for name in columns} for row in found.where()]
    from_visit = [{name: row[name] for name in columns} for row in visit]
    # The table knows on which page an event was.
    from_visit[2]["page_path"] = "/tea"
    assert from_tables == from_visit
    assert all(identifiers(row) == {("cookie", "aabbccdd00112233"), ("login", "u1")} for row in found.rows)


def test_matomo_conversions(run_text: Callable[..., Mapped]) -> None:
    found = run_text(
        "matomo.log_conversion",
        "idvisit,idsite,idvisitor,server_time,idgoal,buster,idorder,revenue,items\n"
        "7,1,AA,2026-03-04 10:05:00,0,1,O9,24.9,2\n7,1,AA,2026-03-04 10:06:00,-1,2,NULL,9.9,1\n"
        "7,1,AA,2026-03-04 10:07:00,3,3,NULL,0,0\n",
    )
    assert [(row["touchpoint_type"], row["amount"], row["outcome"]) for row in found.where()] == [
        ("order_placed", 24.9, None), ("cart_updated", 9.9, "abandoned"), ("unmapped", None, None),
    ]  # fmt: skip


# --- PostHog and Amplitude --------------------------------------------------------------------------------------------------


def posthog(
    number: int, event: str, distinct_id: str = "u1", at: str = "2026-03-04T10:00:00Z", **properties: Any
) -> dict[str, Any]:
    return {
        "uuid": f"0190-{number}", "event": event, "distinct_id": distinct_id, "team_id": 1, "timestamp": at,
        "created_at": "2026-03-04T10:00:05Z", "person_id": "p1", "properties": {"$device_id": "d1", "$lib": "web", **properties},
    }  # fmt: skip


def test_posthog_events_people_and_aliases(
    run_text: Callable[..., Mapped], catalog: SourceCatalog, tmp_path: Path
) -> None:
    page = {
        "$current_url": "https://shop.example.com/tea?utm_source=news", "$pathname": "/tea", "$host": "shop.example.com",
        "$referrer": "https://www.google.com/", "$device_type": "Desktop", "$browser": "Firefox", "$os": "Linux",
    }  # fmt: skip
    text = lines(
        posthog(1, "$pageview", "d1", **page),
        posthog(1, "$pageview", "d1", **page),
        posthog(2, "$identify", **{"$anon_distinct_id": "d1", "$set": {"email": "anna@example.org", "name": "Anna"}}),
        posthog(3, "Order Completed", at="2036-03-04T10:00:00Z", order_id="O1", revenue=12.5, currency="EUR"),
        posthog(4, "$create_alias", alias="old7"),
        posthog(5, "$autocapture"),
        posthog(6, "survey sent", **{"$survey_id": "s1"}),
    )
    (tmp_path / "batch.jsonl").write_text(text)
    assert recognise(tmp_path / "batch.jsonl", catalog).exports == ("posthog.alias", "posthog.event", "posthog.person")
    found = run_text("posthog.event", text)
    assert (found.superseded, found.skipped) == (1, {"no_behaviour": 2, "measurement": 1})
    landing = found.where(touchpoint_type="landing_page_view")[0]
    assert (landing["page_path"], landing["referrer_host"], landing["device"], landing["campaign_source"]) == (
        "/tea", "google.com", "desktop", "news",
    )  # fmt: skip
    # before somebody logs in, the distinct id is the device's
    assert identifiers(landing) == {("cookie", "d1"), ("posthog.person", "p1")}
    order = found.where(touchpoint_type="order_placed")[0]
    assert order["occurred_at"] == datetime(2026, 3, 4, 10, 0, 5) and order["attributes"]["clock"] == "replaced"
    assert identifiers(order) == {
        ("login", "u1"),
        ("cookie", "d1"),
        ("posthog.person", "p1"),
        ("order_reference", "O1"),
    }
    assert found.where(touchpoint_type="survey_answered")[0]["objects"][1]["id"] == "s1"
    people = run_text("posthog.person", text).rows
    assert [(row["full_name"], row["email"]) for row in people] == [("Anna", "anna@example.org")]
    links = {(row["left_value"], row["right_type"], row["right_value"]) for row in run_text("posthog.alias", text).rows}
    assert links == {("u1", "cookie", "d1"), ("u1", "cookie", "old7"), ("u1", "login", "old7")}


def amplitude(number: int, event: str, **keys: Any) -> dict[str, Any]:
    return {
        "$insert_id": f"i{number}", "uuid": f"x{number}", "event_type": event, "user_id": "u1",
        "device_id": "d1", "amplitude_id": 77,
        "client_event_time": "2026-03-04 11:00:00.000000", "client_upload_time": "2026-03-04 11:00:04.000000",
        "server_received_time": "2026-03-04 10:00:10.000000", "server_upload_time": "2026-03-04 10:00:11.000000",
        "event_properties": {}, "user_properties": {}, "platform": "Web", "os_name": "Chrome",
        "device_family": "Windows", "session_id": 5, **keys,
    }  # fmt: skip


def test_amplitude_events_people_and_merges(
    run_text: Callable[..., Mapped], catalog: SourceCatalog, tmp_path: Path
) -> None:
    page = {
        "[Amplitude] Page URL": "https://shop.example.com/search?q=tea",
        "[Amplitude] Page Path": "/search",
        "referrer": "https://www.bing.com/",
    }
    text = lines(
        amplitude(1, "[Amplitude] Page Viewed", event_properties=page),
        # uploaded twice: another uuid, the same insert id
        amplitude(1, "[Amplitude] Page Viewed", event_properties=page, uuid="x9"),
        amplitude(2, "Order Completed", event_properties={"order_id": "O1", "$revenue": 12.5},
                  user_properties={"email": "anna@example.org", "name": "Anna"}),
        amplitude(3, "$identify"),
        amplitude(4, "session_start"),
        amplitude(5, "Widget Twisted", platform="iOS", os_name="ios", server_upload_time="2026-03-05 10:00:00",
                  user_properties={"email": "anna@example.net"}),
    )  # fmt: skip
    (tmp_path / "amplitude.jsonl").write_text(text)
    assert recognise(tmp_path / "amplitude.jsonl", catalog).exports == ("amplitude.event", "amplitude.user")
    found = run_text("amplitude.event", text)
    assert (found.superseded, found.skipped) == (1, {"no_behaviour": 1, "measurement": 1})
    # a device one hour ahead, four seconds of waiting
    assert {row["occurred_at"] for row in found.rows} == {datetime(2026, 3, 4, 10, 0, 6)}
    search = found.where(touchpoint_type="site_search")[0]
    assert (search["page_path"], search["referrer_host"], search["browser"], search["operating_system"]) == (
        "/search", "bing.com", "Chrome", "Windows",
    )  # fmt: skip
    assert found.where(touchpoint_type="order_placed")[0]["amount"] == 12.5
    twisted = found.where(touchpoint_type="unmapped")[0]
    assert (twisted["channel"], twisted["device"], twisted["operating_system"]) == ("app", "mobile", "ios")
    assert identifiers(twisted) == {("login", "u1"), ("cookie", "d1"), ("amplitude.user", "77")}
    # the latest event says what holds
    people = run_text("amplitude.user", text)
    assert [row["email"] for row in people.rows] == ["anna@example.net"]
    merge = run_text(
        "amplitude.merged_user",
        lines({"amplitude_id": 1, "merged_amplitude_id": 77, "merge_event_time": "2026-03-04 10:00:00"}),
    ).rows[0]
    assert (merge["left_value"], merge["right_value"], merge["linked_at"]) == ("1", "77", AT)


# --- all of them ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "segment.event",
            lines(
                call(
                    1,
                    type="track",
                    event="Order Completed",
                    properties={"order_id": "O1", "total": 3, "currency": "EUR"},
                )
            ),
        ),
        ("ga4.event", lines(*GA4_EVENTS)),
        ("matomo.visit", json.dumps([VISIT])),
        ("posthog.event", lines(posthog(1, "$pageview"))),
        ("amplitude.event", lines(amplitude(1, "Order Completed", event_properties={"$revenue": 2}))),
    ],
)
def test_a_night_takes_what_the_mappings_return(name: str, text: str, catalog: SourceCatalog, tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text(text)
    trial = try_spec(catalog.exports[name], catalog, [path], load_configuration(None))
    assert trial.error == "" and trial.balances
    assert trial.quarantined_count == 0
