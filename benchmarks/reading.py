"""`make bench-reading`: what reading a file into parsed rows costs, beside the plainest reader of the same format.

Usage: python -m benchmarks.reading [thousands of rows, default 1000]
       python -m benchmarks.reading --large GIGABYTES [csv|ndjson]
       python -m benchmarks.reading --line GIGABYTES

The same table as CSV, as NDJSON and (a tenth of it) as xlsx; then CSV of four times the size, to show that memory stays flat.
Ours: `sources.read.parse`, with row and line numbers and every record accounted for. Beside it, in the same run: DuckDB's
reader with the declared dialect writing the same text columns to Parquet; for xlsx calamine alone, without writing. CPU is
without the start of the process and its imports.

`--large` writes one file of so many gigabytes, reads it and shows the peak memory beside that for a tenth of it; the temporary
folder must have room for the file and what is read of it.

`--line` gives each reader of text a file with a single line of so many gigabytes, which is refused, or a single reject of a log.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.measure import Cost, measured

COLUMNS = (
    "order_no", "ordered_at", "customer_no", "e_mail", "first_name", "last_name", "city", "status", "amount", "currency",
    "quantity", "note",
)  # fmt: skip
SPEC = """description: Orders made for a measurement.
feeds: lookup
recognise: {{columns: [order_no, ordered_at]}}
read: {{format: {form}}}
"""
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def rows(count: int) -> list[tuple[str, ...]]:
    """Generated orders; every tenth note has commas, quotes or a line break."""
    dice = random.Random(360)
    start = datetime(2025, 1, 1)
    made: list[tuple[str, ...]] = []
    for number in range(count):
        customer = dice.randrange(count // 5 + 1)
        note = dice.choice(("", "", "gift", "call first")) if number % 10 else 'says "soon", twice\nthen nothing'
        moment = start + timedelta(seconds=dice.randrange(31_536_000))
        cents = dice.randrange(500, 50_000)
        made.append(
            (
                f"SO{number:09d}", moment.isoformat(sep=" "), f"{customer:08d}", f"person{customer}@example.org",
                f"First{customer % 977}", f"Last{customer % 3331}", dice.choice(("Delft", "Aarhus", "Gent")),
                dice.choice(("paid", "open", "cancelled")), f"{cents / 100:.2f}", "EUR", str(cents % 7 + 1), note,
            )
        )  # fmt: skip
    return made


def write_files(folder: str, count: str) -> None:
    """The table as CSV, NDJSON and xlsx, and four times as CSV."""
    import csv

    table = rows(int(count))
    with (Path(folder) / "order.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(table)
    with (Path(folder) / "order4.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for _ in range(4):
            writer.writerows(table)
    with (Path(folder) / "order.ndjson").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in table)
    write_workbook(Path(folder) / "order.xlsx", [COLUMNS, *table[: int(count) // 10]])


def write_workbook(path: Path, table: list[tuple[str, ...]]) -> None:
    """An xlsx file of one sheet; amounts and quantities are numbers."""
    from xml.sax.saxutils import escape

    numeric = (COLUMNS.index("amount"), COLUMNS.index("quantity"))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/></Types>',
        )
        package = "http://schemas.openxmlformats.org/package/2006/relationships"
        for name, kind, target in (
            ("_rels/.rels", "officeDocument", "xl/workbook.xml"),
            ("xl/_rels/workbook.xml.rels", "worksheet", "worksheets/sheet1.xml"),
        ):
            link = f'<Relationship Id="r1" Type="{_RELATIONS}/{kind}" Target="{target}"/>'
            archive.writestr(name, f'<Relationships xmlns="{package}">{link}</Relationships>')
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets>'
            "</workbook>",
        )
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            for number, row in enumerate(table, 1):
                cells = "".join(
                    f'<c r="{chr(65 + c)}{number}"><v>{value}</v></c>'
                    if number > 1 and c in numeric
                    else f'<c r="{chr(65 + c)}{number}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
                    for c, value in enumerate(row)
                )
                sheet.write(f'<row r="{number}">{cells}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")


def start() -> None:
    """Nothing but the imports of the others."""
    import duckdb
    import python_calamine

    import sources.read

    assert duckdb and python_calamine and sources.read


def ours(path: str, form: str, count: str) -> None:
    """Our reader: the file to a parsed file."""
    from sources.read import parse
    from sources.spec import load_spec

    start()
    folder = Path(path).parent / "measured"
    folder.mkdir(exist_ok=True)
    (folder / f"{form}_order.yaml").write_text(SPEC.format(form=form), encoding="utf-8")
    result = parse(Path(path), load_spec(folder / f"{form}_order.yaml"), folder / "ours.parquet")
    assert (result.row_count, result.problem_count) == (int(count), 0), result


def theirs(path: str, form: str, count: str) -> None:
    """DuckDB with the dialect declared: the file to Parquet; calamine for a workbook: the file to Python values."""
    import duckdb
    import python_calamine

    start()
    if form == "xlsx":
        sheet = python_calamine.load_workbook(path).get_sheet_by_index(0)
        assert len(sheet.to_python()) == int(count) + 1
        return
    columns = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in COLUMNS) + "}"
    reader = (
        f"read_csv('{path}', auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', columns = {columns})"
        if form == "csv"
        else f"read_json('{path}', format = 'newline_delimited', columns = {columns})"
    )
    con = duckdb.connect(":memory:")
    out = Path(path).parent / "theirs.parquet"
    con.execute(f"copy (from {reader}) to '{out}' (format parquet, compression zstd, compression_level 1)").fetchall()
    assert con.execute(f"select count(*) from '{out}'").fetchall() == [(int(count),)]


def write_large(path: str, form: str, size: str) -> None:
    """A file of at least `size` bytes: the same rows again and again; the number of rows goes into a file beside it."""
    block = rows(100_000)
    if form == "ndjson":
        head, text = "", "".join(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in block)
    else:
        import csv
        import io

        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(block)
        head, text = ",".join(COLUMNS) + "\n", out.getvalue()
    data, written = text.encode(), 0
    with Path(path).open("wb") as file:
        file.write(head.encode())
        while file.tell() < int(size):
            file.write(data)
            written += len(block)
    Path(path + ".count").write_text(str(written), encoding="utf-8")


def large(gigabytes: float, forms: list[str]) -> None:
    """Peak memory for a large file and for a tenth of it."""
    print(f"{'':28}{'rows':>12}{'MB':>7}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}{'rows/CPU s':>12}{'MB/CPU s':>10}")
    idle = measured("benchmarks.reading:start")
    for form in forms:
        for part in (0.1, 1.0):
            with tempfile.TemporaryDirectory(prefix="bench-reading-") as name:
                path = Path(name) / f"order.{form}"
                measured("benchmarks.reading:write_large", str(path), form, str(round(gigabytes * part * 1e9)))
                count = int(Path(f"{path}.count").read_text(encoding="utf-8"))
                own = measured("benchmarks.reading:ours", str(path), form, str(count))
                print(line(f"{form}, ours", own, idle, count, path.stat().st_size / 1e6, None), flush=True)


# What stands before the line without end; and the spec's way of reading it.
_LONG_LINES = {
    "csv": ("csv", b"id,name\n1,"),
    "csv header": ("csv", b"id,"),
    "csv quoted": ("csv", b'id,name\n1,"'),
    "ndjson": ("ndjson", b'{"id": 1}\n{"id": "'),
    "json": ("json", b'[{"id": 1}, {"id": "'),
    "xml": ("{format: xml, record: r}", b"<all><r><id>1</id></r><r><id>"),
    "log": ("log", b'192.0.2.7 - - [17/May/2026:23:30:00 +0000] "GET /'),
}


def write_line(path: str, name: str, size: str) -> None:
    """A file of `size` bytes whose last line does not end."""
    piece = b"x" * (1 << 20)
    with Path(path).open("wb") as file:
        file.write(_LONG_LINES[name][1])
        while file.tell() < int(size):
            file.write(piece)


def read_line(path: str, name: str) -> None:
    """Read such a file; what is said of it goes into a file beside it."""
    from sources.archive import ReadError
    from sources.read import parse
    from sources.spec import load_spec

    form = _LONG_LINES[name][0]
    read = form if form.startswith("{") else f"{{format: {form}}}"
    folder = Path(path).parent / "measured"
    folder.mkdir(exist_ok=True)
    spec = folder / "long_line.yaml"
    spec.write_text(
        f'description: A line without end.\nfeeds: lookup\nrecognise: {{path: "*"}}\nread: {read}\n', encoding="utf-8"
    )
    try:
        result = parse(Path(path), load_spec(spec), folder / "line.parquet")
        said = f"{result.row_count} row, {result.problem_count} problem"
    except ReadError as error:
        said = str(error).partition(": ")[2] or str(error)
    Path(path + ".said").write_text(said, encoding="utf-8")


def lines(gigabytes: float) -> None:
    """What each reader does with a single line of so many gigabytes."""
    print(f"{'':14}{'MB':>7}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}  what it says")
    for name in _LONG_LINES:
        with tempfile.TemporaryDirectory(prefix="bench-reading-") as folder:
            path = Path(folder) / "long"
            write_line(str(path), name, str(round(gigabytes * 1e9)))
            cost = measured("benchmarks.reading:read_line", str(path), name)
            said = Path(f"{path}.said").read_text(encoding="utf-8")
            size = path.stat().st_size / 1e6
            print(
                f"{name:14}{size:>7.0f}{cost.cpu_seconds:>8.2f}{cost.wall_seconds:>8.2f}{cost.peak_megabytes:>9.0f}  {said}",
                flush=True,
            )


def main(arguments: list[str]) -> None:
    """Make the files, measure, print a table."""
    if arguments[:1] == ["--line"]:
        lines(float(arguments[1]))
        return
    if arguments[:1] == ["--large"]:
        large(float(arguments[1]), arguments[2:] or ["csv", "ndjson"])
        return
    count = round(float(arguments[0] if arguments else "1000") * 1000)
    print(
        f"{'':28}{'rows':>10}{'MB':>7}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}{'rows/CPU s':>12}{'MB/CPU s':>10}{'ratio':>7}"
    )
    with tempfile.TemporaryDirectory(prefix="bench-reading-") as name:
        measured("benchmarks.reading:write_files", name, str(count))
        idle = measured("benchmarks.reading:start")
        for form, file, rows_in_it in (
            ("csv", "order.csv", count),
            ("ndjson", "order.ndjson", count),
            ("xlsx", "order.xlsx", count // 10),
            ("csv", "order4.csv", 4 * count),
        ):
            path = Path(name) / file
            size = path.stat().st_size / 1e6
            plain = measured("benchmarks.reading:theirs", str(path), form, str(rows_in_it))
            own = measured("benchmarks.reading:ours", str(path), form, str(rows_in_it))
            reader = "calamine" if form == "xlsx" else "DuckDB"
            print(line(f"{file}, {reader}", plain, idle, rows_in_it, size, None))
            print(line(f"{file}, ours", own, idle, rows_in_it, size, plain))


def line(name: str, cost: Cost, idle: Cost, rows_in_it: int, size: float, plain: Cost | None) -> str:
    """One line of the table; the ratio is of CPU seconds to those of the plain reader."""
    cpu = max(cost.cpu_seconds - idle.cpu_seconds, 0.01)
    wall = max(cost.wall_seconds - idle.wall_seconds, 0.01)
    ratio = f"{cpu / max(plain.cpu_seconds - idle.cpu_seconds, 0.01):7.1f}" if plain else ""
    return (
        f"{name:28}{rows_in_it:>10,}{size:>7.0f}{cpu:>8.2f}{wall:>8.2f}{cost.peak_megabytes:>9.0f}"
        f"{rows_in_it / cpu:>12,.0f}{size / cpu:>10.1f}{ratio}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
