"""One night over all real exports and logs of the shared folder: nothing fails, every row has its place, known values hold.

The values were read by hand in the files; counts are taken here from the files, without the project's readers. More systems
are recognised as specs are added, so nothing is said about which files are not.
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.warehouse import Release
from tests.pipelines.nights import run_night

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
EXPORTS, LOGS = SHARED / "exports", SHARED / "weblogs" / "logs"
OLIST, NPSP, ZENDESK = EXPORTS / "olist_ecommerce", EXPORTS / "salesforce_npsp_1k", EXPORTS / "zendesk_api"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not (EXPORTS.is_dir() and LOGS.is_dir()), reason="the shared data folder is not beside this checkout"
    ),
]


@dataclass(frozen=True)
class Night:
    """The release after the night, and a file that was almost an Olist export."""

    release: Release
    con: duckdb.DuckDBPyConnection
    near_miss: Path

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return self.con.execute(sql).fetchall()

    def value(self, sql: str) -> Any:
        """The one value of a query."""
        ((value,),) = self.rows(sql)
        return value


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """All real exports and logs at once, and one file with a column renamed."""
    folder = tmp_path_factory.mktemp("real")
    near_miss = folder / "own" / "orders.csv"
    near_miss.parent.mkdir()
    text = (OLIST / "olist_orders_dataset.csv").read_text(encoding="utf-8")
    near_miss.write_text(text.replace("order_purchase_timestamp", "purchased", 1), encoding="utf-8")
    release = run_night([EXPORTS, LOGS, near_miss.parent], folder / "warehouse")
    with duckdb.connect(str(release.data_file), read_only=True) as con:
        yield Night(release, con, near_miss)
    shutil.rmtree(folder / "warehouse")


def table(path: Path) -> list[dict[str, str]]:
    """Records of a comma-separated file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def objects(path: Path) -> list[dict[str, Any]]:
    """Records of a file with one JSON object per line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_file_is_known_and_those_not_read_say_why(night: Night) -> None:
    on_disk = {
        path.relative_to(folder).as_posix()
        for folder in (EXPORTS, LOGS)
        for path in folder.rglob("*")
        # Notes beside the exports are none.
        if path.is_file() and path.name != "MANIFEST.md"
    }
    book = night.rows("select path, status, message from export_file")
    assert on_disk <= {path for path, *_ in book}
    assert {status for _, status, _ in book} <= {"read", "duplicate", "unrecognised", "unreadable", "empty"}
    for path, status, message in book:
        if status != "read":
            assert message, path
    assert sum(status == "read" for _, status, _ in book) >= 56


def test_a_file_that_is_almost_known_names_the_nearest_spec_and_what_differs(night: Night) -> None:
    message = night.value(
        f"select message from export_file where path = '{night.near_miss.name}' and status = 'unrecognised'"
    )
    assert "Nearest is olist.order " in message
    assert "order_purchase_timestamp" in message


def test_the_books_balance(night: Night) -> None:
    assert night.value("select count(*) from reconciliation where difference_count <> 0") == 0
    assert night.value("select count(*) from reconciliation") >= 56


def test_every_line_of_the_access_logs_is_in_the_books(night: Night) -> None:
    """Lines counted here (blank ones say nothing) are rows read; and rows read are mapped, quarantined, skipped or repeated."""
    book = night.rows(
        """
        select e.file_id, r.row_count, mapped_count + quarantined_count + skipped_count + duplicate_count
        from reconciliation as r join export_file as e using (file_id) where r.source_export = 'access_log.request'
        """
    )
    lines = {}
    for path in LOGS.rglob("*.log"):
        raw = path.read_bytes()
        lines[hashlib.sha256(raw).hexdigest()[:16]] = sum(bool(line.strip()) for line in raw.split(b"\n"))
    assert len(book) >= 9
    for file, count, placed in book:
        assert count == lines[file] == placed
    # elastic's real log: 10,000 lines, one of them with a quote that never closes, and none is lost or spoils another.
    largest = max(lines, key=lambda file: lines[file])
    assert night.rows(f"select row_count, quarantined_count from reconciliation where file_id = '{largest}'") == [
        (10_000, 0)
    ]


def test_the_same_log_with_and_without_errors_counts_once(night: Night) -> None:
    """advertools' two files hold the same 885 lines, one of them four damaged lines more."""
    rows = dict(
        night.rows(
            """
            select path, (r.mapped_count, r.quarantined_count, r.duplicate_count)
            from export_file join reconciliation as r using (file_id) where path like 'advertools_combined_%_errors.log'
            """
        )
    )
    assert rows["advertools_combined_with_errors.log"][1] == 4
    assert sum(mapped for mapped, _, _ in rows.values()) == sum(same for _, _, same in rows.values()) == 870


