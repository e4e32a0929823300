"""Why somebody is who they are: everything a release knows about one customer's identity, or about two.

Belongs here: finding the customers, their identifiers, the path of links between two, what was held back, the history of the ids.
Does not belong here: the text of it (`explain_text.py`), deciding any of it (`pipelines/night/resolution.py`).
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from models.naming import nearest
from models.normalise import normalise_identifiers, normalise_phone
from models.normalise.email import normalise_email
from models.normalise.number import normalise_customer_number
from models.settings.matching import Matching
from pipelines.warehouse import Release, Warehouse

Row = dict[str, Any]
# An identifier as a node of the graph of links.
Name = tuple[str, str]
# So many of those whose records show a shared identifier are named.
HOLDERS = 1000
# More clusters of two customers are not weighed pair by pair on the spot.
WEIGHED_CLUSTERS = 50
EVENTS = """
    select identity_event, customer_id, other_customer_id, left_type, left_value, right_type, right_value, match_weight, reason,
        record_count, release_id, occurred_at
    from identity_event
"""


class ExplainError(ValueError):
    """An id that the release does not know; the text says what to try."""


@dataclass(frozen=True)
class Found:
    """What an id stands for: the customer, the identifier when one was given, and how many customers' records show that.

    `guard`: why the identifier joins nobody, where it does not. `became`: of an old customer id each id that it became, with the
    reason.
    """

    customer_id: int
    name: Name | None = None
    holder_count: int = 0
    guard: str | None = None
    became: tuple[tuple[int, int, str], ...] = ()


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

    def find(self, text: str) -> Found:
        """The customer that a customer id or `type:value` stands for.

        An id that was merged or renamed leads to the customer it became. Raises ExplainError.
        """
        if text.strip().isdigit():
            steps: list[tuple[int, int, str]] = []
            return Found(self.find_customer(int(text), steps), became=tuple(steps))
        kind, colon, value = text.strip().partition(":")
        if not colon:
            raise ExplainError(
                f"{text!r} is neither a customer_id (a number) nor an identifier written type:value, "
                f"such as email:anna@example.org.{self.hint(text.strip())}"
            )
        return self.find_identifier(kind.strip(), value.strip())

    def find_customer(self, customer_id: int, steps: list[tuple[int, int, str]]) -> int:
        """Follow what became of an id, noting each (id, next id, reason) in `steps`; raises ExplainError for one that was never
        published or has ended.
        """
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
                    f"{self.hint(str(customer_id))}"
                )
            if row[0]["valid_to"] is None:
                return customer_id
            if row[0]["merged_into"] is None:
                raise ExplainError(
                    f"customer {customer_id} stood until data date {row[0]['valid_to']:%Y-%m-%d}, then {row[0]['reason']}."
                )
            steps.append((customer_id, row[0]["merged_into"], row[0]["reason"]))
            customer_id = row[0]["merged_into"]
        return customer_id

    def find_identifier(self, kind: str, value: str) -> Found:
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
                "select customer_id, count(*) over () as holder_count from customer_identifier "
                "where identifier_type = ? and identifier_value = ? "
                "order by is_link desc, record_count desc, customer_id limit 1",
                [kind, candidate],
            )
            if found:
                guards = self.rows(
                    "select min(reason) as reason from identity_event "
                    "where identity_event = 'guard' and left_type = ? and left_value = ?",
                    [kind, candidate],
                )
                return Found(
                    found[0]["customer_id"], (kind, str(candidate)), found[0]["holder_count"], guards[0]["reason"]
                )
        types = [
            row["identifier_type"] for row in self.rows("select distinct identifier_type from customer_identifier")
        ]
        if kind not in types:
            raise ExplainError(
                f"no record has an identifier of type {kind!r}{nearest(kind, sorted(types))}{self.hint(value)}"
            )
        spelt = f" (in normal form {normal})" if normal and normal != value else ""
        if not normal:
            spelt = f", which cannot be read as a value of type {kind}"
        refused = self.rows(
            "select reason from identity_event where identity_event = 'rejected' and left_type = ? and left_value = ?",
            [kind, value],
        )
        why = f"; it is no identifier: {refused[0]['reason']}" if refused else ""
        raise ExplainError(f"no customer has {kind} {value!r}{spelt}{why}.")

    def hint(self, value: str) -> str:
        """The identifiers that a value without its type may have meant, as a sentence; empty when there are none."""
        emails = [normalise_email(value) or value, value]
        phone = normalise_phone(value, self.default_country) or value
        number = normalise_customer_number(value) or value
        found = self.rows(
            "select distinct identifier_type || ':' || identifier_value as name from customer_identifier "
            "where identifier_value in ($1, $2, $3, $4) order by name limit 5",
            [*emails, phone, number],
        )
        names = " or ".join(row["name"] for row in found)
        return f" Did you mean {names}?" if names else ""

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
                "select left_type, left_value, right_type, right_value, link_rule, match_weight, reason, source_systems, "
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

    def beside(self, one: Found, other: Found) -> Found:
        """`one`, as the customer of `other` where its identifier is shared and stands in that customer's records too."""
        if one.guard is None or one.name is None:
            return one
        held = self.rows(
            "select 1 from customer_identifier where identifier_type = ? and identifier_value = ? and customer_id = ? limit 1",
            [*one.name, other.customer_id],
        )
        return replace(one, customer_id=other.customer_id) if held else one

    def shared(self, found: Found) -> Row:
        """An identifier that joins nobody: why, and whose records show it (the first of them with their names)."""
        kind, value = found.name or ("", "")
        holders = self.rows(
            "select i.customer_id, c.full_name from customer_identifier as i left join customer as c using (customer_id) "
            f"where i.identifier_type = ? and i.identifier_value = ? order by i.record_count desc, i.customer_id limit {HOLDERS}",
            [kind, value],
        )
        return {
            "identifier_type": kind,
            "identifier_value": value,
            "reason": found.guard,
            "customer_count": found.holder_count,
            "customers": holders,
        }

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


