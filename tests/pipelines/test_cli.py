"""The command line: what each command prints, its exit status, and what it says to a user's mistake."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from models.contract import load_contracts
from models.documentation import tables_markdown
from pipelines import cli
from pipelines.launch import ui_command, ui_environment
from pipelines.lineage import documented_lineage
from pipelines.warehouse import Warehouse
from tests.pipelines.companies import DESK_HEADER, FIRST_ROWS, write_desk, write_lines, write_touchpoints
from tests.pipelines.nights import command, query, quick_night

Call = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]
GROUP: Any = typer.main.get_command(cli.app)
COMMANDS = sorted(GROUP.commands)
assert {"run", "inspect", "generate", "status", "releases", "rollback", "sql", "tables", "ui"} <= set(COMMANDS)
PAGE = 120


@pytest.fixture(scope="module")
def two_releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with two releases, whose exports lie beside it."""
    folder = tmp_path_factory.mktemp("cli")
    write_touchpoints(folder / "exports" / "touchpoint.csv", *FIRST_ROWS)
    quick_night([folder / "exports"], folder / "warehouse", systems=("canonical",))
    write_lines(folder / "exports" / "unknown.csv", "Wagon,Axles", "7,4")
    quick_night([folder / "exports"], folder / "warehouse", systems=("canonical",))
    return folder / "warehouse"


def assert_one_line(error: str) -> None:
    """A user's mistake is told in one line, without a traceback."""
    assert error.startswith("touchpoint360: ")
    assert "Traceback" not in error
    assert len(error.strip().splitlines()) == 1, error


# --- help --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(call: Call, name: str) -> None:
    code, out, _ = call(name, "--help")
    assert code == 0
    assert re.search(rf"^\s*Example: touchpoint360 {name}\b", out, re.MULTILINE)
    assert max(map(len, out.splitlines())) <= PAGE
    for parameter in GROUP.commands[name].params:
        if parameter.param_type_name == "option":
            assert parameter.help or parameter.name == "help", f"{name} {parameter.opts} has no help text"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_documentation(name: str) -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    assert any(f"touchpoint360 {name}" in page.read_text(encoding="utf-8") for page in pages)


def test_help_answers_without_loading_dagster_or_arrow() -> None:
    told = command("--help")
    assert told.returncode == 0
    heavy = "{'dagster', 'pyarrow', 'polars', 'duckdb'} & set(sys.modules)"
    script = f"import sys, pipelines.cli; print(sorted({heavy}))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert loaded.stdout.strip() == "[]"


# --- a night -----------------------------------------------------------------------------------------------------------


