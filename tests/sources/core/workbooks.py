"""Workbooks made for tests, part by part, so that each oddity of a real or hostile one can be written."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
# Cell formats: 0 general, 1 date, 2 date and time, 3 time, 4 duration.
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><cellXfs count="5"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/>'
    '<xf numFmtId="21"/><xf numFmtId="46"/></cellXfs></styleSheet>'
)


def letters(number: int) -> str:
    """The name of a column, 1 is A."""
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text


def cell(reference: str, value: Any) -> str:
    """A cell: text and numbers as they are, (number, format) for dates, other XML as `bytes`."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode().replace("REF", reference)
    if isinstance(value, tuple):
        return f'<c r="{reference}" s="{value[1]}"><v>{value[0]}</v></c>'
    if isinstance(value, bool):
        return f'<c r="{reference}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, (int, float)):
        return f'<c r="{reference}"><v>{value!r}</v></c>'
    text = f"<is><t xml:space='preserve'>{escape(value)}</t></is>"
    return f'<c r="{reference}" t="inlineStr">{text}</c>'


def sheet_xml(rows: Sequence[Sequence[Any]], columns: str = "") -> str:
    """A sheet with the rows from A1 on; an empty row is left out, as Excel does."""
    body = "".join(
        f'<row r="{n}">' + "".join(cell(f"{letters(c)}{n}", value) for c, value in enumerate(row, 1)) + "</row>"
        for n, row in enumerate(rows, 1)
        if row
    )
    return f'<worksheet xmlns="{_MAIN}">{columns}<sheetData>{body}</sheetData></worksheet>'


def write_workbook(path: Path, sheets: dict[str, str], hidden: Sequence[str] = ()) -> Path:
    """An xlsx file of sheets (name: XML)."""
    names = list(sheets)
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        for n in range(1, len(names) + 1)
    )
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="r{n}" state="{"hidden" if name in hidden else "visible"}"/>'
        for n, name in enumerate(names, 1)
    )
    links = "".join(
        f'<Relationship Id="r{n}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(names) + 1)
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
            'ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
            f"{overrides}</Types>",
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
            f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships">{links}'
            f'<Relationship Id="s1" Type="{_RELATIONS}/styles" Target="styles.xml"/></Relationships>',
        )
        archive.writestr("xl/styles.xml", _STYLES)
        for n, name in enumerate(names, 1):
            archive.writestr(f"xl/worksheets/sheet{n}.xml", sheets[name])
    return path
