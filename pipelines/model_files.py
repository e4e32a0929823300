"""The SQL models as the factory sees them: header, text, the relations each reads, and the order to run them in.

Belongs here: reading `sql/` and its headers. Does not belong here: running a model (`night/build.py`), Dagster.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pyarrow as pa
import sqlglot
from sqlglot import exp

import sql as sql_room
from models.contract import load_contracts

HEADER = re.compile(r"^--\s*(kind|grain|finish):\s*(.+?)\s*$")
KINDS = ("per_customer", "aggregate")
# SELECTs that run while an export is read, over what its files touch; their tables are state and no assets.
INGEST = "ingest"
# Models that read tonight's scope instead of published tables: when their text changes, the night starts from the files.
SCOPE_RELATIONS = {"touchpoint_scope", "party_record_scope", "identifier_evidence", "identity_link_evidence"}
# Tables that models read and no SQL model makes, beside the configuration tables.
GIVEN_TABLES = {"channel_cost", "identifier_link", "export_file", "quarantine", "visitor_day", "visitor_verdict"}


def given_relations() -> set[str]:
    """Relations that models may read and no SQL model makes."""
    configuration = {name for name, contract in load_contracts().items() if contract.kind == "configuration"}
    return SCOPE_RELATIONS | GIVEN_TABLES | configuration


class ModelError(Exception):
    """A SQL model whose file is not as the house wants it; the text names the file and what to change."""


@dataclass(frozen=True)
class Model:
    """One file of `sql/`."""

    name: str
    layer: str
    kind: str
    text: str
    reads: tuple[str, ...]
    finish: str | None
    description: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """Other models it reads."""
        return tuple(name for name in self.reads if name not in given_relations())

    @property
    def needs_scope(self) -> bool:
        return bool(SCOPE_RELATIONS & set(self.reads))

    @property
    def is_internal(self) -> bool:
        """Internal tables live in the state file and are not published."""
        return not load_contracts()[self.name].published

    @property
    def home(self) -> str:
        """Database and schema that the table lives in."""
        return "state.main" if self.is_internal else "work.main"

    def finisher(self) -> Callable[[pa.Table], pa.Table] | None:
        """The function named in the `finish` header."""
        if self.finish is None:
            return None
        module, _, function = self.finish.rpartition(".")
        found: Callable[[pa.Table], pa.Table] = getattr(importlib.import_module(module), function)
        return found

    def own_hash(self) -> str:
        """Hash of what the table is made by: SELECT, contract and finishing function's module."""
        digest = hashlib.sha256(self.text.encode())
        digest.update(repr(load_contracts()[self.name].columns).encode())
        finisher = self.finisher()
        if finisher is not None:
            digest.update(inspect.getsource(inspect.getmodule(finisher) or finisher).encode())
        return digest.hexdigest()[:16]


def read_model(path: Path) -> Model:
    """Read one model file; raises ModelError when header or SELECT are not as agreed."""
    text = path.read_text(encoding="utf-8")
    header = {}
    comment = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        match = HEADER.match(line)
        if match:
            header[match.group(1)] = match.group(2)
        else:
            comment.append(line.removeprefix("--").strip())
    kind = header.get("kind", "")
    if kind not in (*KINDS, INGEST):
        raise ModelError(
            f"{path.name}: the header says kind '{kind}'; write `-- kind: per_customer` or `-- kind: aggregate`."
        )
    statements = [statement for statement in sqlglot.parse(text, read="duckdb") if statement is not None]
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise ModelError(f"{path.name}: one file holds one SELECT; found {len(statements)} statement(s).")
    names = {cte.alias_or_name for cte in statements[0].find_all(exp.CTE)}
    reads = sorted({table.name for table in statements[0].find_all(exp.Table)} - names)
    # A model may import another under a CTE of the same name: `with spine as (select … from spine)`.
    for cte in statements[0].find_all(exp.CTE):
        for table in cte.this.find_all(exp.Table):
            if table.name == cte.alias_or_name and table.name not in reads:
                reads.append(table.name)
    return Model(path.stem, path.parent.name, kind, text, tuple(sorted(reads)), header.get("finish"), " ".join(comment))


@cache
def load_models() -> dict[str, Model]:
    """All models by name, in an order in which each comes after what it reads (ties by name)."""
    root = Path(sql_room.__file__).parent
    models = {
        model.name: model
        for model in (read_model(path) for path in sorted(root.rglob("*.sql")))
        if model.kind != INGEST
    }
    for model in models.values():
        unknown = [name for name in model.inputs if name not in models]
        if unknown:
            raise ModelError(
                f"{model.name}.sql reads {', '.join(unknown)}, which is neither a model nor a given relation."
            )
        if model.name not in load_contracts():
            raise ModelError(f"{model.name}.sql has no contract; write models/contracts/{model.name}.yaml.")
    sorter = TopologicalSorter({name: set(models[name].inputs) for name in sorted(models)})
    ordered: dict[str, Model] = {}
    sorter.prepare()
    while sorter.is_active():
        for name in sorted(sorter.get_ready()):
            ordered[name] = models[name]
            sorter.done(name)
    return ordered


@cache
def ingest_select(name: str) -> str:
    """The SELECT of a model of kind `ingest`."""
    (path,) = Path(sql_room.__file__).parent.rglob(f"{name}.sql")
    model = read_model(path)
    if model.kind != INGEST:
        raise ModelError(f"{path.name}: the header says kind '{model.kind}', and it is run as '{INGEST}'.")
    return model.text


def upstream(name: str) -> set[str]:
    """All models that a model depends on, itself included."""
    models = load_models()
    found: set[str] = set()
    todo = [name]
    while todo:
        current = todo.pop()
        if current not in found:
            found.add(current)
            todo.extend(models[current].inputs)
    return found
