"""All real exports: each cell is the one that another reader finds, and each row becomes something or is told why not.

The other readers are Python's own `csv`, `json` and `xml`, with the dialect that a person sees in the file. What a cell means is
tested with its system.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sources.read import parse
from sources.recognise import recognise
from sources.spec import SourceCatalog
from tests.sources.systems.conftest import map_file
from tests.sources.systems.test_recognition import KNOWN

pytestmark = pytest.mark.shared

CSV_FILES = sorted(path for path in KNOWN if path.endswith(".csv"))
JSON_FILES = sorted(path for path in KNOWN if path.endswith(".jsonl"))
# Lines above the header and below the rows; rows of the header; what is neither a comma nor UTF-8.
TITLES = {"google_ads_ui_campaign_report.csv": 2, "google_ads_ui_campaign_report_excel.csv": 2}
HEADERS = {"surveymonkey_responses.csv": 2, "sample.csv": 3, "sample_legacy.csv": 2}
DIALECTS = {"google_ads_ui_campaign_report_excel.csv": ("utf-16", "\t"), "brevo_contacts.csv": ("utf-8-sig", ";")}
# Rows that nothing can be made of, by the file: the column that says so (their systems' tests say which and why).
PROBLEMS = {
    "marketo_activity_merge_leads_data.csv": {"merge_ids"},
    "sap_bsad_bck_data.csv": {"kunnr"},
    "twilio_call_data.csv": {"start_time"},
}


def other_reader(path: Path) -> list[list[str]]:
    """The records of a CSV file as Python's reader finds them, header included, titles not."""
    encoding, delimiter = DIALECTS.get(path.name, ("utf-8-sig", ","))
    text = path.read_bytes().decode(encoding)
    for _ in range(TITLES.get(path.name, 0)):
        text = text.split("\n", 1)[1]
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if row]


def parsed(path: Path, name: str, catalog: SourceCatalog, folder: Path) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    out = folder / "parsed.parquet"
    result = parse(path, catalog.exports[name], out)
    return result.columns, pq.read_table(out).to_pylist()


@pytest.mark.parametrize("path", CSV_FILES)
def test_every_cell_is_what_another_reader_finds(
    catalog: SourceCatalog, shared: Path, tmp_path: Path, path: str
) -> None:
    table = other_reader(shared / path)
    header = table[: HEADERS.get(Path(path).name, 1)]
    expected = table[len(header) :]
    for name in KNOWN[path].split(" + "):
        columns, rows = parsed(shared / path, name, catalog, tmp_path)
        assert not [row["_problem"] for row in rows if row["_problem"]]
        assert [row["_row"] for row in rows] == list(range(1, len(expected) + 1))
        filled = set(catalog.exports[name].read.fill_down)
        for row, wanted in zip(rows, expected, strict=True):
            for column, text in zip(columns, wanted, strict=True):
                # What a continuation row leaves empty stands in the row above.
                if not (column in filled and not text):
                    assert (row[column] or "") == text, f"{path}, row {row['_row']}, {column}"


@pytest.mark.parametrize("path", JSON_FILES)
def test_every_value_is_what_another_reader_finds(
    catalog: SourceCatalog, shared: Path, tmp_path: Path, path: str
) -> None:
    expected = [json.loads(line) for line in (shared / path).read_text(encoding="utf-8").splitlines() if line.strip()]
    [name] = KNOWN[path].split(" + ")
    _, rows = parsed(shared / path, name, catalog, tmp_path)
    for found, wanted in zip(rows, expected, strict=True):
        for key, value in wanted.items():
            if key not in found:
                continue  # taken apart (read.flatten), or spelled otherwise
            if isinstance(value, dict | list):
                assert json.loads(found[key]) == value
            elif value is None or value == "":
                assert found[key] is None
            else:
                assert found[key] == (json.dumps(value) if not isinstance(value, str) else value)


@pytest.mark.parametrize("path", sorted(KNOWN))
def test_every_row_is_accounted_for(catalog: SourceCatalog, shared: Path, tmp_path: Path, path: str) -> None:
    for name in recognise(shared / path, catalog).exports:
        mapped = map_file(catalog, name, shared / path, tmp_path)
        assert mapped.row_count > 0
        if catalog.exports[name].feeds != "lookup":
            assert mapped.balances(), name
        assert {problem["column"] for problem in mapped.problems} <= PROBLEMS.get(Path(path).name, set()), name
