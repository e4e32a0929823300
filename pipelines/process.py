"""Journeys as event logs for process-mining tools: XES (IEEE 1849-2016) and OCEL 2.0 (JSON), written row by row.

Belongs here: the two formats. Does not belong here: which journeys there are (`sql/journey/`), the command's options. Direct
identifiers stay out: a case is a journey, a person is a customer_id.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO
from xml.sax.saxutils import quoteattr

import duckdb

FORMATS = ("xes", "ocel")
BATCH = 10_000

EVENTS = """
    select s.journey_id, s.customer_id, s.step_number, s.touchpoint_id, s.touchpoint_type, s.channel, s.occurred_at, s.page_group,
        s.device, s.session_id, s.journey_phase, s.is_failure, s.waiting_seconds, s.amount_base, s.score_scaled,
        j.journey_definition, j.status, t.agent_id, t.outcome
    from journey_step as s
    join journey as j on j.journey_id = s.journey_id
    join touchpoint as t on t.touchpoint_id = s.touchpoint_id
    where j.journey_definition = ?
    order by j.started_at, s.journey_id, s.step_number
"""
# Event attributes of both formats: column → kind.
ATTRIBUTES = {
    "channel": "string", "page_group": "string", "device": "string", "journey_phase": "string", "outcome": "string",
    "is_failure": "boolean", "waiting_seconds": "int", "amount_base": "float", "score_scaled": "float",
}  # fmt: skip
OCEL_KINDS = {"string": "string", "boolean": "boolean", "int": "integer", "float": "float"}


def export_process(con: duckdb.DuckDBPyConnection, definition: str, kind: str, out: Path) -> tuple[int, int]:
    """Write the journeys of a definition to `out` (gzip when it ends in .gz); returns journeys and events written."""
    with writing(out) as file:
        return {"xes": write_xes, "ocel": write_ocel}[kind](con, definition, file)


@contextmanager
def writing(out: Path) -> Iterator[TextIO]:
    """A text file that takes its name only when it is complete."""
    temporary = out.with_name(out.name + ".new")
    try:
        with (
            gzip.open(temporary, "wt", encoding="utf-8")
            if out.name.endswith(".gz")
            else temporary.open("w", encoding="utf-8") as file
        ):
            yield file
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)


def rows(con: duckdb.DuckDBPyConnection, query: str, parameters: list[Any]) -> Iterator[dict[str, Any]]:
    """Rows of a query as dicts, a batch at a time."""
    cursor = con.execute(query, parameters)
    names = [column[0] for column in cursor.description or []]
    while batch := cursor.fetchmany(BATCH):
        for row in batch:
            yield dict(zip(names, row, strict=True))


def write_xes(con: duckdb.DuckDBPyConnection, definition: str, file: TextIO) -> tuple[int, int]:
    """One trace per journey, one event per step, with the concept, time and organisational extensions."""
    journeys = events = 0
    current = None
    file.write(XES_HEAD.format(name=quoteattr(definition)))
    for row in rows(con, EVENTS, [definition]):
        if row["journey_id"] != current:
            if current is not None:
                file.write("  </trace>\n")
            current = row["journey_id"]
            journeys += 1
            file.write("  <trace>\n")
            file.write(tag("string", "concept:name", row["journey_id"], 4))
            file.write(tag("string", "customer_id", row["customer_id"], 4))
            file.write(tag("string", "status", row["status"], 4))
        events += 1
        file.write("    <event>\n")
        file.write(tag("string", "concept:name", row["touchpoint_type"]))
        file.write(tag("date", "time:timestamp", moment(row["occurred_at"])))
        file.write(tag("string", "lifecycle:transition", "complete"))
        file.write(tag("string", "org:group", row["channel"]))
        if row["agent_id"] is not None:
            file.write(tag("string", "org:resource", row["agent_id"]))
        for name, kind in ATTRIBUTES.items():
            if row[name] is not None:
                value = str(row[name]).lower() if kind == "boolean" else row[name]
                file.write(tag(kind, name, value))
        file.write("    </event>\n")
    if current is not None:
        file.write("  </trace>\n")
    file.write("</log>\n")
    return journeys, events


XES_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849-2016" xes.features="" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
  <extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
  <extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
  <global scope="trace">
    <string key="concept:name" value=""/>
  </global>
  <global scope="event">
    <string key="concept:name" value=""/>
    <date key="time:timestamp" value="1970-01-01T00:00:00.000+00:00"/>
  </global>
  <classifier name="Touchpoint type" keys="concept:name"/>
  <classifier name="Touchpoint type and channel" keys="concept:name org:group"/>
  <string key="concept:name" value={name}/>
"""


