"""Why somebody is who they are: everything a release knows about one customer's identity, or about two.

Belongs here: finding the customers, their identifiers, the path of links between two, what was held back, the history of the ids;
and the text of it. Does not belong here: deciding any of it (`pipelines/night/resolution.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from models.naming import nearest
from models.normalise import normalise_identifiers
from pipelines.warehouse import Warehouse

Row = dict[str, Any]
# An identifier as a node of the graph of links.
Name = tuple[str, str]
SHOWN = 40
EVENTS = """
    select identity_event, customer_id, other_customer_id, left_type, left_value, right_type, right_value, match_weight, reason,
        record_count, release_id, occurred_at
    from identity_event
"""


class ExplainError(ValueError):
    """An id that the release does not know; the text says what to try."""


class Explainer:
    """Questions to one release about identities."""

    def __init__(self, con: duckdb.DuckDBPyConnection, default_country: str) -> None:
        self.con = con
        self.default_country = default_country

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Rows of a query as dictionaries."""
        cursor = self.con.execute(sql, list(parameters))
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def find(self, text: str) -> tuple[int, Name | None]:
        """The customer that a customer id or `type:value` stands for, and the identifier when one was given.

        An id that was merged or renamed leads to the customer it became. Raises ExplainError.
        """
        if text.strip().isdigit():
            return self.find_customer(int(text)), None
        kind, colon, value = text.strip().partition(":")
        if not colon:
            raise ExplainError(
                f"{text!r} is neither a customer_id (a number) nor an identifier written type:value, "
                "such as email:anna@example.org."
            )
        return self.find_identifier(kind.strip(), value.strip())

    def find_customer(self, customer_id: int) -> int:
        """Follow what became of an id; raises ExplainError for one that was never published or has ended."""
        seen = set()
        while customer_id not in seen:
            seen.add(customer_id)
            # A guarded identifier is a customer of its own without a history.
            if self.rows("select 1 from customer_identifier where customer_id = ? limit 1", [customer_id]):
                return customer_id
            row = self.rows(
                "select merged_into, reason, valid_to from customer_id_history where customer_id = ? "
                "order by valid_from desc, release_id desc limit 1",
                [customer_id],
            )
            if not row:
                raise ExplainError(
                    f"no release has published a customer {customer_id}. Identifiers are written type:value."
                )
            if row[0]["valid_to"] is None:
                return customer_id
            if row[0]["merged_into"] is None:
                raise ExplainError(
                    f"customer {customer_id} stood until data date {row[0]['valid_to']:%Y-%m-%d}, then {row[0]['reason']}."
                )
            customer_id = row[0]["merged_into"]
        return customer_id

    def find_identifier(self, kind: str, value: str) -> tuple[int, Name]:
        """The customer of an identifier, however it is spelt; raises ExplainError with a hint."""
        table = pa.table(
            {
                "identifier_type": pa.array([kind]),
                "raw_value": pa.array([value]),
                "country": pa.array([self.default_country if kind == "phone" else None], pa.string()),
            }
        )
        normal = normalise_identifiers(table, [], [])["identifier_value"][0].as_py()
        for candidate in dict.fromkeys((normal, value)):
            found = self.rows(
                "select customer_id, is_link from customer_identifier where identifier_type = ? and identifier_value = ? "
                "order by is_link desc, record_count desc, customer_id limit 1",
                [kind, candidate],
            )
            if found:
                return int(found[0]["customer_id"]), (kind, candidate)
        types = [
            row["identifier_type"] for row in self.rows("select distinct identifier_type from customer_identifier")
        ]
        if kind not in types:
            raise ExplainError(
                f"no record has an identifier of type {kind!r}{nearest(kind, types)}; there are: {', '.join(sorted(types))}."
            )
        spelt = f" (in normal form {normal})" if normal and normal != value else ""
        refused = self.rows(
            "select reason from identity_event where identity_event = 'rejected' and left_type = ? and left_value = ?",
            [kind, value],
        )
        why = f"; it is no identifier: {refused[0]['reason']}" if refused else ""
        raise ExplainError(f"no customer has {kind} {value!r}{spelt}{why}.")

    def customer(self, customer_id: int) -> Row:
        """What there is to tell about one customer."""
        golden = self.rows("select * from customer where customer_id = ?", [customer_id])
        household = self.rows(
            "select h.household_id, o.customer_id, c.full_name from household as h "
            "join household as o on o.household_id = h.household_id and o.customer_id <> h.customer_id "
            "left join customer as c on c.customer_id = o.customer_id where h.customer_id = ? order by o.customer_id",
            [customer_id],
        )
        return {
            "customer_id": customer_id,
            "name": golden[0]["full_name"] if golden else None,
            "identifiers": self.rows(
                "select identifier_type, identifier_value, source_systems, first_seen_at, last_seen_at, record_count, is_link "
                "from customer_identifier where customer_id = ? order by is_link desc, identifier_type, identifier_value",
                [customer_id],
            ),
            "links": self.rows(
                "select left_type, left_value, right_type, right_value, link_rule, match_weight, source_systems, "
                "first_seen_at, last_seen_at, record_count from identity_link where customer_id = ? "
                "order by left_type, left_value, right_type, right_value, link_rule",
                [customer_id],
            ),
            "fields": self.rows(
                "select field, value, is_valid, source_system, valid_from, agreeing_system_count, other_value_count, reason "
                "from customer_field where customer_id = ? order by field",
                [customer_id],
            ),
            "held_back": self.held_back(customer_id),
            "household": household,
            "history": self.rows(
                "select customer_id, release_id, valid_from, valid_to, ended_release_id, merged_into, split_from, reason "
                "from customer_id_history where customer_id = $1 or merged_into = $1 or split_from = $1 "
                "order by valid_from, release_id, customer_id",
                [customer_id],
            ),
        }

    def held_back(self, customer_id: int) -> list[Row]:
        """Guards on this customer's identifiers, and pairs with others that were refused, vetoed, or wait for a person."""
        return self.rows(
            f"""
            with own as (
                select identifier_type, identifier_value from customer_identifier where customer_id = $1
            )
            {EVENTS}
            where identity_event in ('guard', 'refused_pair', 'veto', 'review', 'decision') and (
                customer_id = $1 or other_customer_id = $1
                or identity_event = 'guard' and (left_type, left_value) in (from own))
            order by identity_event, left_type, left_value, right_type, right_value
            """,
            [customer_id],
        )

    def between(self, one: int, other: int) -> list[Row]:
        """What stands between two customers: pairs that were not joined, and shared identifiers that join nobody."""
        return self.rows(
            f"""
            with shared as (
                select identifier_type, identifier_value from customer_identifier where customer_id in ($1, $2)
                group by all having count(distinct customer_id) = 2
            )
            {EVENTS}
            where identity_event in ('refused_pair', 'veto', 'review', 'decision')
                and least(customer_id, other_customer_id) = least($1, $2)
                and greatest(customer_id, other_customer_id) = greatest($1, $2)
                or identity_event = 'guard' and (left_type, left_value) in (from shared)
            order by identity_event, left_type, left_value, right_type, right_value
            """,
            [one, other],
        )