def test_olist_orders_and_people(night: Night) -> None:
    orders = table(OLIST / "olist_orders_dataset.csv")
    people = {row["customer_unique_id"] for row in table(OLIST / "olist_customers_dataset.csv")}
    assert (len(orders), len(people)) == (3000, 2995)
    assert night.rows(
        """
        select count(*), count(distinct customer_id), count(customer_id) from touchpoint
        where source_system = 'olist' and touchpoint_type = 'order_placed'
        """
    ) == [(3000, 2995, 3000)]
    found = dict(
        night.rows("select touchpoint_type, count(*) from touchpoint where source_export = 'order' group by 1")
    )
    for touchpoint_type, column in (
        ("order_confirmed", "order_approved_at"),
        ("order_shipped", "order_delivered_carrier_date"),
        ("order_delivered", "order_delivered_customer_date"),
    ):
        assert found[touchpoint_type] == sum(bool(row[column]) for row in orders)


def test_an_olist_order_that_was_read_by_hand(night: Night) -> None:
    """Order 2c810e97…: one article of 1,299.65 and 27.20 freight, bought 15 August 2018 at 11:30:33 in São Paulo (UTC-3), paid by
    card in one sum, delivered five days later, reviewed with four stars of five."""
    story = night.rows(
        """
        select touchpoint_type, occurred_at, amount, currency, score_kind, score_raw, customer_id
        from touchpoint
        where source_system = 'olist'
            and list_contains(list_transform(objects, lambda o: o.id), '2c810e97c1d3956172e1830863e6a133')
        order by occurred_at, touchpoint_type
        """
    )
    told = [(kind, str(at), amount, currency) for kind, at, amount, currency, *_ in story if amount is not None]
    assert ("order_placed", "2018-08-15 14:30:33", 1326.85, "BRL") in told
    assert [amount for kind, _, amount, _ in told if kind == "payment_received"] == [1326.85]
    times = {kind: str(at) for kind, at, *_ in story}
    assert times["order_shipped"] == "2018-08-15 15:44:00"
    assert times["order_delivered"] == "2018-08-20 18:15:42"
    assert [row[4:6] for row in story if row[0] == "survey_answered"] == [("rating", 4.0)]
    assert len({customer for *_, customer in story}) == 1
    # Base currency: real at 0.17 by the default configuration.
    customer = story[0][-1]
    assert night.rows(f"select order_count, order_amount_base from customer_360 where customer_id = {customer}") == [
        (1, pytest.approx(1326.85 * 0.17, abs=0.005))
    ]


def test_a_person_with_two_olist_customer_ids_is_one_customer(night: Night) -> None:
    """Person e12f7f1e… bought on 20 August and 30 October 2017, each time under another customer id."""
    ids = {row["customer_id"]: row["customer_unique_id"] for row in table(OLIST / "olist_customers_dataset.csv")}
    twice = [customer for customer, person in ids.items() if person == "e12f7f1e96f1f9f6361572028a1fad5a"]
    assert len(twice) == 2
    assert night.rows(
        f"""
        select count(distinct customer_id), count(distinct touchpoint_id) from touchpoint
        where touchpoint_type = 'order_placed' and list_has_any(list_transform(identifiers, lambda i: i.value), {twice})
        """
    ) == [(1, 2)]


def test_olist_revenue(night: Night) -> None:
    """All order amounts are the sums of their items: price and freight."""
    items = table(OLIST / "olist_order_items_dataset.csv")
    placed = {row["order_id"] for row in table(OLIST / "olist_orders_dataset.csv")}
    total = sum(float(row["price"]) + float(row["freight_value"]) for row in items if row["order_id"] in placed)
    assert night.value(
        "select sum(amount) from touchpoint where source_system = 'olist' and touchpoint_type = 'order_placed'"
    ) == pytest.approx(total, abs=0.5)


def test_olist_reviews_reach_the_customer_who_ordered(night: Night) -> None:
    """A review names only its order; the order names the customer."""
    assert night.rows(
        """
        with answer as (
            select customer_id, unnest(list_transform(identifiers, lambda i: i.value)) as id from touchpoint
            where source_system = 'olist' and touchpoint_type = 'survey_answered'
        ),
        placed as (
            select customer_id, list_filter(identifiers, lambda i: i.type = 'olist.order')[1].value as id from touchpoint
            where source_system = 'olist' and touchpoint_type = 'order_placed'
        )
        select count(*), count(*) filter (where answer.customer_id = placed.customer_id) from answer join placed using (id)
        """
    ) == [(2993, 2993)]


