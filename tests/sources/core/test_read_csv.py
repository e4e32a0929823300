"""Delimited text: every record is a row or a problem, whatever the dialect, the dirt and the block size."""

from __future__ import annotations

import csv
import gzip
import io
import random

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.read import ReadError, parse
from sources.read_csv import parse_csv
from sources.writing import ParsedWriter
from tests.sources.core.helpers import make_spec, read_rows, type_rows

CSV = {"format": "csv"}
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

cell = st.text(st.characters(codec="utf-8", exclude_characters="\r\0", exclude_categories=["Cs"]), max_size=8)


def test_rows_lines_and_empty_cells(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('id,note\n1,"two\nlines"\n\n2,""\n3,x\n', encoding="utf-8")
    _, rows = read_rows(path, make_spec(tmp_path, CSV))
    assert [(row["_row"], row["_line"], row["id"], row["note"]) for row in rows] == [
        (1, 2, "1", "two\nlines"),
        (2, 5, "2", None),
        (3, 6, "3", "x"),
    ]


@QUICK
@given(
    table=st.lists(st.tuples(cell, cell, cell), min_size=1, max_size=6),
    order=st.permutations(["id", "name", "note"]),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_column_order_delimiter_quoting_and_encoding_do_not_matter(
    tmp_path, table, order, delimiter, quoting, end, encoding
):
    def typed(columns, **dialect):
        text = io.StringIO()
        style = {"delimiter": dialect["delimiter"], "quoting": dialect["quoting"], "lineterminator": dialect["end"]}
        writer = csv.writer(text, **style)
        writer.writerow(columns)
        for number, values in enumerate(table):
            record = dict(zip(("id", "name", "note"), values, strict=True)) | {"id": f"k{number}"}
            writer.writerow([record[name] for name in columns])
        path = tmp_path / "t.csv"
        path.write_bytes(text.getvalue().encode(dialect["encoding"]))
        codec = "utf-16" if dialect["encoding"] == "utf-16" else "utf-8"
        spec = make_spec(tmp_path, {**CSV, "delimiter": dialect["delimiter"], "encoding": codec}, key=["id"])
        rows = type_rows(path, spec)
        # Lines depend on the dialect only through line breaks within cells, which all dialects have alike.
        return [{name: row[name] for name in sorted(row)} for row in rows]

    plain = typed(["id", "name", "note"], delimiter=",", quoting=csv.QUOTE_ALL, end="\n", encoding="utf-8")
    assert typed(order, delimiter=delimiter, quoting=quoting, end=end, encoding=encoding) == plain
    assert len(plain) == len(table)
    assert not any(row["problem"] for row in plain)


@QUICK
@given(seed=st.integers(0, 10_000), block=st.sampled_from([64, 300, 5_000, 1 << 20]))
def test_every_record_of_a_dirty_file_is_a_row_or_a_problem(tmp_path, seed, block):
    """Whole rows survive whatever stands between them, and every broken line is there as a problem with its text."""
    dice = random.Random(seed)
    good = 'g{n},"Ann ""A"" Berg",{n}'
    dirt = ["short", "a,b,c,d", 'x,"open,1', "b,caf\xe9,2", 'q,"a"b,3', 'y,"never closed\n', "", "  "]
    lines, whole, broken = [b"id,name,n"], [], 0
    for number in range(60):
        if dice.random() < 0.3:
            piece = dice.choice(dirt)
            broken += sum(bool(part.strip()) for part in piece.split("\n"))
            lines.append(piece.encode("latin-1"))
        else:
            whole.append((f"g{number}", 'Ann "A" Berg', str(number)))
            lines.append(good.format(n=number).encode())
    path = tmp_path / "d.csv"
    path.write_bytes(b"\n".join(lines) + (b"\n" if dice.random() < 0.5 else b""))
    spec = make_spec(tmp_path, CSV)
    out = tmp_path / "d.parquet"
    with ParsedWriter(out) as writer:
        parse_csv(path, spec, writer, block)
    rows = pq.read_table(out).to_pylist()
    kept = [(row["id"], row["name"], row["n"]) for row in rows if row["_problem"] is None]
    assert kept == whole
    assert sum(row["_problem"] is not None for row in rows) == broken
    assert [row["_row"] for row in rows] == list(range(1, len(rows) + 1))
    assert all(row["_raw"] for row in rows if row["_problem"])


def test_what_is_wrong_is_told(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'id,name\n1,ok\n2\n3,a,b\n4,caf\xe9\n5,"open\n6,ok\n7,"a"b\n')
    _, rows = read_rows(path, make_spec(tmp_path, {**CSV, "encoding": "utf-8"}))
    problems = {row["_line"]: (row["_problem"], row["_raw"]) for row in rows if row["_problem"]}
    assert set(problems) == {3, 4, 5, 6, 8}
    assert problems[3] == ("wrong number of fields: 1, the header has 2", "2")
    assert "invalid utf-8" in problems[5][0]
    assert problems[5][1] == "4,caf\\xe9"
    assert "quotes" in problems[6][0] or "never closed" in problems[6][0]
    assert [row["id"] for row in rows if not row["_problem"]] == ["1", "6"]


def test_titles_second_header_and_footer_are_no_rows(tmp_path):
    path = tmp_path / "report.csv"
    path.write_text(
        "Campaign report\nMarch 2026\nDay;Cost;\n;EUR;Comment\n2026-03-01;1,5;Total: none\n2026-03-02;2;\n"
        "Total: all;3,5;\n\nTotal: account;3,5;\n",
        encoding="utf-8",
    )
    read = {**CSV, "delimiter": ";", "skip_rows": 2, "header_rows": 2, "footer": "^Total: ", "decimal": ","}
    spec = make_spec(tmp_path, read, columns={"Day": {"type": "date"}, "Cost": {"type": "decimal"}})
    rows = type_rows(path, spec)
    assert [(row["Day"].isoformat(), row["Cost"], row["Comment"]) for row in rows] == [
        ("2026-03-01", 1.5, "Total: none"),
        ("2026-03-02", 2.0, None),
    ]
    assert [row["line_number"] for row in rows] == [5, 6]


def test_a_footer_pattern_in_the_middle_loses_no_row(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,n\nTotal,1\n2,2\nTotal,3\n", encoding="utf-8")
    _, rows = read_rows(path, make_spec(tmp_path, {**CSV, "footer": "^Total"}))
    assert [row["n"] for row in rows] == ["1", "2"]


def test_names_come_from_the_spec_where_there_is_no_header(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("1,x\n2,y\n", encoding="utf-8")
    _, rows = read_rows(path, make_spec(tmp_path, {**CSV, "header_rows": 0, "columns": ["id", "name"]}))
    assert [(row["id"], row["name"], row["_line"]) for row in rows] == [("1", "x", 1), ("2", "y", 2)]


def test_header_names_are_unique_and_spelled_as_the_spec_does(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(" E-Mail ,name,NAME,,raw,_row\na@example.org,1,2,3,4,5\n", encoding="utf-8")
    spec = make_spec(tmp_path, CSV, columns={"email": {"type": "email", "aliases": ["e-mail"]}})
    result, rows = read_rows(path, spec)
    assert result.columns == ("email", "name", "NAME_2", "column_4", "raw_", "_row_")
    assert rows[0]["email"] == "a@example.org"


def test_fill_down_runs_over_blocks_and_past_problems(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("name,item\nA,1\n,2\nbroken\n,3\nB,4\n,5\n", encoding="utf-8")
    spec = make_spec(tmp_path, {**CSV, "fill_down": ["name"]})
    out = tmp_path / "o.parquet"
    with ParsedWriter(out) as writer:
        parse_csv(path, spec, writer, 16)
    rows = pq.read_table(out).to_pylist()
    assert [(row["name"], row["item"]) for row in rows] == [
        ("A", "1"), ("A", "2"), (None, None), ("A", "3"), ("B", "4"), ("B", "5"),
    ]  # fmt: skip


@pytest.mark.parametrize(("codec", "bad"), [("windows-1252", b"\x81"), ("latin-1", None), ("utf-16-le", b"\x00\xd8")])
def test_other_encodings_are_declared_and_read(tmp_path, codec, bad):
    path = tmp_path / "a.csv"
    text = "id,name\n1,Søren\n2,café\n".encode(codec)
    if bad:
        text += "3,".encode(codec) + bad + "\n4,ok\n".encode(codec)
    path.write_bytes(text)
    _, rows = read_rows(path, make_spec(tmp_path, {**CSV, "encoding": codec}))
    assert [row["name"] for row in rows[:2]] == ["Søren", "café"]
    if bad:
        assert rows[2]["_problem"] and rows[3]["name"] == "ok"


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_other_systems(tmp_path, end):
    path = tmp_path / "a.csv"
    path.write_bytes(f"id,name{end}1,a{end}{end}2,b{end}".encode())
    _, rows = read_rows(path, make_spec(tmp_path, CSV))
    assert [(row["id"], row["name"], row["_line"]) for row in rows] == [("1", "a", 2), ("2", "b", 4)]


def test_a_compressed_file_that_breaks_off_gives_its_rows_and_one_problem(tmp_path):
    path = tmp_path / "a.csv.gz"
    dice = random.Random(1)
    packed = gzip.compress(b"id,name\n" + b"".join(b"%d,%d\n" % (n, dice.random() * 1e9) for n in range(200_000)))
    path.write_bytes(packed[: len(packed) * 2 // 3])
    spec = make_spec(tmp_path, CSV)
    # The head is read first and is whole here; a head that is not is refused.
    result, rows = read_rows(path, spec)
    assert result.compression == "gzip"
    assert result.row_count > 50_000
    assert "breaks off" in rows[-1]["_problem"]
    path.write_bytes(packed[:200])
    with pytest.raises(ReadError, match="truncated"):
        parse(path, spec, tmp_path / "o.parquet")
    assert not (tmp_path / "o.parquet").exists()


def test_a_file_that_swells_without_bound_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("sources.opening.FREE_EXPANSION_BYTES", 1 << 20)
    monkeypatch.setattr("sources.opening.MAX_EXPANSION", 10)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"id\n" + b"1\n" * 2_000_000))
    out = tmp_path / "o.parquet"
    with pytest.raises(ReadError, match="expands to more than"):
        parse(path, make_spec(tmp_path, CSV), out)
    assert [item.name for item in tmp_path.glob("*.part")] == []
    assert not out.exists()
