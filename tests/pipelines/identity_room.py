"""Identity resolution alone, over records written in a test: a session with what ingest leaves, without files and Dagster.

Not here: what a test expects.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from models.configuration import Configuration, load_configuration
from models.contract import load_contracts
from pipelines.night.device import assign_records
from pipelines.night.identity import prepare_identity, resolve_night
from pipelines.night.session import Session
from sources.spec import SourceCatalog

SECRET = b"5a" * 32
START = dt.datetime(2026, 1, 1)
ITEM = pa.list_(pa.struct([("type", pa.string()), ("value", pa.string())]))
DATA_DATE = dt.datetime(2026, 6, 1)


@dataclass(frozen=True)
class Record:
    """A touchpoint that names identifiers written `type:value`, at a minute.

    With `is_link` it is a system's merge; with `person` (columns of `party_record`) what a system says about somebody.
    """

    record_id: int
    names: tuple[str, ...]
    minute: int | None = 0
    is_link: bool = False
    person: tuple[tuple[str, Any], ...] = ()


def typed(name: str) -> dict[str, str]:
    """`type:value` as an identifier."""
    kind, _, value = name.partition(":")
    return {"type": kind, "value": value}


class IdentityRoom:
    """The state of identities after some nights; `night` brings one more."""

    def __init__(self, folder: Path, configuration: Configuration | None = None) -> None:
        self.session = Session(folder, threads=1)
        self.configuration = configuration or load_configuration(None)
        self.records: dict[int, Record] = {}
        self.number = 0
        self.warnings: list[str] = []
        prepare_identity(self.session)

    def night(self, new: Sequence[Record] = (), removed: Iterable[int] = ()) -> None:
        """One night: `removed` records go, `new` ones come or replace those of their id."""
        gone = [number for number in {*removed, *(record.record_id for record in new)} if number in self.records]
        for number in gone:
            del self.records[number]
        self.records.update((record.record_id, record) for record in new)
        points = [record for record in new if not record.is_link and not record.person]
        people = [record for record in new if record.person]
        links = [record for record in new if record.is_link]

        def times(records: Sequence[Record]) -> pa.Array:
            moments = [None if r.minute is None else START + dt.timedelta(minutes=r.minute) for r in records]
            return pa.array(moments, pa.timestamp("us"))

        def texts(values: Sequence[str | None]) -> pa.Array:
            return pa.array(values, pa.string())

        store = self.session.store
        store(
            "scratch.ingest.touchpoint_new",
            pa.table(
                {
                    "touchpoint_id": pa.array([r.record_id for r in points], pa.int64()),
                    "occurred_at": times(points),
                    "occurred_at_precision": texts(["second"] * len(points)),
                    "source_system": texts(["shop"] * len(points)),
                    "source_export": texts(["event"] * len(points)),
                    "identifiers": pa.array([[typed(n) for n in r.names] or None for r in points], ITEM),
                }
            ),
        )
        store(
            "scratch.ingest.identifier_link_new",
            pa.table(
                {
                    "identifier_link_id": pa.array([r.record_id for r in links], pa.int64()),
                    "linked_at": times(links),
                    "source_system": texts(["crm"] * len(links)),
                    "source_export": texts(["merge"] * len(links)),
                    **{
                        f"{side}_{part}": texts([typed(r.names[place])[part] for r in links])
                        for place, side in enumerate(("left", "right"))
                        for part in ("type", "value")
                    },
                }
            ),
        )
        columns = load_contracts()["party_record"].ddl()
        self.session.run(f"create or replace table scratch.ingest.party_record_new ({columns}, problem varchar)")
        self.session.run(f"create table if not exists work.main.party_record ({columns})")
        self.session.run(
            f"delete from work.main.party_record where party_record_id in ({', '.join(map(str, [-1, *gone]))})"
        )
        if people:
            rows = [
                {
                    "party_record_id": r.record_id, "party_type": "person", "source_system": "crm", "source_export": "contact",
                    "identifiers": [typed(name) for name in r.names], **dict(r.person),
                }
                for r in people
            ]  # fmt: skip
            self.session.append("scratch.ingest.party_record_new", pa.Table.from_pylist(rows))
        empty = pa.table({"record_id": pa.array([], pa.int64())})
        for table in ("touchpoint", "party_record", "identifier_link"):
            store(f"scratch.main.{table}_removed", empty)
        store("scratch.main.touchpoint_removed", pa.table({"record_id": pa.array(gone, pa.int64())}))
        self.number += 1
        _, self.warnings = resolve_night(
            self.session, self.configuration, SourceCatalog({}), SECRET, f"r{self.number:06d}", DATA_DATE
        )
        # What the models would do at the end of the night.
        self.session.run(
            "insert into work.main.party_record by name select * exclude (problem) from scratch.ingest.party_record_new"
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the state."""
        return self.session.rows(sql)

    def customers(self) -> dict[str, int]:
        """Customer per identifier, `type:value`."""
        return dict(
            self.rows(
                "select identifier_type || ':' || identifier_value, customer_id from state.main.identifier "
                "join state.main.identifier_customer using (identifier_code)"
            )
        )

    def guards(self) -> dict[str, str]:
        """Reason per guarded identifier, `type:value`."""
        return dict(
            self.rows(
                "select identifier_type || ':' || identifier_value, guard_reason from state.main.identifier "
                "join state.main.identifier_customer using (identifier_code) where is_guarded"
            )
        )

    def record_customers(self) -> dict[int, int]:
        """Customer per touchpoint."""
        store = self.session.store
        points = [number for number, record in self.records.items() if not record.is_link]
        store("scratch.main.all_record", pa.table({"record_id": pa.array(points, pa.int64())}))
        assign_records(self.session, "scratch.main.all_record", "scratch.main.all_customer")
        return dict(self.rows("select record_id, customer_id from scratch.main.all_customer"))


@contextmanager
def identity_room(configuration: Configuration | None = None) -> Iterator[IdentityRoom]:
    """A room with nothing in it yet."""
    with tempfile.TemporaryDirectory() as folder:
        room = IdentityRoom(Path(folder), configuration)
        yield room
        room.session.con.close()


def configured(folder: Path, text: str) -> Configuration:
    """The configuration that a file with this text gives."""
    path = folder / "touchpoint360.yaml"
    path.write_text(text, encoding="utf-8")
    return load_configuration(path)
