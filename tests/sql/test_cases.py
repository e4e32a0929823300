"""Every SQL model on hand-made inputs against hand-checked results: `cases/<model>/<case>/`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from pipelines.model_files import load_models
from tests.sql.runner import CASES, case_room, column_types, load_csv

FOLDERS = sorted(path.parent for path in CASES.glob("*/*/expected.csv"))


def plain(value: Any) -> tuple[int, Any]:
    """A value that sorts beside NULL."""
    return (0, 0) if value is None else (1, value)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_case(folder: Path) -> None:
    model = folder.parent.name
    room = case_room(folder)
    room.build(model)
    expected = load_csv(folder / "expected.csv")
    types = column_types(model)
    columns = expected.column_names
    room.connection.register("expected_text", expected)
    casts = ", ".join(f"cast({name} as {types[name]}) as {name}" for name in columns)
    # `only` narrows a wide table to the rows the case is about.
    only = folder / "only.sql"
    where = f"where {only.read_text(encoding='utf-8')}" if only.exists() else ""
    wanted = sorted(room.rows(f"select {casts} from expected_text"), key=lambda row: [plain(v) for v in row])
    found = sorted(
        room.rows(f"select {', '.join(columns)} from {model} {where}"), key=lambda row: [plain(v) for v in row]
    )
    assert len(found) == len(wanted), f"{columns}\nfound\n{found}\nwanted\n{wanted}"
    for found_row, wanted_row in zip(found, wanted, strict=True):
        for name, left, right in zip(columns, found_row, wanted_row, strict=True):
            if isinstance(right, float) and left is not None:
                assert math.isclose(left, right, rel_tol=1e-6, abs_tol=1e-9), (name, found_row, wanted_row)
            else:
                assert left == right, (name, found_row, wanted_row)


def test_every_model_has_a_case() -> None:
    assert {folder.parent.name for folder in FOLDERS} == set(load_models())
