"""Workbooks: cells as text, sheets, headers, hidden parts, hostile ones."""

from __future__ import annotations

import datetime as dt
import gzip
import zipfile

import pytest
import xlwt

from sources.archive import ReadError
from sources.read import parse
from sources.recognise import recognise
from sources.spec import SourceCatalog
from tests.sources.core.helpers import SHARED, make_spec, read_rows, type_rows
from tests.sources.core.workbooks import sheet_xml, write_workbook

XLSX = {"format": "xlsx"}


def rows_of(tmp_path, rows, read=XLSX, **spec):
    path = write_workbook(tmp_path / "book.xlsx", {"S1": sheet_xml(rows)})
    result, found = read_rows(path, make_spec(tmp_path, read, **spec))
    return result, [{name: row[name] for name in result.columns} for row in found], [row["_line"] for row in found]


def test_what_a_cell_becomes(tmp_path):
    values = {
        "text": "Ann", "blank inside": " a  b ", "formula text": "=1+1", "plus": "+31 20 123", "zeros": "007",
        "formula": b'<c r="REF"><f>1+1</f><v>2</v></c>', "noise": 0.1 + 0.2, "whole": 12.0, "long": 9007199254740991,
        "small": 0.001, "tiny": 1e-7, "big": 1.5e16, "date": (46085, 1), "date and time": (46085.458333333336, 2),
        "second": (46085.458344907405, 2), "time": (0.5, 3), "duration": (1.5, 4), "yes": True, "no": False,
        "error": b'<c r="REF" t="e"><v>#N/A</v></c>', "nothing": None, "iso": b'<c r="REF" t="d"><v>2026-03-04T10:00:00</v></c>',
    }  # fmt: skip
    _, (row,), lines = rows_of(tmp_path, [list(values), list(values.values())])
    assert row == {
        "text": "Ann", "blank inside": " a  b ", "formula text": "=1+1", "plus": "+31 20 123", "zeros": "007",
        "formula": "2", "noise": "0.3", "whole": "12", "long": "9007199254740991",
        "small": "0.001", "tiny": "0.0000001", "big": "15000000000000000", "date": "2026-03-04",
        "date and time": "2026-03-04 11:00:00", "second": "2026-03-04 11:00:01", "time": "12:00:00",
        "duration": "36:00:00", "yes": "TRUE", "no": "FALSE", "error": None, "nothing": None, "iso": "2026-03-04 10:00:00",
    }  # fmt: skip
    assert lines == [2]


def test_title_header_and_footer_rows_blank_rows_and_filling_down(tmp_path):
    rows = [
        ["Report"], [], [None, "Order", "", "Amount"], [None, "no", "note", "EUR"], [None, 1, "a", 5], [],
        [None, None, "b", 6], [None, "Total", "in the middle", 7], [None, "Total", None, 18], ["Printed by Bo"],
    ]  # fmt: skip
    read = {**XLSX, "skip_rows": 2, "header_rows": 2, "footer": "^(Total|Printed)", "fill_down": ["Order"]}
    _, found, lines = rows_of(tmp_path, rows, read)
    names = ("column_1", "Order", "note", "Amount")
    assert found == [dict(zip(names, row, strict=True)) for row in ((None, "1", "a", "5"), (None, "1", "b", "6"))]
    assert lines == [5, 7]
    _, found, _ = rows_of(tmp_path, rows, {**read, "header_row_used": 2, "fill_down": []})
    assert set(found[0]) == {"column_1", "no", "note", "EUR"}


def test_numbers_are_read_in_the_style_of_the_spec_and_texts_are_left_alone(tmp_path):
    path = write_workbook(
        tmp_path / "b.xlsx", {"S": sheet_xml([["id", "v"], [1, 1.234], [2, "1.234,50"], [3, 1234.5]])}
    )
    spec = make_spec(tmp_path, {**XLSX, "style": "nl"}, columns={"id": {"type": "integer"}, "v": {"type": "decimal"}})
    assert [(row["id"], row["v"]) for row in type_rows(path, spec)] == [(1, 1.234), (2, 1234.5), (3, 1234.5)]


def test_which_sheet_is_read_and_hidden_columns_are(tmp_path):
    hidden = '<cols><col min="1" max="1" hidden="1"/></cols>'
    sheets = {
        "Secret": sheet_xml([["id", "at"], ["s", 1]]),
        "Empty": sheet_xml([]),
        "Data": sheet_xml([["id", "at"], ["d", 1]], hidden),
        "More": sheet_xml([["id", "at"], ["m", 1]]),
    }
    path = write_workbook(tmp_path / "b.xlsx", sheets, hidden=["Secret"])
    for sheet, want in ((None, ("Data", "d")), ("more ", ("More", "m")), ("Secret", ("Secret", "s"))):
        read = {**XLSX, "sheet": sheet} if sheet else XLSX
        spec = make_spec(tmp_path, read, recognise={"columns": ["id", "at"]})
        result, (row,) = read_rows(path, spec)
        assert (result.sheet, row["id"]) == want
        found = recognise(path, SourceCatalog({spec.name: spec}))
        assert (found.status, found.detected.sheet, found.detected.format) == ("recognised", want[0], "xlsx")
    spec = make_spec(tmp_path, {**XLSX, "sheet": "Dat"})
    with pytest.raises(ReadError, match="has no sheet 'Dat' but Secret, Empty, Data, More"):
        parse(path, spec, tmp_path / "out.parquet")


