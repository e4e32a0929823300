"""The page of coverage says what specs and tests say; every system and layout that one looks for is there and tested."""

from __future__ import annotations

from pathlib import Path

import pytest

from sources.recognise import recognise
from sources.spec import SourceCatalog
from tests.sources.systems.coverage import NAMED, PAGE, TRACKERS, files_of, page, runs_of

ROOT = Path(__file__).parents[3]


def test_the_page_is_the_one_of_today(catalog: SourceCatalog) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(catalog), "write it anew: python -m tests.sources.systems.coverage"


def test_every_layout_that_one_looks_for_is_read_and_tested(catalog: SourceCatalog) -> None:
    tested = runs_of(catalog)
    names = {name for layouts in NAMED.values() for found in layouts.values() for name in found}
    assert names <= set(catalog.exports)
    assert sorted(name for name in names if not tested[name] and catalog.exports[name].feeds != "lookup") == []
    for name in names:
        assert (ROOT / "docs" / "sources" / f"{catalog.exports[name].system}.md").is_file()


def test_every_export_that_gives_rows_is_run_by_a_test(catalog: SourceCatalog) -> None:
    tested = runs_of(catalog)
    # Canonical files are tested through whole nights (tests/pipelines), where they are written first.
    missing = {name for name, spec in catalog.exports.items() if spec.feeds != "lookup" and not tested[name]}
    assert {name for name in missing if not name.startswith("canonical.")} == set()


def test_files_belong_to_exports_that_exist(catalog: SourceCatalog) -> None:
    assert set(files_of()) <= set(catalog.exports)


@pytest.mark.shared
@pytest.mark.parametrize("path", sorted(TRACKERS))
def test_files_of_trackers_are_recognised(catalog: SourceCatalog, shared: Path, path: str) -> None:
    found = recognise(shared.parent / "weblogs" / path, catalog)
    assert " + ".join(found.exports) == TRACKERS[path]