def path_of_links(links: Sequence[Row], start: Name, end: Name) -> list[Row]:
    """The shortest chain of links from one identifier to the other (breadth first; ties in the order of the links).

    Each row is the link with `from` and `to` in the direction of the walk; empty when there is none or both are the same.
    """
    near: dict[Name, list[tuple[Name, Row]]] = {}
    for link in links:
        left, right = (link["left_type"], link["left_value"]), (link["right_type"], link["right_value"])
        near.setdefault(left, []).append((right, link))
        near.setdefault(right, []).append((left, link))
    came: dict[Name, tuple[Name, Row] | None] = {start: None}
    todo = deque([start])
    while todo and end not in came:
        here = todo.popleft()
        for there, link in near.get(here, []):
            if there not in came:
                came[there] = (here, link)
                todo.append(there)
    steps = []
    here = end
    while (step := came.get(here)) is not None:
        steps.append({"from": ":".join(step[0]), "to": ":".join(here), **step[1]})
        here = step[0]
    return steps[::-1]


def explain(warehouse: Path, ids: Sequence[str], default_country: str) -> Row:
    """The whole answer as data: `customers` (one or two), and for two ids `path` and `between`.

    Raises ExplainError for an unknown id, WarehouseError when there is no release.
    """
    release = Warehouse(warehouse.absolute()).require_current()
    with duckdb.connect(str(release.data_file), read_only=True) as con:
        explainer = Explainer(con, default_country)
        try:
            found = [explainer.find(text) for text in ids]
            customers = [
                explainer.customer(customer_id) for customer_id in dict.fromkeys(number for number, _ in found)
            ]
        except duckdb.CatalogException as error:
            raise ExplainError(
                f"release {release.release_id} was made by an earlier version, which did not keep this. Run a night first."
            ) from error
        answer: Row = {"release_id": release.release_id, "customers": customers}
        if len(ids) == 2:
            answer["same_customer"] = len(customers) == 1
            if len(customers) == 2:
                answer["between"] = explainer.between(found[0][0], found[1][0])
            else:
                start, end = (name or strongest(customers[0]) for _, name in found)
                answer["path"] = path_of_links(customers[0]["links"], start, end) if start and end else []
        return answer


