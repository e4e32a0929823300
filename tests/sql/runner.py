"""Runs one SQL model on small hand-made inputs, in memory, with everything it reads built from the inputs.

A relation is, in this order: an input file of the case, another SQL model (built the same way), a configuration table,
or empty with the columns of its contract. Not here: a warehouse, a night.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv
import yaml

from models.catalogue import load_catalogue
from models.configuration import Configuration, configuration_tables, load_configuration
from models.contract import load_contracts
from pipelines.model_files import load_models
from pipelines.night.visitor import STATE_TABLES, state_columns

CASES = Path(__file__).parent / "cases"
DATA_DATE = datetime(2024, 6, 1)
SCOPES = {"touchpoint_scope": "touchpoint", "party_record_scope": "party_record"}
EVIDENCE = {
    "customer_id": "BIGINT",
    "identifier_type": "VARCHAR",
    "identifier_value": "VARCHAR",
    "source_system": "VARCHAR",
    "first_seen_at": "TIMESTAMP",
    "last_seen_at": "TIMESTAMP",
    "record_count": "BIGINT",
    "is_link": "BOOLEAN",
}

LINK_EVIDENCE = {
    "customer_id": "BIGINT",
    "left_type": "VARCHAR",
    "left_value": "VARCHAR",
    "right_type": "VARCHAR",
    "right_value": "VARCHAR",
    "link_rule": "VARCHAR",
    "match_weight": "DOUBLE",
    "reason": "VARCHAR",
    "source_system": "VARCHAR",
    "first_seen_at": "TIMESTAMP",
    "last_seen_at": "TIMESTAMP",
    "record_count": "BIGINT",
}


def column_types(relation: str) -> dict[str, str]:
    """DuckDB types of a relation's columns, in order."""
    if relation == "identifier_evidence":
        return EVIDENCE
    if relation == "identity_link_evidence":
        return LINK_EVIDENCE
    if relation in STATE_TABLES:
        return state_columns(relation)
    contract = load_contracts()[SCOPES.get(relation, relation)]
    return {
        column.name: column.type
        for column in contract.columns
        if not (relation == "touchpoint_scope" and column.name == "session_id")
    }


def defaults(relation: str, columns: set[str]) -> dict[str, str]:
    """SQL for required columns that an input file leaves out, so that a case shows only what it is about."""
    wanted: dict[str, str] = {}
    if relation in ("touchpoint_scope", "touchpoint"):
        catalogue = load_catalogue()
        wanted["occurred_at_precision"] = "'second'"
        wanted["is_bot"] = "false"
        for attribute in ("channel", "direction", "medium", "journey_phase", "category"):
            whens = " ".join(f"when '{name}' then '{getattr(row, attribute)}'" for name, row in catalogue.items())
            wanted[attribute] = f"case touchpoint_type {whens} end"
    if relation in ("party_record_scope", "party_record"):
        wanted["party_type"] = "'person'"
    if relation in (*SCOPES, "touchpoint", "party_record", "channel_cost"):
        wanted["source_system"] = "'test'"
        wanted["source_export"] = "'test.case'"
        wanted["source_file_id"] = "'0000000000000000'"
        wanted["source_row_number"] = "row_number() over ()"
        wanted["source_row_id"] = "row_number() over ()"
    return {name: value for name, value in wanted.items() if name not in columns}


def load_csv(path: Path) -> pa.Table:
    """A CSV file as text; an empty field is NULL."""
    convert = pyarrow.csv.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False)
    names = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    convert.column_types = {name: pa.string() for name in names}
    return pyarrow.csv.read_csv(path, convert_options=convert)


class Room:
    """A DuckDB in memory with the relations of one case."""

    def __init__(
        self,
        inputs: Mapping[str, pa.Table],
        configuration: Configuration | None = None,
        data_date_at: datetime = DATA_DATE,
    ) -> None:
        self.inputs = dict(inputs)
        self.connection = duckdb.connect()
        self.connection.execute("set threads = 1")
        self.built: set[str] = set()
        for name, table in configuration_tables(configuration or load_configuration(), data_date_at).items():
            if name not in self.inputs:
                self._store(name, table)

    def _store(self, name: str, table: pa.Table) -> None:
        self.connection.register("arriving", table)
        self.connection.execute(f"create table {name} as select * from arriving")
        self.connection.unregister("arriving")
        self.built.add(name)

    def _take(self, name: str, table: pa.Table) -> None:
        types = column_types(name)
        given = set(table.column_names)
        unknown = given - set(types)
        assert not unknown, f"input {name} has unknown columns {sorted(unknown)}"
        filled = defaults(name, given)
        selected = [
            f"cast({column if column in given else filled.get(column, 'null')} as {kind}) as {column}"
            for column, kind in types.items()
        ]
        self.connection.register("arriving", table)
        self.connection.execute(f"create table {name} as select {', '.join(selected)} from arriving")
        self.connection.unregister("arriving")
        self.built.add(name)

    def build(self, name: str) -> None:
        """Make the relation `name` and all it reads."""
        if name in self.built:
            return
        if name in self.inputs:
            self._take(name, self.inputs[name])
            return
        models = load_models()
        if name not in models:
            columns = ", ".join(f"{column} {kind}" for column, kind in column_types(name).items())
            self.connection.execute(f"create table {name} ({columns})")
            self.built.add(name)
            return
        model = models[name]
        for relation in model.reads:
            self.build(relation)
        result = self.connection.sql(model.text).to_arrow_table()
        finish = model.finisher()
        self._store(name, finish(result) if finish else result)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return self.connection.execute(sql).fetchall()


def case_room(folder: Path) -> Room:
    """The relations of one case folder: `case.yaml` (data_date_at, configuration) and `input_<relation>.csv`."""
    described: dict[str, Any] = {}
    if (folder / "case.yaml").exists():
        described = yaml.safe_load((folder / "case.yaml").read_text(encoding="utf-8"))
    unknown = set(described) - {"about", "data_date_at", "configuration"}
    assert not unknown, f"{folder.name}/case.yaml: unknown keys {sorted(unknown)}"
    configuration = None
    if "configuration" in described:
        own = folder / "case.yaml"
        configuration = load_configuration_of(described["configuration"], own)
    inputs = {path.stem.removeprefix("input_"): load_csv(path) for path in sorted(folder.glob("input_*.csv"))}
    return Room(inputs, configuration, described.get("data_date_at", DATA_DATE))


def load_configuration_of(values: dict[str, Any], origin: Path) -> Configuration:
    """A configuration as `touchpoint360.yaml` would give it, from values written in a case."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{origin.parent.name}.yaml"
        path.write_text(yaml.safe_dump(values), encoding="utf-8")
        return load_configuration(path)
