"""The two systems that the core brings: canonical files round trip in all formats, access logs become touchpoints."""

from __future__ import annotations

import json

import duckdb
import pytest

from sources.inspect import inspect_file
from sources.read import parse
from sources.recognise import recognise
from sources.spec import load_catalog
from sources.typed import mapping_query, typed_select
from sources.web import offer_web, offer_web_functions
from tests.sources.core.helpers import SHARED

TOUCHPOINT = {
    "id": ["t1", "t2"],
    "touchpoint_type": ["order_placed", "page_view"],
    "occurred_at": ["2026-03-04T10:00:00Z", "2026-03-04T12:00:00+01:00"],
    "email": ["ann@example.org", None],
    "identifiers": ['[{"type": "till.card", "value": "7"}]', None],
    "objects": ['[{"type": "order", "id": "9", "qualifier": "subject"}]', None],
    "amount": ["12.5", None],
    "is_bot": [None, "false"],
    "attributes": ['{"colour": "red"}', None],
}
PARTY = {
    "id": ["p1", "p2"],
    "party_type": ["person", "organisation"],
    "full_name": ["Ann Berg", None],
    "organisation_name": [None, "Tea Ltd"],
    "email": ["ann@example.org", None],
    "birth_date": ["1990-02-03", None],
    "consent_email": ["ja", "nej"],
}
COST = {
    "id": ["2026-03-04 search", "2026-03-05 search"],
    "cost_date": ["2026-03-04", "2026-03-05"],
    "channel": ["advertising", "advertising"],
    "cost_amount": ["12.34", "0"],
    "currency": ["EUR", "EUR"],
    "click_count": ["41", None],
}


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


def write(con, table, path, kind):
    fields = list(table)
    con.execute(f"create or replace table t ({', '.join(f'{name} varchar' for name in fields)})")
    con.executemany(f"insert into t values ({', '.join('?' * len(fields))})", list(zip(*table.values(), strict=True)))
    options = {"csv": "format csv, header", "ndjson": "format json", "parquet": "format parquet"}[kind]
    con.execute(f"copy t to '{path}' ({options})")


@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
@pytest.mark.parametrize(
    ("export", "table"),
    [("touchpoint", TOUCHPOINT), ("party_record", PARTY), ("channel_cost", COST)],
)
def test_canonical_files_give_the_same_rows_in_all_formats(tmp_path, catalog, export, table, kind):
    con = duckdb.connect(":memory:")
    path = tmp_path / f"anything.{kind}"
    write(con, table, path, kind)
    found = recognise(path, catalog)
    assert (found.export, found.detected.format) == (f"canonical.{export}", kind)
    spec = catalog.exports[found.export]
    result = parse(path, spec, tmp_path / "p.parquet")
    con.execute(f"create view parsed as select 'f' as file_id, * from read_parquet('{tmp_path / 'p.parquet'}')")
    offer_web_functions(con.execute)
    con.execute(f"create table export_row as {typed_select(spec, 'parsed', result.columns)}")
    assert con.execute("select count(problem) from export_row").fetchone() == (0,)
    offer_web(con, spec)
    con.execute(f"create table mapped as {mapping_query(spec)}")
    rows = con.sql("select * from mapped order by all").to_arrow_table().to_pylist()
    by_id = {row["row_id"]: row for row in rows}
    assert len(by_id) == 2
    # Row ids do not depend on the format the file came in.
    order = con.execute("select row_id from export_row order by row_number").fetchall()
    first, second = (by_id[row_id] for (row_id,) in order)
    if export == "touchpoint":
        assert [row["occurred_at"].hour for row in (first, second)] == [10, 11]
        given = {(item["type"], item["value"]) for item in first["identifiers"] if item["value"]}
        assert given == {("email", "ann@example.org"), ("till.card", "7")}
        assert first["objects"] == [{"type": "order", "id": "9", "qualifier": "subject"}]
        assert (first["amount"], second["is_bot"], json.loads(first["attributes"])) == (12.5, False, {"colour": "red"})
    elif export == "party_record":
        assert (first["full_name"], first["consent_email"], second["consent_email"]) == ("Ann Berg", True, False)
        assert first["birth_date"].isoformat() == "1990-02-03"
    else:
        assert (first["cost_amount"], first["click_count"], second["click_count"]) == (12.34, 41, None)


def test_requests_become_touchpoints(tmp_path, catalog):
    path = tmp_path / "access.log"
    requests = [
        ("GET", "/tea", 200), ("GET", "/lp/spring?utm_source=news&utm_campaign=spring+tea", 200),
        ("GET", "/search?q=gr%C3%B8n", 200),
        ("GET", "/downloads/manual.pdf", 200), ("POST", "/cart/add", 303), ("GET", "/checkout", 200),
        ("GET", "/checkout/payment-failed", 200), ("POST", "/account/login", 302), ("GET", "/gone", 404),
        ("GET", "/style.css", 200), ("GET", "/old", 301), ("POST", "/feedback", 200), ("HEAD", "/", 200),
    ]  # fmt: skip
    client = "192.0.2.1 - - [04/Mar/2026:10:00:00 +0000]"
    path.write_text(
        "".join(
            f'{client} "{method} {target} HTTP/1.1" {status} 5 "-" "Mozilla/5.0 (Mobile)"\n'
            for method, target, status in requests
        )
    )
    (reading,) = inspect_file(path, catalog, b"salt").readings
    assert reading.error is None
    assert reading.touchpoint_types == dict.fromkeys(
        ["cart_updated", "checkout_started", "content_download", "error_page", "landing_page_view", "login",
         "page_view", "payment_failed", "site_search"], 1,
    )  # fmt: skip
    assert reading.skipped == {"asset": 1, "form_post": 1, "program": 1, "redirect": 1}
    assert reading.identifiers == {"visitor": 1}
    assert reading.row_count == reading.mapped + sum(reading.skipped.values())


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not beside the checkout")
def test_a_real_log_balances(catalog):
    path = SHARED / "weblogs" / "logs" / "elastic_apache_logs.combined.log"
    (reading,) = inspect_file(path, catalog, b"salt").readings
    assert reading.error is None
    assert reading.row_count == 10_000 == reading.mapped + sum(reading.skipped.values()) + reading.quarantined_count
    assert reading.duplicate_count == 0