def explain(warehouse: Path, ids: Sequence[str], default_country: str, matching: Matching | None = None) -> Row:
    """The whole answer as data: `customers`, `shared` (identifiers asked for that join nobody, with everybody whose records show
    them), and for two ids `same_customer`, `path` and `between`.

    A shared identifier of several customers stands for all of them, so it is told with their names and `customers` leaves
    them out; beside a second id it stands for that customer, if it is one of them. With `matching` (the night's settings) two
    customers between whom nothing is written down are weighed on the spot.

    Raises ExplainError for an unknown id, WarehouseError when there is no release.
    """
    release = Warehouse(warehouse.absolute()).require_current()
    with duckdb.connect(str(release.data_file), read_only=True) as con:
        explainer = Explainer(con, default_country)
        try:
            found = [explainer.find(text) for text in ids]
            if len(found) == 2:
                found = [explainer.beside(found[0], found[1]), explainer.beside(found[1], found[0])]
            told = [each for each in found if len(ids) == 2 or each.holder_count < 2 or each.guard is None]
            customers = [explainer.customer(number) for number in dict.fromkeys(each.customer_id for each in told)]
            answer: Row = {"release_id": release.release_id, "customers": customers}
            became = dict.fromkeys(step for each in found for step in each.became)
            if became:
                answer["became"] = [
                    dict(zip(("customer_id", "became", "reason"), step, strict=True)) for step in became
                ]
            shared = {each.name: each for each in found if each.guard is not None}
            if shared:
                answer["shared"] = [explainer.shared(each) for each in shared.values()]
        except duckdb.Error as error:
            if not isinstance(error, (duckdb.CatalogException, duckdb.BinderException)):
                raise
            raise ExplainError(
                f"release {release.release_id} was made by an earlier version, which did not keep this. Run a night first."
            ) from error
        if len(ids) == 2:
            answer["same_customer"] = len(customers) == 1
            if len(customers) == 2:
                answer["between"] = explainer.between(found[0].customer_id, found[1].customer_id)
                likeness = {"veto", "review"} & {event["identity_event"] for event in answer["between"]}
                if matching is not None and matching.enabled and not likeness:
                    answer["weighed"] = weigh_customers(release, matching, found[0].customer_id, found[1].customer_id)
            else:
                start, end = (each.name or strongest(customers[0]) for each in found)
                answer["same_identifier"] = start == end and all(each.name is not None for each in found)
                answer["path"] = path_of_links(customers[0]["links"], start, end) if start and end else []
        return answer


def weigh_customers(release: Release, matching: Matching, one: int, other: int) -> Row | None:
    """The likeliest pair of clusters of two customers that likeness did not propose: `match_weight`, `reason`, `veto_reason`,
    `link_weight` and `review_weight`; None where of one of them no system says a name.
    """
    with duckdb.connect(str(release.state_file), read_only=True) as state:
        records = state.sql(
            """
            select distinct a.customer_id, r.* from cluster_record as r
            join identifier_customer as a on a.cluster_id = r.cluster_id and not a.is_guarded
            where a.customer_id in ($one, $other) order by r.cluster_id
            """,
            params={"one": one, "other": other},
        ).to_arrow_table()
    mine = [
        [
            c
            for c, owner in zip(*(records[n].to_pylist() for n in ("cluster_id", "customer_id")), strict=True)
            if owner == who
        ]
        for who in (one, other)
    ]
    if not mine[0] or not mine[1] or len(mine[0]) + len(mine[1]) > WEIGHED_CLUSTERS:
        return None
    pairs = [(min(a, b), max(a, b)) for a in mine[0] for b in mine[1]]
    # Here and not above: it brings Splink along, which few questions need.
    from models.matching.find import weigh_pairs

    best = weigh_pairs(records.drop_columns(["customer_id"]), pairs, matching)[0]
    levels = json.loads(best["evidence"]).items()
    return {
        "match_weight": best["match_weight"],
        "veto_reason": best["veto_reason"],
        "reason": ", ".join(f"{name}: {found['level']} ({found['weight']:g})" for name, found in levels),
        "link_weight": matching.link_weight,
        "review_weight": matching.review_weight,
    }


def strongest(customer: Row) -> Name | None:
    """An identifier to start from where only the customer was named: the one that most records show."""
    links = [row for row in customer["identifiers"] if row["is_link"]]
    if not links:
        return None
    best = max(links, key=lambda row: (row["record_count"], row["identifier_type"], row["identifier_value"]))
    return best["identifier_type"], best["identifier_value"]
