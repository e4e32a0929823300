"""Contracts: what every table means, read from `columns.yaml` and `contracts/<table>.yaml`.

A column is described once (`columns.yaml`); a contract lists the columns of one table in order and says which are
required, what makes a row unique and what must hold. From a contract come the table's types, DuckDB COMMENTs, Parquet
field metadata, the Dagster column schema, the checks and `docs/tables.md`.

Not here: running a check, creating a table, anything that knows a warehouse or Dagster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import duckdb
import pyarrow as pa

from models.catalogue import catalogue_values
from models.naming import nearest
from models.yaml_text import read_yaml

Severity = Literal["fail", "warn"]
Kind = Literal["canonical", "per_customer", "aggregate", "book", "configuration"]
Personal = Literal["", "direct", "indirect"]

ROOM = Path(__file__).parent
COLUMN_KEYS = {"type", "description", "unit", "personal", "values", "minimum", "maximum"}
OVERRIDE_KEYS = COLUMN_KEYS | {"name", "because"}
CONTRACT_KEYS = {
    "description", "kind", "layer", "grain", "key", "required", "columns", "checks", "partition_by", "owner",
    "published", "lineage",
}  # fmt: skip
CHECK_KEYS = {"name", "sql", "severity", "description"}


class ContractError(ValueError):
    """A contract file that does not hold together: says which file, which entry and what to do."""


@dataclass(frozen=True)
class Column:
    """One column: DuckDB `type`, meaning, `unit` ('' when it has none) and whether it names a person.

    `personal` is 'direct' (names or reaches a person: not in BI Parquet), 'indirect' (says something about one person
    without naming them) or ''. `values` empty means every value is allowed; `minimum` and `maximum` are inclusive.
    """

    name: str
    type: str
    description: str
    unit: str = ""
    nullable: bool = True
    personal: Personal = ""
    values: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    @property
    def comment(self) -> str:
        """Description with the unit, as it stands in DuckDB's COMMENT."""
        return f"{self.description} [{self.unit}]" if self.unit else self.description


@dataclass(frozen=True)
class Check:
    """A statement about a table: `sql` returns one row with the number of rows that break it (0 = holds)."""

    name: str
    sql: str
    severity: Severity = "fail"
    description: str = ""

    def on(self, relation: str) -> str:
        """The check's SQL with `{table}` replaced by `relation`; other braces stay as they are."""
        return self.sql.replace("{table}", relation)


@dataclass(frozen=True)
class Contract:
    """What one table is. `columns` are in the order of the table; `key` makes a row unique."""

    table: str
    kind: Kind
    layer: str
    description: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    checks: tuple[Check, ...] = ()
    partition_by: str = ""
    owner: str = "team:data"
    published: bool = True
    # Column (or "*" for the others) → what it comes from where no SELECT tells: `table.column`, or words.
    lineage: Mapping[str, tuple[str, ...]] | None = None

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of all columns, in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column called `name`; ContractError names the nearest one when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise ContractError(f"table {self.table} has no column {name!r}{nearest(name, self.column_names)}")

    def ddl(self) -> str:
        """The column list for CREATE TABLE: quoted names with DuckDB types, without constraints.

        No PRIMARY KEY on purpose: it triples the file (measured); uniqueness is a check.
        """
        return ", ".join(f'"{column.name}" {column.type}' for column in self.columns)

    def comments(self, relation: str | None = None) -> list[str]:
        """COMMENT statements for the table and its columns (CREATE OR REPLACE … AS drops them, so run them after)."""
        name = relation or f'"{self.table}"'
        text = f"{self.description} Grain: {self.grain}."
        return [f"COMMENT ON TABLE {name} IS {_literal(text)}"] + [
            f'COMMENT ON COLUMN {name}."{column.name}" IS {_literal(column.comment)}' for column in self.columns
        ]

    def arrow_schema(self) -> pa.Schema:
        """Arrow schema with description, unit and personal as field metadata, the table's description beside it."""
        fields = [
            pa.field(column.name, _arrow_type(column.type), nullable=column.nullable).with_metadata(
                {"description": column.description, "unit": column.unit, "personal": column.personal}
            )
            for column in self.columns
        ]
        return pa.schema(fields, metadata={"table": self.table, "description": self.description, "grain": self.grain})

    def published_columns(self, with_personal: bool = False) -> tuple[Column, ...]:
        """Columns that go to Parquet: all of them, or (default) all but those that name a person directly."""
        return tuple(column for column in self.columns if with_personal or column.personal != "direct")

    def generated_checks(self) -> list[Check]:
        """Checks that follow from key, required columns, allowed values and ranges, then those written in the file."""
        checks: list[Check] = []
        if self.key:
            columns = ", ".join(f'"{name}"' for name in self.key)
            checks.append(
                Check(
                    f"{'_and_'.join(self.key)}_{'is' if len(self.key) == 1 else 'are'}_not_unique",
                    "select coalesce(sum(row_count - 1), 0) from"
                    f" (select count(*) as row_count from {{table}} group by {columns} having count(*) > 1)",
                    description=f"Two rows of {self.table} have the same {', '.join(self.key)}.",
                )
            )
        # One check and one scan per kind of breach, not per column: a night runs some hundred checks, not thousands.
        required = {c.name: f'"{c.name}" is null' for c in self.columns if not c.nullable}
        allowed = {
            c.name: f'"{c.name}" not in ({", ".join(_literal(value) for value in c.values)})'
            for c in self.columns
            if c.values
        }
        ranges = {
            c.name: " or ".join(
                f'"{c.name}" {sign} {bound:g}'
                for bound, sign in ((c.minimum, "<"), (c.maximum, ">"))
                if bound is not None
            )
            for c in self.columns
            if c.minimum is not None or c.maximum is not None
        }
        for name, breaches, meaning in (
            ("a_required_value_is_missing", required, "NULL in a column that must have a value"),
            ("a_value_is_not_one_of_those_allowed", allowed, "A value that its column's definition does not list"),
            ("a_value_is_out_of_range", ranges, "A value below or above its column's range"),
        ):
            if breaches:
                condition = " or ".join(f"({breach})" for breach in breaches.values())
                checks.append(
                    Check(
                        name,
                        f"select count(*) from {{table}} where {condition}",
                        description=f"{meaning}: {', '.join(breaches)}.",
                    )
                )
        return checks + list(self.checks)