def tag(kind: str, key: str, value: Any, indent: int = 6) -> str:
    """One XES attribute. Characters that XML 1.0 has no place for are left out."""
    text = "".join(character for character in str(value) if character >= " " or character in "\t\n\r")
    return f"{' ' * indent}<{kind} key={quoteattr(key)} value={quoteattr(text)}/>\n"


def moment(at: dt.datetime) -> str:
    """A naive UTC time as both formats write it."""
    return at.isoformat(timespec="milliseconds") + "+00:00"


def write_ocel(con: duckdb.DuckDBPyConnection, definition: str, file: TextIO) -> tuple[int, int]:
    """OCEL 2.0 JSON: a touchpoint is an event; customers, journeys, sessions and business objects are its objects.

    A touchpoint that concerns an order, a ticket and an invoice is one event of three objects, which a trace per case
    cannot say.
    """
    kinds = con.execute(OBJECT_TYPES, [definition]).fetchall()
    types = con.execute(
        "select distinct touchpoint_type from journey_step where journey_definition = ? order by 1", [definition]
    ).fetchall()
    attributes = [{"name": name, "type": OCEL_KINDS[kind]} for name, kind in ATTRIBUTES.items()]
    object_types: list[dict[str, Any]] = [
        {"name": "customer", "attributes": []},
        {"name": "journey", "attributes": [{"name": "status", "type": "string"}]},
        {"name": "session", "attributes": []},
        *({"name": f"object.{name}", "attributes": []} for (name,) in kinds),
    ]
    file.write('{"objectTypes": ' + json.dumps(object_types) + ",\n")
    file.write('"eventTypes": ' + json.dumps([{"name": name, "attributes": attributes} for (name,) in types]) + ",\n")
    file.write('"objects": [\n')
    for count, row in enumerate(rows(con, OBJECTS, [definition] * 4)):
        item: dict[str, Any] = {"id": row["id"], "type": row["type"], "attributes": [], "relationships": []}
        if row["status"] is not None:
            item["attributes"] = [{"name": "status", "time": moment(row["at"]), "value": row["status"]}]
            item["relationships"] = [{"objectId": row["customer"], "qualifier": "customer"}]
        file.write((",\n" if count else "") + json.dumps(item, ensure_ascii=False))
    file.write('\n],\n"events": [\n')
    events = 0
    for row in rows(con, OCEL_EVENTS, [definition]):
        file.write((",\n" if events else "") + json.dumps(ocel_event(row), ensure_ascii=False))
        events += 1
    file.write("\n]}\n")
    journeys = con.execute("select count(*) from journey where journey_definition = ?", [definition]).fetchone()
    return int(journeys[0] if journeys else 0), events


def ocel_event(row: dict[str, Any]) -> dict[str, Any]:
    """One touchpoint as an OCEL event; a value of its own type, none where there is none."""
    related = [
        {"objectId": f"customer:{row['customer_id']}", "qualifier": "customer"},
        {"objectId": f"journey:{row['journey_id']}", "qualifier": "journey"},
    ]
    if row["session_id"] is not None:
        related.append({"objectId": f"session:{row['session_id']}", "qualifier": "session"})
    known = set()
    for item in row["objects"] or []:
        key = f"object:{item['type']}:{item['id']}"
        if key not in known:
            known.add(key)
            related.append({"objectId": key, "qualifier": item["qualifier"] or item["type"]})
    return {
        "id": str(row["touchpoint_id"]),
        "type": row["touchpoint_type"],
        "time": moment(row["occurred_at"]),
        "attributes": [{"name": name, "value": row[name]} for name in ATTRIBUTES if row[name] is not None],
        "relationships": related,
    }


OBJECT_TYPES = """
    select distinct o.type from (
        select unnest(t.objects) as o from touchpoint as t
        join journey_step as s on s.touchpoint_id = t.touchpoint_id where s.journey_definition = ?
    ) where o.type is not null and o.id is not null order by 1
"""
OBJECTS = """
    select 'customer:' || customer_id as id, 'customer' as type, null as status, null as at, null as customer
    from (select distinct customer_id from journey where journey_definition = ?)
    union all
    select 'journey:' || journey_id, 'journey', status, ended_at, 'customer:' || customer_id
    from journey where journey_definition = ?
    union all
    select 'session:' || session_id, 'session', null, null, null
    from (select distinct session_id from journey_step where journey_definition = ? and session_id is not null)
    union all
    select distinct 'object:' || o.type || ':' || o.id, 'object.' || o.type, null, null, null from (
        select unnest(t.objects) as o from touchpoint as t
        join journey_step as s on s.touchpoint_id = t.touchpoint_id where s.journey_definition = ?
    ) where o.type is not null and o.id is not null
    order by 2, 1
"""
OCEL_EVENTS = EVENTS.replace(
    "t.agent_id, t.outcome",
    "t.outcome, list_filter(t.objects, lambda o: o.type is not null and o.id is not null) as objects",
)