def test_zendesk_tickets_are_of_their_requesters(night: Night) -> None:
    """14 tickets of 13 people; Zhang Wei Xu asked twice, was answered and solved once, and was content."""
    names = {user["id"]: user["name"] for user in objects(ZENDESK / "users.jsonl")}
    expected = Counter(names[ticket["requester_id"]] for ticket in objects(ZENDESK / "tickets.jsonl"))
    found = night.rows(
        """
        select full_name, count(*) from touchpoint join customer using (customer_id)
        where source_system = 'zendesk' and source_export = 'ticket' and touchpoint_type = 'ticket_opened' group by 1
        """
    )
    assert Counter(dict(found)) == expected
    assert len(expected) == 13
    story = night.rows(
        """
        select touchpoint_type, occurred_at, score_kind, score_scaled
        from touchpoint join customer using (customer_id)
        where source_system = 'zendesk' and full_name = 'Zhang Wei Xu' order by occurred_at, touchpoint_type
        """
    )
    assert [(kind, str(at), *score) for kind, at, *score in story] == [
        ("ticket_opened", "2024-01-24 14:17:58", None, None),
        ("ticket_replied", "2024-01-24 14:17:58", None, None),
        ("ticket_resolved", "2024-01-24 20:12:02", None, None),
        ("ticket_opened", "2024-01-31 02:20:41", None, None),
        ("survey_sent", "2024-02-07 21:51:23", None, None),
        ("survey_sent", "2024-02-08 00:35:21", None, None),
        ("survey_answered", "2024-02-08 00:47:21", "csat", 1.0),
    ]


def test_salesforce_donations_are_of_their_contacts(night: Night) -> None:
    """Contact 420 gave 110 times; every closed donation with a primary contact is that contact's."""
    closed = [row for row in table(NPSP / "Opportunity.csv") if row["stage_name"].startswith("Closed")]
    expected = Counter(row["primary_contact__c"] for row in closed if row["primary_contact__c"])
    found = night.rows(
        """
        select i.identifier_value, count(*)
        from touchpoint as t
        join customer_identifier as i on i.customer_id = t.customer_id and i.identifier_type = 'salesforce.contact'
        where t.source_export = 'opportunity' and t.touchpoint_type = 'quote_accepted'
            and i.identifier_value = list_filter(t.identifiers, lambda x: x.type = 'salesforce.contact')[1].value
        group by 1
        """
    )
    assert Counter(dict(found)) == expected
    assert (expected["420"], len(expected)) == (110, 93)
    assert (
        night.rows(
            """
        select amount, occurred_at, occurred_at_precision from touchpoint
        where source_export = 'opportunity' and subject = 'Rebecca Porter: $811'
        """
        )[0][0]
        == 811.0
    )


def test_salesforce_contacts_are_joined_by_their_own_data_only(night: Night) -> None:
    """19 contacts share an address or a number with another: 18 are the same person typed in twice; Janet Yellen and Jerome
    share (555) 555-5555, which is nobody's number, and stay two."""
    together = night.rows(
        """
        select list(distinct full_name) from party_record
        where source_system = 'salesforce' and source_export = 'contact' and full_name is not null
        group by customer_id having count(*) > 1
        """
    )
    assert len(together) >= 18
    assert [names for (names,) in together if len(names) > 1] == []


def test_wordpress_comments_are_of_their_writers(night: Night) -> None:
    """John Doe in five spellings writes from one address: one customer with 17 comments under it."""
    found = dict(
        night.rows(
            """
            select i.identifier_value, count(*)
            from touchpoint as t
            join customer_identifier as i on i.customer_id = t.customer_id and i.identifier_type = 'email'
            where t.source_system = 'wordpress' group by 1
            """
        )
    )
    assert found["example@example.org"] == 17
    assert found["anon@example.com"] == 1
    assert night.rows(
        """
        select subject, channel from touchpoint
        where source_system = 'wordpress' and occurred_at = timestamp '2007-09-04 00:49:28'
        """
    ) == [("Page with comments", "website")]


def test_no_address_of_a_visitor_is_released(night: Night) -> None:
    """The logs hold real addresses. A visitor is a keyed hash, an address at most a network."""
    text = (LOGS / "elastic_apache_logs.combined.log").read_text(encoding="utf-8", errors="replace")
    addresses = Counter(line.split(" ", 1)[0] for line in text.splitlines())
    most = [address for address, _ in addresses.most_common(20)]
    for name in ("touchpoint", "customer_identifier", "quarantine"):
        columns = [column for (column, *_) in night.rows(f"describe {name}")]
        everything = " || ' ' || ".join(f"coalesce(cast(\"{column}\" as varchar), '')" for column in columns)
        hits = night.rows(
            f"select count(*) from {name} where list_bool_or(list_transform({most}, lambda a: contains({everything}, a)))"
        )
        assert hits == [(0,)], name