@cache
def load_columns() -> dict[str, Column]:
    """Every column definition of `columns.yaml` by name."""
    path = ROOM / "columns.yaml"
    raw = read_yaml(path.read_text(encoding="utf-8"))
    columns: dict[str, Column] = {}
    for name, entry in raw.items():
        _known(entry, COLUMN_KEYS, f"{path.name}: column {name}")
        columns[name] = _column(Column(name, "", ""), entry, f"{path.name}: column {name}")
    return columns


@cache
def load_contracts() -> dict[str, Contract]:
    """Every contract under `contracts/` by table name, sorted by name."""
    columns = load_columns()
    return {path.stem: read_contract(path, columns) for path in sorted((ROOM / "contracts").glob("*.yaml"))}


def read_contract(path: Path, columns: Mapping[str, Column]) -> Contract:
    """One contract file; its name is the table's. Raises ContractError with file, entry and nearest valid name."""
    raw = read_yaml(path.read_text(encoding="utf-8"))
    where = f"contracts/{path.name}"
    _known(raw, CONTRACT_KEYS, where)
    missing = {"description", "kind", "layer", "grain", "key", "columns"} - set(raw)
    if missing:
        raise ContractError(f"{where}: {', '.join(sorted(missing))} missing; add it.")
    if raw["kind"] not in get_args(Kind):
        raise ContractError(f"{where}: kind {raw['kind']!r} is none of {', '.join(get_args(Kind))}.")
    key = tuple(raw["key"])
    required = set(key) | set(raw.get("required", ()))
    listed = [_listed_column(entry, columns, where) for entry in raw["columns"]]
    names = [column.name for column in listed]
    for name in [*required, raw.get("partition_by") or names[0]]:
        if name not in names:
            raise ContractError(f"{where}: {name!r} is not one of its columns{nearest(name, names)}")
    if len(set(names)) != len(names):
        raise ContractError(f"{where}: a column is listed twice.")
    checks = []
    for entry in raw.get("checks", ()):
        _known(entry, CHECK_KEYS, f"{where}: check")
        checks.append(Check(entry["name"], entry["sql"], entry.get("severity", "fail"), entry.get("description", "")))
    lineage = raw.get("lineage")
    return Contract(
        table=path.stem,
        kind=raw["kind"],
        layer=raw["layer"],
        description=_flat(raw["description"]),
        grain=_flat(raw["grain"]),
        key=key,
        columns=tuple(replace(column, nullable=column.name not in required) for column in listed),
        checks=tuple(checks),
        partition_by=raw.get("partition_by", ""),
        owner=raw.get("owner", "team:data"),
        published=raw.get("published", True),
        lineage={name: tuple(inputs) for name, inputs in lineage.items()} if lineage else None,
    )


def _listed_column(entry: str | dict[str, Any], columns: Mapping[str, Column], where: str) -> Column:
    """A column of a contract: a name, or a mapping with `name`, overrides and `because` (the reason, required)."""
    name = entry if isinstance(entry, str) else entry.get("name", "")
    if name not in columns:
        raise ContractError(f"{where}: column {name!r} is not in columns.yaml{nearest(name, columns)}")
    if isinstance(entry, str):
        return columns[name]
    place = f"{where}: column {name}"
    _known(entry, OVERRIDE_KEYS, place)
    if not entry.get("because"):
        raise ContractError(f"{place}: an override needs `because:` with the reason.")
    return _column(columns[name], {key: entry[key] for key in COLUMN_KEYS if key in entry}, place)


def _column(base: Column, entry: Mapping[str, Any], where: str) -> Column:
    """`base` with the given definitions applied."""
    changed: dict[str, Any] = dict(entry)
    if "description" in changed:
        changed["description"] = _flat(changed["description"])
    values = changed.get("values")
    if isinstance(values, str):
        changed["values"] = catalogue_values(values)
    elif values is not None:
        changed["values"] = tuple(str(value) for value in values)
    column = replace(base, **changed)
    if not column.type or not column.description:
        raise ContractError(f"{where}: type and description are both needed.")
    if column.personal not in get_args(Personal):
        raise ContractError(f"{where}: personal is 'direct', 'indirect' or absent, not {column.personal!r}.")
    return column


def _known(entry: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
    for key in entry:
        if key not in allowed:
            raise ContractError(f"{where}: unknown key {key!r}{nearest(key, allowed)}")


@cache
def _arrow_type(duckdb_type: str) -> pa.DataType:
    """The Arrow type DuckDB gives for its own type: asking it keeps the two from drifting."""
    with duckdb.connect() as connection:
        return connection.sql(f"select cast(null as {duckdb_type}) as value").to_arrow_table().schema.field(0).type


def _flat(text: str) -> str:
    return " ".join(text.split())


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