def test_a_packed_workbook_and_one_in_an_archive_are_read(tmp_path):
    path = write_workbook(tmp_path / "b.xlsx", {"S": sheet_xml([["id", "at"], ["d", 1]])})
    packed = tmp_path / "b.xlsx.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(path, "in/b.xlsx")
    spec = make_spec(tmp_path, XLSX, recognise={"columns": ["id", "at"]})
    for place in (packed, tmp_path / "a.zip!in/b.xlsx"):
        found = recognise(place, SourceCatalog({spec.name: spec}))
        assert found.status == "recognised", found.message
        assert parse(place, spec, tmp_path / "out.parquet").row_count == 1
    assert found.detected.member == "in/b.xlsx"


def test_a_workbook_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    """One cell in the last corner of a sheet: the reader would ask for 400 GB and end the process."""
    far = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">{}</row>'
    far += "</sheetData></worksheet>"
    spec = make_spec(tmp_path, XLSX)
    corner = "<c r='A1'><v>1</v></c><c  s='1'  r='XFD1048576'><v>1</v></c>"
    path = write_workbook(tmp_path / "far.xlsx", {"S": far.format(corner)})
    assert "1,048,576 rows and 16,384 columns" in recognise(path, SourceCatalog({spec.name: spec})).message
    with pytest.raises(ReadError, match="delete what stands far outside"):
        parse(path, spec, tmp_path / "out.parquet")
    # A cell that only has a format takes no room.
    path = write_workbook(
        tmp_path / "format.xlsx", {"S": far.format('<c r="A1"><v>1</v></c><c r="XFD1048576" s="1"/>')}
    )
    assert parse(path, spec, tmp_path / "out.parquet").row_count == 0
    monkeypatch.setattr("sources.read_sheet.MAX_WORKBOOK_BYTES", 1 << 20)
    path = write_workbook(tmp_path / "bomb.xlsx", {"S": far.format(" " * (4 << 20))})
    with pytest.raises(ReadError, match="unpacks to more than"):
        parse(path, spec, tmp_path / "out.parquet")


@pytest.mark.parametrize("damage", ["cut", "sheet", "xml", "document"])
def test_a_broken_workbook_is_told(tmp_path, damage):
    sheet = sheet_xml([["id", "at"], ["d", 1]])
    path = write_workbook(tmp_path / "b.xlsx", {"S": sheet[: len(sheet) // 2] if damage == "xml" else sheet})
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    if damage in ("sheet", "document"):
        with zipfile.ZipFile(path) as old:
            parts = {name: old.read(name) for name in old.namelist()}
        with zipfile.ZipFile(path, "w") as new:
            for name, content in parts.items():
                if damage == "document":
                    name = name.replace("xl/", "word/")
                if "sheet1" not in name:
                    new.writestr(name, content)
    spec = make_spec(tmp_path, XLSX, recognise={"columns": ["id", "at"]})
    found = recognise(path, SourceCatalog({spec.name: spec}))
    assert found.status == "unreadable"
    assert found.message.startswith(str(path))
    with pytest.raises(ReadError):
        parse(path, spec, tmp_path / "out.parquet")


@pytest.mark.shared
def test_an_old_workbook_gives_the_cells_of_a_new_one(tmp_path):
    book = xlwt.Workbook()
    sheet = book.add_sheet("Orders")
    day = xlwt.easyxf(num_format_str="YYYY-MM-DD")
    moment = xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM:SS")
    rows = [
        ("Order", "Ordered", "Shipped", "Amount", "Note", "Paid"),
        ("007", dt.date(2026, 3, 4), dt.datetime(2026, 3, 4, 11, 0, 1), 12.5, "Størrelse æ; =1+1", True),
        (42, dt.date(1999, 12, 31), dt.datetime(2000, 1, 1, 0, 0), -0.1, None, False),
    ]
    for number, row in enumerate(rows):
        for place, value in enumerate(row):
            style = moment if isinstance(value, dt.datetime) else day if isinstance(value, dt.date) else None
            if value is not None:
                sheet.write(number, place, value, *([style] if style else []))
    path = tmp_path / "orders.xls"
    book.save(str(path))
    _, found = read_rows(path, make_spec(tmp_path, {"format": "xls"}))
    assert [[row[name] for name in rows[0]] for row in found] == [
        ["007", "2026-03-04", "2026-03-04 11:00:01", "12.5", "Størrelse æ; =1+1", "TRUE"],
        ["42", "1999-12-31", "2000-01-01", "-0.1", None, "FALSE"],
    ]
    (tmp_path / "cut.xls").write_bytes(path.read_bytes()[:1500])
    with pytest.raises(ReadError, match=r"cut\.xls"):
        read_rows(tmp_path / "cut.xls", make_spec(tmp_path, {"format": "xls"}))


def test_the_dynamics_workbook_with_its_hidden_columns(tmp_path):
    path = SHARED / "exports" / "_format_fixtures" / "dynamics365_leads.xlsx"
    if not path.exists():
        pytest.skip("the shared data folder is not beside the checkout")
    spec = make_spec(
        tmp_path, XLSX, recognise={"columns": ["Subject", "(Do Not Modify) Lead"]}, key=["(Do Not Modify) Lead"]
    )
    found = recognise(path, SourceCatalog({spec.name: spec}))
    assert found.detected.sheet == "All Leads"
    copy = tmp_path / "copy.xlsx"
    copy.write_bytes(path.read_bytes())
    result, (row,) = read_rows(copy, spec)
    assert len(result.columns) == 15
    assert row["(Do Not Modify) Modified On"] == "2026-02-03 11:00:00"
    assert row["Last Name"] == "Østergaard"
    assert row["Business Phone"] == "+4500000003"
