"""The house: imports run one way, every module says what it is for, every command and table is documented."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("models", "sources", "pipelines", "benchmarks")
# Which rooms a room may import from.
ALLOWED = {
    "models": {"models"},
    "sources": {"sources", "models"},
    "pipelines": {"pipelines", "sources", "models", "sql"},
    "benchmarks": {"benchmarks", "pipelines", "sources", "models", "sql"},
}
MODULES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def imported_rooms(path: Path) -> set[str]:
    """First names of everything a module imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
    return found & {*ROOMS, "sql", "tests"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    assert imported_rooms(path) <= ALLOWED[room]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring, "no docstring"
    assert len(docstring.split()) >= 5


def test_dagster_stays_in_pipelines() -> None:
    for path in MODULES:
        if path.relative_to(ROOT).parts[0] in ("models", "sources"):
            assert not re.search(r"^\s*(import|from) dagster", path.read_text(encoding="utf-8"), re.MULTILINE), path


def test_sql_room_holds_only_selects() -> None:
    others = [path for path in (ROOT / "sql").rglob("*") if path.is_file() and path.suffix not in (".sql", ".pyc")]
    assert others == [ROOT / "sql" / "__init__.py"]


def test_top_level_is_the_agreed_one() -> None:
    agreed = {"pipelines", "sources", "models", "sql", "tests", "dagster.yaml", "pyproject.toml", "README.md"}
    beside = {"Makefile", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "docs", "benchmarks", "constraints.txt"}
    # logs: an empty folder that Dagster's web server makes beside dagster.yaml
    made = {"demo", "warehouse", "exports", "logs"}
    found = {
        path.name for path in ROOT.iterdir() if not path.name.startswith(".") and not path.name.endswith(".egg-info")
    }
    assert agreed <= found
    assert found <= agreed | beside | made