def strongest(customer: Row) -> Name | None:
    """An identifier to start from where only the customer was named: the one that most records show."""
    links = [row for row in customer["identifiers"] if row["is_link"]]
    if not links:
        return None
    best = max(links, key=lambda row: (row["record_count"], row["identifier_type"], row["identifier_value"]))
    return best["identifier_type"], best["identifier_value"]


def explanation_text(answer: Row) -> str:
    """The answer for a person, at most 118 columns wide."""
    lines: list[str] = []
    for customer in answer["customers"]:
        lines += customer_lines(customer)
    if "same_customer" in answer:
        lines.append("")
        if answer["same_customer"]:
            lines.append("Both are one customer." + ("" if answer["path"] else " They are the same identifier."))
            lines += [f"  {step['from']} -> {step['to']}: {link_text(step)}" for step in answer["path"]]
        else:
            lines.append("They are two customers.")
            lines += [f"  {event_text(event)}" for event in answer["between"]] or ["  Nothing connects them."]
    return "\n".join(line if len(line) <= 118 else line[:117] + "…" for line in lines)


def customer_lines(customer: Row) -> list[str]:
    """One customer as lines of text."""
    name = f"  {customer['name']}" if customer["name"] else ""
    lines = [f"customer {customer['customer_id']}{name}"]
    for row in customer["identifiers"][:SHOWN]:
        mark = " " if row["is_link"] else "!"
        seen = f"{day(row['first_seen_at'])} to {day(row['last_seen_at'])}"
        label = f"{row['identifier_type']}:{row['identifier_value']}"
        lines.append(f"  {mark} {label:<48.48} {seen}  {row['record_count']:>5} x  {row['source_systems']}")
    lines += more(customer["identifiers"])
    if any(not row["is_link"] for row in customer["identifiers"]):
        lines.append("  (! joins nobody: shared, blocked, or somebody else's)")
    for title, rows, text in (
        ("links", customer["links"], pair_text),
        ("held back", customer["held_back"], event_text),
        ("golden record", customer["fields"], field_text),
        ("household", customer["household"], lambda row: f"{row['customer_id']}  {row['full_name'] or ''}".rstrip()),
        ("history of the id", customer["history"], history_text),
    ):
        if rows:
            lines.append(f"{title}:")
            lines += [f"    {text(row)}" for row in rows[:SHOWN]] + more(rows)
    return lines


def more(rows: Sequence[Row]) -> list[str]:
    """A line that says how many rows are not shown."""
    return [f"    … {len(rows) - SHOWN} more (all with --json)"] if len(rows) > SHOWN else []


def day(moment: Any) -> str:
    """A date, or as many blanks."""
    return f"{moment:%Y-%m-%d}" if moment is not None else "unknown   "


def link_text(link: Row) -> str:
    """What a link rests on."""
    if link["link_rule"] == "likeness":
        return f"likeness, weight {link['match_weight']:.1f} bit"
    if link["link_rule"] == "digest":
        return "digest: one is the MD5 of the other"
    if link["link_rule"] == "decision":
        return "decision of a person"
    what = "link recorded by" if link["link_rule"] == "system_link" else "record of"
    seen = f"{day(link['first_seen_at'])} to {day(link['last_seen_at'])}"
    return f"{link['record_count']} x {what} {link['source_systems']}, {seen}"


def pair_text(link: Row) -> str:
    """A link with both its ends."""
    ends = (f"{link[f'{side}_type']}:{link[f'{side}_value']}" for side in ("left", "right"))
    return f"{' - '.join(ends)}: {link_text(link)}"


def event_text(event: Row) -> str:
    """A guard, refused pair, veto, review or decision in one line."""
    ends = [f"{event[f'{side}_type']}:{event[f'{side}_value']}" for side in ("left", "right") if event[f"{side}_type"]]
    weight = f", weight {event['match_weight']:.1f} bit" if event["match_weight"] is not None else ""
    return f"{event['identity_event']}: {' - '.join(ends)}{weight}: {event['reason']}"


def field_text(row: Row) -> str:
    """A field of the golden record with its source."""
    others = f", {row['other_value_count']} other" if row["other_value_count"] else ""
    invalid = "" if row["is_valid"] else " (not valid)"
    source = f"{row['source_system']}, {day(row['valid_from']).strip()}"
    return f"{row['field']:<18}{row['value']}{invalid}  <- {source}: {row['reason']}{others}"


def history_text(row: Row) -> str:
    """One row of the history of an id."""
    until = f" to {day(row['valid_to'])} ({row['ended_release_id']})" if row["valid_to"] else ""
    into = f" -> {row['merged_into']}" if row["merged_into"] else ""
    origin = f" <- {row['split_from']}" if row["split_from"] else ""
    return f"{row['customer_id']}{into}{origin}: from {day(row['valid_from'])} ({row['release_id']}){until}: {row['reason']}"
