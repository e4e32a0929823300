"""`touchpoint360 attribute` and `touchpoint360 suggestions`: what they print, write and refuse."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines import task_export
from pipelines.cli import app
from pipelines.commands.common import UserError

RUNNER = CliRunner()


def written(folder: Path, text: str, name: str = "paths.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_attribute_prints_models_side_by_side(tmp_path: Path) -> None:
    path = written(tmp_path, "path,conversions,value,nulls\na > b,3,30,1\nb,1,5,2\n")
    result = RUNNER.invoke(
        app, ["attribute", str(path), "--model", "first_touch", "--model", "linear", "--out", str(tmp_path / "o.csv")]
    )
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "2 different paths, 4 conversions, value 35.00, 3 nulls"
    assert lines[3].split() == ["a", "3.00", "1.50"]
    assert lines[4].split() == ["b", "1.00", "2.50"]
    rows = list(csv.DictReader((tmp_path / "o.csv").open()))
    assert [row["value"] for row in rows if row["attribution_model"] == "linear"] == ["15.0", "20.0"]


def test_attribute_reads_what_other_tools_write(tmp_path: Path) -> None:
    """Semicolons and ChannelAttribution's names; no value column; JSON for scripts."""
    path = written(tmp_path, "path;total_conversions;total_null\na>b;2;0\n")
    result = RUNNER.invoke(app, ["attribute", str(path), "--model", "markov_1", "--json"])
    found = {row["attribution_channel"]: row for row in json.loads(result.stdout)}
    assert found["a"]["conversion_credit"] == pytest.approx(1)
    assert found["b"]["removal_effect"] == pytest.approx(1)
    assert found["b"]["value"] == 0


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("route,conversions\na,1\n", [], "no column 'path'; found route, conversions"),
        ("path,conversions\na,x\n", [], "Row #2.*invalid value 'x'"),
        ("path,conversions\na,-1\n", [], "row 1: conversions is -1"),
        ("path,conversions\nb,\na,nan\n", [], "row 2: conversions is nan; it must be 0 or more"),
        ("path,conversions,value\na,1,inf\n", [], "row 1: value is inf"),
        ("", [], "empty, or its first line is"),
        ("\0\0path", [], "no text in UTF-8"),
        ("path,conversions\n", [], "no paths below the header"),
        (
            "path,conversions\na,1\n",
            ["--model", "markov_4"],
            "'markov_4' is not an attribution model; did you mean 'markov_",
        ),
    ],
)
def test_attribute_says_what_is_wrong(tmp_path: Path, text: str, arguments: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        RUNNER.invoke(app, ["attribute", str(written(tmp_path, text)), *arguments], catch_exceptions=False)


ROW = {
    **task_export.EXAMPLE, "contact_rank": 3, "contact_rule": "failed_payment", "reason": "A payment failed",
    "full_name": "Jo Example",
    "suggested_channel": "phone", "phone": "+31190000001", "email": "jo@example.org", "triggered_at": datetime(2024, 5, 1, 9, 30),
    "due_until_at": datetime(2024, 5, 15, 9, 30), "value_amount_base": 1234.5, "base_currency": "EUR", "customer_id": 77,
    "salesforce_lead": "00Q370100001545EAA",
}  # fmt: skip


def tasks(system: str, row: dict) -> dict[str, str]:
    (found,) = csv.DictReader(io.StringIO(task_export.task_csv([row], system)))
    return found


def test_task_for_each_crm() -> None:
    salesforce = tasks("salesforce", ROW)
    assert salesforce == {
        "Subject": "Call Jo Example: A payment failed",
        "ActivityDate": "2024-05-15",
        "Status": "Not Started",
        "Priority": "High",
        "TaskSubtype": "Call",
        "WhoId": "00Q370100001545EAA",
        "Description": "A payment failed (since 2024-05-01 09:30 UTC). Permitted channel: phone. Reach: +31190000001. "
        "Orders of the last year: 1,234.50 EUR. Customer 77.",
    }
    assert tasks("salesforce", {**ROW, "salesforce_contact": "003000000000001AAA"})["WhoId"] == "003000000000001AAA"
    hubspot = tasks("hubspot", {**ROW, "suggested_channel": "email", "contact_rank": 11})
    assert (hubspot["Task Type"], hubspot["Email"], hubspot["Priority"]) == ("EMAIL", "jo@example.org", "MEDIUM")
    assert (hubspot["Task Status"], hubspot["Due Date"]) == ("NOT_STARTED", "2024-05-15")
    assert list(hubspot) == [
        *("Task Title", "Task Type", "Due Date", "Priority", "Task Status", "Task Notes", "Email", "Contact Record ID"),
    ]
    dynamics = tasks("dynamics", ROW)
    # The display names of the columns of the table Task in Dataverse; a task that is to do has the activity status Open.
    assert list(dynamics) == [
        *("Subject", "Description", "Regarding", "Due Date", "Priority", "Activity Status", "Category"),
    ]
    assert dynamics["Activity Status"] == "Open"
    assert (dynamics["Regarding"], dynamics["Due Date"]) == ("Jo Example", "2024-05-15 09:30")
    assert len(tasks("dynamics", {**ROW, "reason": "x" * 3000})["Description"]) == 2000


def test_a_file_without_tasks_has_its_header_and_formulas_do_not_run() -> None:
    for system in task_export.LAYOUTS:
        assert task_export.task_csv([], system).count("\r\n") == 1
    assert tasks("dynamics", {**ROW, "full_name": '=HYPERLINK("x")'})["Regarding"] == '\'=HYPERLINK("x")'


def test_suggestions_refuses_an_unknown_crm(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no CRM with a layout of tasks; did you mean 'hubspot'"):
        RUNNER.invoke(app, ["suggestions", "--for", "hubspt"], catch_exceptions=False)
    with pytest.raises(UserError, match="--out writes tasks for a CRM"):
        RUNNER.invoke(app, ["suggestions", "--out", str(tmp_path / "x.csv")], catch_exceptions=False)
