"""Text files as they really come: encodings, line ends, headers, escapes; and hostile ones."""

from __future__ import annotations

import gzip
import json
import random
import resource
import sys

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.archive import ReadError
from sources.read import parse
from sources.read_csv import parse_csv
from sources.recognise import drift, recognise
from sources.spec import SourceCatalog
from sources.writing import ParsedWriter
from tests.sources.core.helpers import make_spec, read_rows, type_rows

CSV = {"format": "csv"}
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def cells(path, spec):
    result, rows = read_rows(path, spec)
    return [tuple(row[name] for name in result.columns) for row in rows if not row["_problem"]], result


def test_a_byte_order_mark_decides_over_the_declared_encoding(tmp_path):
    spec = make_spec(tmp_path, {**CSV, "encoding": "windows-1252"}, recognise={"columns": ["id", "naïve"]})
    catalog = SourceCatalog({spec.name: spec})
    for encoding, detected in (
        ("windows-1252", "windows-1252"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("utf-32", "utf-32")
    ):  # fmt: skip
        path = tmp_path / "a.csv"
        path.write_bytes("id,naïve\n1,é€\n".encode(encoding))
        assert recognise(path, catalog).detected.encoding == detected
        found, result = cells(path, spec)
        assert (found, result.encoding) == ([("1", "é€")], detected)


@pytest.mark.parametrize(
    ("encoding", "bad"), [("windows-1252", b"\x81\x8d\x9d"), ("cp1253", b"\xd2"), ("ascii", b"\xe9")]
)
def test_bytes_that_an_encoding_does_not_have_cost_their_own_row(tmp_path, encoding, bad):
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,name\n1,a\n" + b"".join(b"%d,x%cx\n" % (n, byte) for n, byte in enumerate(bad, 2)) + b"9,z\n")
    found, result = cells(path, make_spec(tmp_path, {**CSV, "encoding": encoding}))
    assert found == [("1", "a"), ("9", "z")]
    assert result.problem_count == len(bad)


def test_every_byte_is_a_character_of_latin_1(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,name\n1,\x81\x9f\xe9\xff\n")
    found, _ = cells(path, make_spec(tmp_path, {**CSV, "encoding": "latin-1"}))
    assert found == [("1", "\x81\x9fé\xff")]


@pytest.mark.filterwarnings("error")
def test_a_row_with_another_width_and_bytes_that_are_no_text_is_one_problem(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,name\n1,a\n2,\xff,\n3\xfe\n4,b\r\xff\n5,c\n")
    found, result = cells(path, make_spec(tmp_path, {**CSV, "encoding": "utf-8"}))
    assert found == [("1", "a"), ("4", "b"), ("5", "c")]
    assert (result.row_count, result.problem_count) == (6, 3)


@QUICK
@given(
    ends=st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=12, max_size=12), block=st.sampled_from([40, 1 << 20])
)
def test_mixed_line_ends(tmp_path, ends, block):
    """Lines end as they like; an old end (CR) costs a row only where nothing tells it from text in a cell."""
    lines = ["id,note", *(f'{n},"q{n}"' if n % 3 else f"{n},p{n}" for n in range(11))]
    path = tmp_path / "a.csv"
    path.write_bytes("".join(line + end for line, end in zip(lines, ends, strict=True)).encode())
    out = tmp_path / "a.parquet"
    with ParsedWriter(out) as writer:
        parse_csv(path, make_spec(tmp_path, CSV), writer, block)
    rows = pq.read_table(out).to_pylist()
    assert [(row["id"], row["note"]) for row in rows if not row["_problem"]] == [
        (str(n), f"q{n}" if n % 3 else f"p{n}") for n in range(11)
    ]


@QUICK
@given(seed=st.integers(0, 10_000), block=st.sampled_from([64, 500, 1 << 20]))
def test_backslash_escapes(tmp_path, seed, block):
    dice = random.Random(seed)
    texts = [
        "".join(dice.choice(["a", "Z", " ", '"', ",", ";", "\n", "\\", "é"]) for _ in range(dice.randrange(8))) + "."
        for _ in range(30)
    ]
    body = "".join(
        f'{n},"{text.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"\n'
        for n, text in enumerate(texts)
    )
    path = tmp_path / "a.csv"
    path.write_text("id,note\n" + body, encoding="utf-8")
    out = tmp_path / "a.parquet"
    with ParsedWriter(out) as writer:
        parse_csv(path, make_spec(tmp_path, {**CSV, "escape": "\\"}), writer, block)
    rows = pq.read_table(out).to_pylist()
    assert [(row["id"], row["note"], row["_problem"]) for row in rows] == [
        (str(n), text, None) for n, text in enumerate(texts)
    ]


def test_title_header_and_footer_lines(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('Report\n"March, 2026"\nDay,,Cost\n,Campaign,EUR\n1,Total,3\n2,b,4\nTotal,,7\n\nPrinted\n')
    read = {**CSV, "skip_rows": 2, "header_rows": 2, "footer": "^(Total|Printed)"}
    found, result = cells(path, make_spec(tmp_path, read))
    assert (found, result.columns) == ([("1", "Total", "3"), ("2", "b", "4")], ("Day", "Campaign", "Cost"))
    _, result = cells(path, make_spec(tmp_path, {**read, "header_row_used": 2}))
    assert result.columns == ("column_1", "Campaign", "EUR")


def test_a_cell_that_a_spreadsheet_would_run_is_text(tmp_path):
    path = tmp_path / "a.csv"
    texts = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", '=HYPERLINK("x")']
    path.write_text("id,note\n" + "".join(f'{n},"{t.replace(chr(34), chr(34) * 2)}"\n' for n, t in enumerate(texts)))
    found, _ = cells(path, make_spec(tmp_path, CSV))
    assert [note for _, note in found] == texts


# --- hostile files ---------------------------------------------------------------------------------------------------


def peak_megabytes():
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def long_line(path, start, megabytes=160):
    with gzip.open(path, "wb", 1) as file:
        file.write(start)
        for _ in range(megabytes):
            file.write(b"x" * (1 << 20))
    return path


@pytest.mark.parametrize(
    ("read", "start"),
    [
        ({"format": "csv"}, b"id,name\n1,"),
        ({"format": "csv"}, b"id,"),
        ({"format": "csv"}, b'id,name\n1,"'),
        ({"format": "ndjson"}, b'{"id": 1}\n{"id": "'),
        ({"format": "json"}, b'[{"id": 1}, {"id": "'),
        ({"format": "xml", "record": "r"}, b"<all><r><id>1</id></r><r><id>"),
    ],
)
def test_a_line_without_end_is_refused_in_bounded_memory(tmp_path, read, start):
    path = long_line(tmp_path / "long.gz", start)
    before = peak_megabytes()
    with pytest.raises(ReadError, match=r"long\.gz.* more than|long\.gz.* longer than"):
        parse(path, make_spec(tmp_path, read), tmp_path / "out.parquet")
    assert peak_megabytes() - before < 900
    assert not list(tmp_path.glob("*.part"))


def test_a_log_line_without_end_is_one_reject_in_bounded_memory(tmp_path):
    path = long_line(tmp_path / "long.gz", b'192.0.2.7 - - [17/May/2026:23:30:00 +0000] "GET /')
    before = peak_megabytes()
    result = parse(path, make_spec(tmp_path, {"format": "log"}), tmp_path / "out.parquet")
    assert (result.row_count, result.problem_count) == (1, 1)
    assert peak_megabytes() - before < 900
    (row,) = pq.read_table(tmp_path / "out.parquet", columns=["_problem", "_raw"]).to_pylist()
    assert "a line of more than" in row["_problem"] and len(row["_raw"]) <= 1 << 20


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE all [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><all><r><id>&i;</id></r></all>"
)
OUTSIDE = (
    '<?xml version="1.0"?><!DOCTYPE all [<!ENTITY x SYSTEM "file:///etc/hostname">]><all><r><id>&x;</id></r></all>'
)


@pytest.mark.parametrize("text", [LAUGHS, OUTSIDE])
def test_entities_are_refused(tmp_path, text):
    path = tmp_path / "a.xml"
    path.write_text(text)
    result, rows = read_rows(path, make_spec(tmp_path, {"format": "xml", "record": "r"}))
    assert (result.row_count, result.problem_count) == (1, 1)
    assert "entities" in rows[0]["_problem"]


def test_a_header_of_a_million_columns_is_no_table(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(",".join(f"c{n}" for n in range(20_000)) + "\n")
    with pytest.raises(ReadError, match="20,000 columns"):
        parse(path, make_spec(tmp_path, CSV), tmp_path / "out.parquet")


def test_deep_json_is_a_problem_of_its_own_row(tmp_path):
    path = tmp_path / "a.json"
    deep = "[" * 100_000 + "]" * 100_000
    path.write_text(f'{{"id": 1}}\n{{"id": {deep}}}\n{{"id": 3}}\n')
    _, rows = read_rows(path, make_spec(tmp_path, {"format": "ndjson"}))
    assert [row["id"] for row in rows if not row["_problem"]][::2] in (["1", "3"], ["1"])
    assert len(rows) == 3
    document = tmp_path / "b.json"
    document.write_text(json.dumps([{"id": 1}])[:-1] + f', {{"id": {deep}}}]')
    _, rows = read_rows(document, make_spec(tmp_path, {"format": "json"}))
    assert rows[0]["id"] == "1"
    assert rows[-1]["_problem"]


# --- drift -----------------------------------------------------------------------------------------------------------


def test_drift_tells_missing_new_and_perhaps_renamed_columns(tmp_path):
    spec = make_spec(
        tmp_path,
        CSV,
        recognise={"columns": ["id", "note"]},
        key=["id"],
        columns={
            "at": {"type": "timestamp", "required": True, "aliases": ["When"]},
            "email_address": {"type": "email"},
            "fax": None,
            "made": {"from": ["at", "fax"]},
        },
    )
    same = drift(spec, ["fax", " WHEN", "id", "note", "email_address"])
    assert (same.text, same.new) == ("", ())
    found = drift(spec, ["id", "note", "Email-Adress", "Loyalty"])
    assert found.missing_required == ("at",)
    assert found.missing_optional == ("email_address", "fax")
    assert found.new == ("Email-Adress", "Loyalty")
    assert found.renamed_candidates == (("email_address", "Email-Adress"),)
    assert found.text == (
        "missing and required: at; missing: email_address, fax; new columns: Email-Adress, Loyalty; "
        "perhaps renamed: email_address to Email-Adress"
    )
    path = tmp_path / "a.csv"
    path.write_text("id,note,Email-Adress,Loyalty\n1,a,b,c\n")
    recognition = recognise(path, SourceCatalog({spec.name: spec}))
    assert recognition.drift == found
    # What is required and missing sends the rows to quarantine; nothing stops.
    assert [row["problem"]["column"] for row in type_rows(path, spec)] == ["at"]
