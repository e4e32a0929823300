"""The warehouse folder: one night at a time, atomic switch, rollback, pruning."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pipelines.warehouse import RELEASE_FILE, Warehouse, WarehouseError


def complete(warehouse: Warehouse, release_id: str) -> None:
    folder = warehouse.releases_folder / release_id
    folder.mkdir(parents=True)
    (folder / RELEASE_FILE).write_text(json.dumps({"release_id": release_id}))
    warehouse.switch(release_id)


def test_the_second_night_at_once_is_told_so(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    with (
        warehouse.lock(),
        pytest.raises(WarehouseError, match=f"another night is running .* \\(process {os.getpid()}\\)"),
        Warehouse(tmp_path).lock(),
    ):
        pass
    with warehouse.lock():
        pass


def test_switch_and_rollback_move_one_link(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    assert warehouse.current() is None
    complete(warehouse, "r000001")
    complete(warehouse, "r000002")
    current = warehouse.current()
    assert current is not None and current.release_id == "r000002"
    warehouse.switch("r000001")
    assert warehouse.require_current().release_id == "r000001"
    assert warehouse.next_release_id() == "r000003"
    assert str(warehouse.current_link.readlink()) == "releases/r000001"


def test_an_incomplete_release_is_never_current_and_goes_at_the_next_start(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    complete(warehouse, "r000001")
    half = warehouse.releases_folder / "r000002"
    half.mkdir()
    with pytest.raises(WarehouseError, match=r"r000002 is not a complete release .*there are: r000001"):
        warehouse.switch("r000002")
    warehouse.start_work(empty=True)
    assert not half.exists()
    assert warehouse.require_current().release_id == "r000001"


def test_pruning_keeps_the_newest_and_the_current(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    for number in range(1, 6):
        complete(warehouse, f"r{number:06d}")
    warehouse.switch("r000001")
    assert warehouse.prune(2) == ["r000002", "r000003"]
    assert [release.release_id for release in warehouse.releases()] == ["r000001", "r000004", "r000005"]


def test_the_salt_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    salt = Warehouse(tmp_path).salt()
    assert len(salt) == 64
    assert Warehouse(tmp_path).salt() == salt
    assert (tmp_path / "secret" / "salt").stat().st_mode & 0o777 == 0o600


def test_no_release_yet_names_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="Run `touchpoint360 run --exports DIR"):
        Warehouse(tmp_path).require_current()