def test_a_night_of_a_company_with_its_own_system_from_the_shell(tmp_path: Path) -> None:
    write_desk(tmp_path, configuration="company: Example")
    write_lines(
        tmp_path / "exports" / "visit.csv",
        DESK_HEADER,
        "v1;anna@example.org;2026-01-05 10:00;2026-01-01 08:00;held",
        "v2;bram@example.org;someday;2026-01-01 08:00;held",
        "v3;cees@example.org;2026-01-05 11:00;2026-01-01 08:00;cancelled",
    )
    told = command("run", "--exports", "exports", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert "3 = 1 mapped + 1 quarantined + 1 skipped by rule + 0 duplicate" in told.stdout
    assert "warehouse/current" in told.stdout and "Next:" in told.stdout
    assert max(map(len, told.stdout.splitlines())) <= PAGE
    # Progress: every step with what it did and how long it took.
    ended = [line for line in told.stderr.splitlines() if re.search(r"\d+\.\d s(, about \d+ s left)?$", line)]
    starts = [line for line in told.stderr.splitlines() if "] start " in line]
    assert len(ended) == len(starts) > 60
    assert any(re.search(r"source/desk\.visit +1 new file, 3 rows, 1 quarantined", line) for line in ended)
    assert max(map(len, told.stderr.splitlines())) <= PAGE

    release = Warehouse(tmp_path / "warehouse").require_current()
    assert query(release, "select source_system, touchpoint_type, occurred_at::varchar from touchpoint") == [
        ("desk", "reception", "2026-01-05 09:00:00")
    ]
    assert query(release, "select row_number, column_name, value from quarantine") == [(2, "arrived", "someday")]
    assert (tmp_path / "warehouse" / "dagster").is_dir(), "the web UI finds this night there"


def test_the_second_of_two_nights_at_once_says_so_and_stops(call: Call, two_releases: Path) -> None:
    before = Warehouse(two_releases).require_current().release_id
    with Warehouse(two_releases).lock():
        code, out, error = call("run", "--exports", two_releases.parent / "exports", "--warehouse", two_releases)
        assert (code, out) == (1, "")
        assert_one_line(error)
        assert f"another night is running on {two_releases} (process {os.getpid()})" in error
        code, _, error = call("rollback", "--warehouse", two_releases)
        assert code == 1 and "another night is running" in error
    assert Warehouse(two_releases).require_current().release_id == before
    assert not (two_releases / "work").exists()


# --- looking at releases -----------------------------------------------------------------------------------------------


def test_status_as_text_and_as_json(call: Call, two_releases: Path) -> None:
    code, out, _ = call("status", "--warehouse", two_releases)
    assert code == 0
    assert out.startswith("Release r000002, data until 2026-01-20 09:00:00 UTC\n")
    assert "files         1 read, 1 unrecognised" in out
    assert "not used      unknown.csv: unrecognised." in out
    code, out, _ = call("status", "--warehouse", two_releases, "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["release_id"], told["touchpoints"], told["customers"]) == ("r000002", 4, 3)
    assert told["rows"] == {"mapped": 4, "quarantined": 0, "skipped": 0, "duplicate": 0}
    assert told["rows_read"] == 4
    assert told["files_by_status"] == {"read": 1, "unrecognised": 1}
    assert told["journeys_by_status"]["service"] == {"converted": 0, "exited": 0, "dropped": 0, "open": 1}


def test_releases_mark_the_current_one_and_rollback_moves_the_mark(call: Call, two_releases: Path) -> None:
    code, out, _ = call("releases", "--warehouse", two_releases)
    assert code == 0
    assert [line[:9] for line in out.splitlines()[1:]] == ["  r000001", "* r000002"]
    assert call("rollback", "--warehouse", two_releases) == (0, "current is r000001\n", "")
    _, out, _ = call("releases", "--warehouse", two_releases, "--json")
    assert [(row["release_id"], row["is_current"], row["touchpoint_count"]) for row in json.loads(out)] == [
        ("r000001", True, 4), ("r000002", False, 4),
    ]  # fmt: skip
    code, _, error = call("rollback", "--warehouse", two_releases)
    assert code == 1 and "r000001 is the oldest release kept" in error
    code, _, error = call("rollback", "--to", "r000009", "--warehouse", two_releases)
    assert code == 1 and "there are: r000001, r000002" in error
    assert_one_line(error)
    assert call("rollback", "--to", "r000002", "--warehouse", two_releases) == (0, "current is r000002\n", "")


def test_releases_of_a_new_warehouse(call: Call, tmp_path: Path) -> None:
    code, out, _ = call("releases", "--warehouse", tmp_path / "warehouse")
    assert code == 0 and "none yet" in out
    code, out, error = call("status", "--warehouse", tmp_path / "warehouse")
    assert (code, out) == (1, "")
    assert_one_line(error)
    assert "Run `touchpoint360 run" in error


# --- sql ---------------------------------------------------------------------------------------------------------------


def test_sql_as_table_and_as_json(call: Call, two_releases: Path) -> None:
    ask = "select touchpoint_type, count(*) as touchpoint_count from touchpoint group by 1 order by 1"
    code, out, _ = call("sql", ask, "--warehouse", two_releases)
    assert code == 0
    assert out.splitlines() == [
        "touchpoint_type  touchpoint_count",
        "---------------  ----------------",
        "order_placed                    1",
        "page_view                       2",
        "ticket_opened                   1",
        "(3 rows)",
    ]
    code, out, _ = call("sql", ask, "--warehouse", two_releases, "--json", "--limit", 1)
    assert (code, json.loads(out)) == (0, [{"touchpoint_type": "order_placed", "touchpoint_count": 1}])
    code, out, _ = call("sql", "from touchpoint", "--warehouse", two_releases, "--limit", 2)
    assert code == 0 and out.splitlines()[-1] == "(2 rows; more with --limit)"


@pytest.mark.parametrize("table", ["customer_360", "journey", "drop_off_point", "export_file", "release"])
def test_sql_is_no_wider_than_a_page_when_it_has_few_columns(call: Call, two_releases: Path, table: str) -> None:
    names = [column.name for column in load_contracts()[table].columns][:8]
    _, out, _ = call("sql", f"select {', '.join(names)} from {table}", "--warehouse", two_releases)
    assert max(map(len, out.splitlines())) <= PAGE


@pytest.mark.parametrize(
    "statement",
    [
        "delete from touchpoint",
        "create table mine as select 1",
        "drop table touchpoint",
        "update touchpoint set subject = 'x'",
        "from read_csv('{file}')",
        "from '{file}'",
        "copy touchpoint to '{folder}/stolen.parquet'",
        "attach '{folder}/new.duckdb'",
        "install httpfs",
        "set enable_external_access = true",
        "select * from no_such_table",
        "selec 1",
    ],
)
def test_sql_neither_writes_nor_reads_files(call: Call, two_releases: Path, tmp_path: Path, statement: str) -> None:
    file = write_lines(tmp_path / "secret.csv", "a,b", "secret,2")
    code, out, error = call("sql", statement.format(file=file, folder=tmp_path), "--warehouse", two_releases)
    assert (code, out) == (1, "")
    assert error.startswith("touchpoint360: ") and "Traceback" not in error and "secret,2" not in error
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]
    assert call("sql", "select count(*) as n from touchpoint", "--warehouse", two_releases, "--json")[1].split() == [
        "[", "{", '"n":', "4", "}", "]",
    ]  # fmt: skip


# --- inspect, generate, tables, ui -------------------------------------------------------------------------------------


def test_inspect_as_text_and_as_json(call: Call, two_releases: Path) -> None:
    exports = two_releases.parent / "exports"
    code, out, _ = call("inspect", exports)
    assert code == 0
    assert "canonical.touchpoint" in out and "unknown.csv" in out
    code, out, _ = call("inspect", exports, "--json")
    assert code == 0
    told = {Path(file["path"]).name: file for file in json.loads(out)}
    assert told.keys() == {"touchpoint.csv", "unknown.csv"}
    assert told["touchpoint.csv"]["status"] == "recognised"
    assert told["unknown.csv"]["status"] == "unrecognised"


def test_inspect_knows_the_systems_of_the_configuration(call: Call, tmp_path: Path) -> None:
    write_desk(tmp_path)
    file = write_lines(tmp_path / "visit.csv", DESK_HEADER, "v1;anna@example.org;2026-01-05 10:00;;held")
    _, out, _ = call("inspect", file, "--config", tmp_path / "touchpoint360.yaml")
    assert "desk.visit" in out


def test_generate_makes_exports_that_can_be_run(call: Call, tmp_path: Path) -> None:
    code, out, _ = call("generate", "--customers", 10, "--nights", 2, "--seed", 1, "--out", tmp_path / "demo", "--json")
    assert (code, json.loads(out)["customer_count"]) == (0, 10)
    assert sorted(path.name for path in (tmp_path / "demo" / "exports").iterdir()) == ["night_01", "night_02"]


def test_the_page_about_tables_is_current(call: Call) -> None:
    code, out, _ = call("tables")
    assert (code, out) == (0, tables_markdown(*documented_lineage()) + "\n")
    page = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert page == tables_markdown(*documented_lineage()), "run `touchpoint360 tables --out docs/tables.md`"
    for name in load_contracts():
        assert f"### {name}\n" in page


def test_the_web_ui_opens_on_the_same_instance(tmp_path: Path) -> None:
    config = write_lines(tmp_path / "touchpoint360.yaml", "company: Example")
    environment = ui_environment([tmp_path / "a", tmp_path / "b"], tmp_path / "warehouse", config)
    assert environment["TOUCHPOINT360_WAREHOUSE"] == str(tmp_path / "warehouse")
    assert environment["TOUCHPOINT360_STATE"] == str(tmp_path / "warehouse" / "dagster")
    assert environment["TOUCHPOINT360_EXPORTS"] == f"{tmp_path / 'a'}{os.pathsep}{tmp_path / 'b'}"
    assert environment["TOUCHPOINT360_CONFIG"] == str(config)
    assert (Path(environment["DAGSTER_HOME"]) / "dagster.yaml").is_file()
    assert ui_command("127.0.0.1", 3001)[-4:] == ["--host", "127.0.0.1", "--port", "3001"]


# --- mistakes ----------------------------------------------------------------------------------------------------------


def test_wrong_arguments_end_with_two(call: Call, tmp_path: Path) -> None:
    code, _, error = call("run", "--exports", tmp_path / "nowhere")
    assert code == 2
    assert_one_line(error)
    assert "nowhere does not exist" in error
    code, _, error = call("inspect", tmp_path / "nowhere.csv")
    assert code == 2 and "nowhere.csv does not exist" in error
    assert call("run")[0] == 2
    assert call("no_such_command")[0] == 2
    assert call("sql", "select 1", "--limit", 0)[0] == 2
    (tmp_path / "exports").mkdir()
    code, _, error = call("run", "--exports", tmp_path / "exports", "--as-of", "yesterday")
    assert code == 2
    assert_one_line(error)
    assert "--as-of: 'yesterday' is not a moment; write it like 2026-03-31" in error
    code, _, error = call("suggestions", "--for", "salesfors", "--out", tmp_path / "tasks.csv")
    assert code == 2 and "did you mean 'salesforce'?" in error
    code, _, error = call("sql", "select 1", "--warehouse", tmp_path / "nowhere")
    assert code == 1 and "touchpoint360 run" in error


def test_other_mistakes_end_with_one_and_a_line_that_names_the_next_step(call: Call, tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    wrong = write_lines(tmp_path / "wrong.yaml", "jorneys: {}")
    code, _, error = call("run", "--exports", tmp_path / "exports", "--config", wrong)
    assert code == 1
    assert_one_line(error)
    assert "jorneys" in error and "journeys" in error

    lost = write_lines(tmp_path / "lost.yaml", "source_folders: [nowhere]")
    code, _, error = call("run", "--exports", tmp_path / "exports", "--config", lost)
    assert code == 1
    assert_one_line(error)
    assert "nowhere" in error

    code, _, error = call("run", "--exports", tmp_path / "exports", "--config", tmp_path / "none.yaml")
    assert code == 1
    assert_one_line(error)
    assert "none.yaml" in error
    assert Warehouse(tmp_path / "warehouse").releases() == []
