"""How an unknown export is written: format, encoding, delimiter, quote, title and header rows, records. A proposal only.

What is found here goes into the spec that `touchpoint360 new-source` writes, with the evidence; a reader then reads with
that declared dialect and with nothing else. Does not belong here: reading files (`read.py`), what a column means
(`profile.py`, `propose.py`).

The delimiter is the one whose rows are most alike in width and whose cells are most often of a known kind: the consistency
measure of van den Burg, Nazábal and Sutton (2019), "Wrangling messy CSV files by detecting row and type patterns".
"""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from sources.archive import ReadError
from sources.opening import BROKEN_COMPRESSION, bom_encoding, open_plain, read_head
from sources.read import binary_format
from sources.read_sheet import cell_text, sheet_names, top_rows

DELIMITERS = (",", ";", "\t", "|", "~", "^", "\x1f")
# Rows looked at to tell dialect and header; the whole file is read with the result, and what does not fit is shown.
SAMPLE_ROWS = 1_000
ENCODING_BYTES = 64 << 20
DOCUMENT_BYTES = 64 << 20
# Objects with more keys than this are maps (ids as keys), not records.
MAX_FLAT_KEYS = 40
MAX_HEADER_ROWS = 3

_NUMBER = re.compile(r"[-+(]?\s*(?:[€$£%]|kr\.?|[A-Z]{3})?\s*-?\d[\d.,  ' ]*\s*(?:[€$£%]|kr\.?|[A-Z]{3})?\)?-?")
_TIME = re.compile(
    r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?:[T ,]+\d{1,2}[:.]\d{2}.*)?|\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?"
    r"|(?:\w{3,9}\.?,? )?\d{1,2}\.? ?[A-Za-zéûä]{3,10}\.?,? \d{4}.*|[A-Za-z]{3,9} \d{1,2}, \d{4}.*"
)
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|https?://\S+|\d{1,3}(?:\.\d{1,3}){3}")
_WORDS = re.compile(r"[\w#][\w .'’/()&:+#-]*[.!?%]?", re.UNICODE)
_CODE = re.compile(r"[\w-]*\d[\w-]*")
_TOTAL = re.compile(
    r"\W*(?:(?:grand|sub)?\s*total(?:s|en|er)?|totaal|i alt|gesamt(?:summe)?|summe|sum|generated|report generated|einde|"
    r"end of (?:report|file)|copyright|confidential|rows?:|record count|filtered by|gefilterd)\b.*",
    re.IGNORECASE | re.DOTALL,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Note:
    """One finding: the key it is about (dotted, as in the spec), the evidence, and whether a person should look."""

    place: str
    text: str
    is_unsure: bool = False


@dataclass(frozen=True)
class Dialect:
    """How a file is to be read: keys of `read:` in a spec, a pattern for `recognise.content`, and the evidence.

    `names`: the columns that the beginning shows, where it shows them.
    """

    read: dict[str, Any]
    notes: tuple[Note, ...] = ()
    content: str | None = None
    names: tuple[str, ...] = ()
    data_row_count: int = 0


@dataclass
class _Finding:
    read: dict[str, Any] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def note(self, place: str, text: str, is_unsure: bool = False) -> None:
        self.notes.append(Note(place, text, is_unsure))


def detect_dialect(path: Path, record: str | None = None) -> Dialect:
    """The dialect of a file, from its beginning (encoding: from all of it, up to 64 MB).

    `record`: the element or dotted path of one record, where a person knows better. Raises `ReadError` for what is no
    readable table, with the next step.
    """
    head = read_head(path)
    if not head.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise ReadError(f"{path}: is empty; give a file with some rows")
    kind = binary_format(head)
    if kind in ("parquet", "avro"):
        return Dialect({"format": kind}, (Note("read.format", f"the file begins as {kind} does"),))
    if kind is not None:
        return _sheet(path, kind)
    found = _Finding()
    encoding = _encoding(path, head, found)
    start = _text(head, encoding).lstrip("\ufeff \t\r\n")
    if start[:1] == "<":
        return _xml(path, found, record)
    if start[:1] in ("{", "["):
        return _json(path, head, encoding, start, found, record)
    return _delimited(path, head, encoding, found)


# --- encoding ----------------------------------------------------------------------------------------------------------


def _encoding(path: Path, head: bytes, found: _Finding) -> str:
    """The encoding: byte order mark, zero bytes, valid UTF-8, else the 8-bit one with most plausible letters."""
    marked = bom_encoding(head)
    if marked:
        if marked != "utf-8":
            found.read["encoding"] = marked
        found.note("read.encoding", f"the byte order mark says {marked}")
        return marked
    even, odd = head[0:4000:2].count(0), head[1:4000:2].count(0)
    if max(even, odd) > len(head[:4000]) // 8:
        name = "utf-16-le" if odd > even else "utf-16-be"
        found.read["encoding"] = name
        found.note("read.encoding", f"every second byte is zero, as in {name} without a byte order mark", True)
        return name
    bad = _invalid_utf8(path)
    if bad is None:
        return "utf-8"
    best = _eight_bit(bad)
    found.read["encoding"] = best
    found.note(
        "read.encoding",
        f"not UTF-8; of windows-1252, cp850 and mac_roman, {best} gives the most plausible letters around the "
        f"{sum(byte > 127 for byte in bad):,} bytes above 127",
        True,
    )
    return best


def _invalid_utf8(path: Path) -> bytes | None:
    """None for UTF-8; else some text around the first bytes that are not."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    seen = 0
    try:
        with open_plain(path) as stream:
            while (block := stream.read(1 << 20)) and seen < ENCODING_BYTES:
                seen += len(block)
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    lines = [line for line in block.split(b"\n") if not line.isascii()]
                    return b"\n".join(lines)[:64_000]
    except BROKEN_COMPRESSION:
        return None
    return None


def _eight_bit(sample: bytes) -> str:
    """The 8-bit encoding in which most characters above 127 are letters with letters around, or usual signs."""

    def score(name: str) -> float:
        text = sample.decode(name, "replace")
        points = 0.0
        for at, character in enumerate(text):
            if character < "\x80":
                continue
            around = text[max(0, at - 1) : at] + text[at + 1 : at + 2]
            if character in "äöüßéèêëàáâçïîñóôøåæÄÖÜÉÈØÅÆñúíõã" and any(item.isalpha() for item in around):
                # A capital within a word of small letters is a small letter in another encoding.
                points += 1 if character.islower() or not any(item.islower() for item in around[:1]) else -1
            elif character in "€–—‘’“”…£°":
                points += 0.5
            elif character == "\ufffd" or _CONTROL.match(character):
                points -= 2
            else:
                points -= 0.5
        return points

    return max(("windows-1252", "cp850", "mac_roman"), key=score)


def _text(head: bytes, encoding: str) -> str:
    return head.decode(encoding, "replace").removeprefix("\ufeff")


# --- delimited text ------------------------------------------------------------------------------------------------------


def _delimited(path: Path, head: bytes, encoding: str, found: _Finding) -> Dialect:
    found.read = {"format": "csv", **found.read}
    text = _text(head, encoding)
    if "\n" not in text:
        text = text.replace("\r", "\n")
    whole = len(head) < 256 << 10
    if not whole:
        text = text[: text.rfind("\n") + 1]
    delimiter, quote, escape, rows = _delimiter(path, text, found)
    found.read.setdefault("encoding", encoding)
    found.read["delimiter"] = delimiter
    found.read["quote"] = quote
    if escape:
        found.read["escape"] = escape
    return _header(path, found, rows, by_line=True)


def _delimiter(path: Path, text: str, found: _Finding) -> tuple[str, str, str, list[list[str]]]:
    """(delimiter, quote, escape, rows) of highest consistency."""
    lines = text.split("\n", SAMPLE_ROWS + 1)
    sample = "\n".join(lines[: SAMPLE_ROWS + 1])
    escapes = ["", "\\"] if '\\"' in sample else [""]
    quotes = ['"', ""] if '"' in sample else ['"']
    if re.search(r"(?m)(?:^|[,;\t|])'[^'\n]*'(?:[,;\t|]|\r?$)", sample) and '"' not in sample:
        quotes.append("'")
    tried: list[tuple[float, int, tuple[str, str, str], list[list[str]]]] = []
    for delimiter in DELIMITERS:
        if delimiter not in sample:
            continue
        for quote in quotes:
            for escape in escapes if quote else [""]:
                rows = _rows(sample, delimiter, quote, escape)
                if rows:
                    tried.append((consistency(rows), -len(tried), (delimiter, quote, escape), rows))
    # Rows of a table are alike: where all differ in width, their commas are those of sentences.
    tried = [item for item in tried if len(item[3]) == 1 or _most_alike(item[3]) > 1]
    tried.sort(key=lambda item: item[:2], reverse=True)
    if not tried or not tried[0][3] or max(len(row) for row in tried[0][3]) < 2:
        rows = [[line.strip()] for line in sample.splitlines() if line.strip()]
        if len(rows) > 1 and all(re.fullmatch(r"[\w .@+:/-]{1,80}", row[0]) for row in rows):
            found.note("read.delimiter", "no delimiter found: one column", True)
            return ",", '"', "", rows
        raise ReadError(
            f"{path}: no table was found in this text (no delimiter gives rows of one width); "
            "a log or a report needs a spec by hand, see docs/add-a-source.md"
        )
    best = tried[0]
    other = next((item for item in tried if item[2][0] != best[2][0]), None)
    close = other is not None and other[0] > 0.8 * best[0]
    widths = Counter(len(row) for row in best[3])
    width, count = widths.most_common(1)[0]
    found.note(
        "read.delimiter",
        f"{count:,} of {len(best[3]):,} rows looked at have {width} fields"
        + (f"; {_shown(other[2][0])} is nearly as regular" if close and other else ""),
        close,
    )
    return *best[2], best[3]


def _most_alike(rows: Sequence[Sequence[str]]) -> int:
    """How many rows have the most frequent width above one."""
    return max((count for width, count in Counter(len(row) for row in rows).items() if width > 1), default=0)


def _shown(delimiter: str) -> str:
    return {"\t": "a tab", ",": "a comma", ";": "a semicolon"}.get(delimiter, repr(delimiter))


def _rows(text: str, delimiter: str, quote: str, escape: str) -> list[list[str]]:
    """The rows of a text under one dialect; a field that never closes ends the rows."""
    if not quote:
        return [line.rstrip("\r").split(delimiter) for line in text.split("\n") if line.strip()]
    reader = csv.reader(
        text.splitlines(keepends=True), delimiter=delimiter, quotechar=quote, escapechar=escape or None, strict=False
    )
    rows = []
    try:
        for row in reader:
            if row and any(cell.strip() for cell in row):
                rows.append(row)
            if len(rows) >= SAMPLE_ROWS:
                break
    except csv.Error:
        pass
    return rows


def consistency(rows: Sequence[Sequence[str]]) -> float:
    """How much rows look like a table: pattern score times type score, both of van den Burg et al. (2019)."""
    widths = Counter(len(row) for row in rows)
    pattern = sum(count * (width - 1) / width for width, count in widths.items()) / len(widths) / len(rows)
    cells = [cell.strip() for row in rows[:200] for cell in row]
    known = sum(
        not cell
        or any(kind.fullmatch(cell) for kind in (_NUMBER, _TIME, _ADDRESS, _CODE, _WORDS))
        or (cell[:1] in "{[" and cell[-1:] in "}]")
        for cell in cells
    )
    return pattern * max(known / len(cells), 1e-10)


# --- title, header and footer rows (text and workbooks) -------------------------------------------------------------------


def _header(path: Path, found: _Finding, rows: list[list[str]], by_line: bool) -> Dialect:
    """Title rows, header rows and footer of rows of cells; names the columns where there is no header."""
    widths = Counter(len(row) for row in rows)
    width = max(widths, key=lambda item: (widths[item] * (item > 1), item))
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    first = next(
        (
            at
            for at, row in enumerate(rows)
            if (len(row) == width or not by_line) and filled[at] >= max(2, round(0.5 * max(filled[: at + 30])))
        ),
        next((at for at, row in enumerate(rows) if len(row) == width), 0),
    )
    if width == 1:
        first = 0
    if first:
        found.read["skip_rows"] = first
        found.note("read.skip_rows", f"the first {first} rows are no rows of the table (titles)", True)
    body = [row for row in rows[first:] if len(row) == width] if by_line else rows[first:]
    header, body = body[0], body[1:]
    if not _is_header(header, body):
        found.read["header_rows"] = 0
        names = column_kinds([header, *body], width)
        found.read["columns"] = names
        found.note("read.columns", "the first row looks like data: the columns are named by what is in them", True)
        return Dialect(found.read, tuple(found.notes), None, tuple(names), len(body) + 1)
    extra = _extra_headers(header, body)
    if extra:
        found.read["header_rows"] = 1 + extra
        if all(cell.strip() for cell in header) and len({cell.strip().casefold() for cell in header}) == width:
            found.read["header_row_used"] = 1
        found.note("read.header_rows", f"{extra} more rows of texts stand above columns of numbers or times", True)
        body = body[extra:]
    footer = _footer(rows)
    if footer:
        found.read["footer"] = footer
        found.note("read.footer", "the last rows are totals or remarks, no rows of the table", True)
    return Dialect(found.read, tuple(found.notes), None, tuple(cell.strip() for cell in header), len(body))


def _is_datum(cell: str) -> bool:
    cell = cell.strip()
    return bool(cell) and any(kind.fullmatch(cell) for kind in (_NUMBER, _TIME, _ADDRESS))


def _is_header(header: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether a row names columns: no data in it, or less than beneath it, and (mostly) different names."""
    cells = [cell.strip() for cell in header]
    data = sum(_is_datum(cell) for cell in cells)
    if data == 0:
        names = [cell.casefold() for cell in cells if cell]
        if not body:
            return True
        # A row of words above rows of words: names do not come again in their own columns.
        again = sum(any(row[at].strip() == cell for row in body[:200]) for at, cell in enumerate(cells) if cell)
        return bool(names) and again <= len(names) / 3
    beneath = sum(_is_datum(row[at]) for row in body[:20] for at in range(len(row))) / max(1, len(body[:20]))
    return data <= 0.2 * len(cells) and data < 0.5 * beneath


def _extra_headers(header: Sequence[str], body: Sequence[Sequence[str]]) -> int:
    """How many rows below the header are headers too (survey exports): texts above columns of numbers and times."""
    most = min(MAX_HEADER_ROWS - 1, len(body) - 1)
    for extra in range(most, 0, -1):
        above, beneath = body[:extra], body[extra:]
        typed = [
            at
            for at in range(len(header))
            if (cells := [row[at].strip() for row in beneath[:200] if at < len(row) and row[at].strip()])
            and sum(map(_is_datum, cells)) >= 0.9 * len(cells)
        ]
        if len(typed) < 2:
            continue
        broken = [sum(bool(row[at].strip()) and not _is_datum(row[at]) for at in typed) for row in above]
        marked = any('"ImportId"' in cell for cell in above[-1])
        if (marked or extra == 1) and all(count >= 0.6 * len(typed) for count in broken):
            return extra
        # A row that leaves the typed columns empty and writes in others (Response, Open-Ended Response).
        if extra == 1 and not any(above[0][at].strip() for at in typed[:-2]) and len(typed) >= 4:
            texts = [cell.strip() for cell in above[0] if cell.strip()]
            if texts and not any(map(_is_datum, texts)):
                return 1
    return 0


def _footer(rows: Sequence[Sequence[str]]) -> str | None:
    """A pattern for the rows at the end that begin with a word of a footer."""
    words = []
    for row in reversed(rows[1:]):
        first = next((cell.strip() for cell in row if cell.strip()), "")
        if not _TOTAL.fullmatch(first):
            break
        words.append(re.match(r"\W*(\w+)", first).group(1))  # type: ignore[union-attr]
    return rf"^\W*(?:{'|'.join(sorted({re.escape(word) for word in words}))})\b" if words else None


def column_kinds(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Names for the columns of a file without a header, by what is in them: `time_1`, `email_2`, `phone_3`, `word_4`."""
    names = []
    for at in range(width):
        cells = [row[at].strip() for row in rows[:200] if at < len(row) and row[at].strip()]

        def share(pattern: re.Pattern[str], values: Sequence[str] = tuple(cells)) -> float:
            return sum(bool(pattern.fullmatch(cell)) for cell in values) / len(values) if values else 0.0

        kind = "text"
        if share(re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")) > 0.8:
            kind = "email"
        elif share(re.compile(r"\+\d[\d ()-]{6,20}")) > 0.8:
            kind = "phone"
        elif share(_TIME) > 0.8:
            kind = "time"
        elif share(_NUMBER) > 0.8:
            kind = "number"
        elif not cells:
            kind = "empty"
        elif len(set(cells)) <= max(2, len(cells) / 4) and max(map(len, cells)) <= 40:
            kind = "word"
        names.append(f"{kind}_{at + 1}")
    return names


# --- workbooks -----------------------------------------------------------------------------------------------------------


def _sheet(path: Path, kind: str) -> Dialect:
    found = _Finding(read={"format": kind})
    names = sheet_names(path)
    sheet, top = top_rows(path, None)
    if not top:
        raise ReadError(f"{path}: its sheets are empty; give a file with some rows")
    if len(names) > 1:
        found.read["sheet"] = sheet
        others = ", ".join(name for name in names if name != sheet)
        found.note("read.sheet", f"the first sheet with something in it; not read: {others}", True)
    start = top[0][0]
    rows: list[list[str]] = []
    width = max(len(cells) for _, cells in top)
    for _, cells in top:
        rows.append([cell_text(cell).strip() for cell in cells] + [""] * (width - len(cells)))
    dialect = _header(path, found, rows, by_line=False)
    if "skip_rows" in dialect.read:
        # Rows of the sheet are counted, empty ones too.
        dialect.read["skip_rows"] = top[dialect.read["skip_rows"]][0] - 1
    elif start > 1:
        dialect.read["skip_rows"] = start - 1
    return dialect


# --- JSON and XML ----------------------------------------------------------------------------------------------------------


def _json(path: Path, head: bytes, encoding: str, start: str, found: _Finding, record: str | None) -> Dialect:
    lines = [line for line in start.splitlines() if line.strip()]
    whole = lines if len(head) < 256 << 10 else lines[:-1]
    objects = [item for line in whole[:SAMPLE_ROWS] if isinstance(item := _loads(line), dict)]
    if (
        start[0] == "{"
        and objects
        and len(objects) >= 0.9 * len(whole[:SAMPLE_ROWS])
        and not (len(whole) == 1 and _lists(objects[0]))
    ):
        found.read = {"format": "ndjson", **found.read}
        found.note("read.format", f"{len(objects):,} of the first {len(whole[:SAMPLE_ROWS]):,} lines are JSON objects")
    else:
        found.read = {"format": "json", **found.read}
        document = _document(path, encoding)
        if record is None and isinstance(document, dict):
            lists = _lists(document)
            if not lists:
                raise ReadError(
                    f"{path}: no list of records was found in this JSON document; name its path by --record"
                )
            record = max(lists, key=lambda name: (lists[name], -name.count(".")))
            others = ", ".join(name for name in lists if name != record)
            found.note(
                "read.record",
                f"the longest list of objects, {lists[record]:,} of them"
                + (f"; also there: {others}" if others else ""),
                bool(others),
            )
        if record:
            found.read["record"] = record
        items = document
        for name in record.split(".") if record else []:
            items = items.get(name) if isinstance(items, dict) else None
        objects = [item for item in items[:SAMPLE_ROWS] if isinstance(item, dict)] if isinstance(items, list) else []
        if not objects:
            raise ReadError(f"{path}: no records at {record or 'the top'}; name the path of the list by --record")
    _flatten(objects, found)
    names = tuple(dict.fromkeys(name for item in objects for name in item))
    return Dialect(found.read, tuple(found.notes), None, names, len(objects))


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _document(path: Path, encoding: str) -> Any:
    with open_plain(path) as stream:
        data = stream.read(DOCUMENT_BYTES + 1)
    if len(data) > DOCUMENT_BYTES:
        raise ReadError(
            f"{path}: a JSON document of more than {DOCUMENT_BYTES:,} bytes; take a smaller export to begin with, "
            "the spec then reads the large one"
        )
    document = _loads(data.decode(encoding, "replace").removeprefix("\ufeff"))
    if document is None:
        raise ReadError(f"{path}: is no complete JSON document; export it again")
    return document


def _lists(document: dict[str, Any], prefix: str = "") -> dict[str, int]:
    """Dotted paths of lists of objects in a document, with their lengths."""
    found: dict[str, int] = {}
    for name, value in document.items():
        if "." in name:
            continue
        if isinstance(value, list) and value and isinstance(value[0], dict):
            found[prefix + name] = len(value)
        elif isinstance(value, dict) and prefix.count(".") < 4:
            found.update(_lists(value, f"{prefix}{name}."))
    return found


def _flatten(objects: Sequence[dict[str, Any]], found: _Finding) -> None:
    """`read.flatten`: objects within records become columns, maps (ever new keys) stay JSON."""
    keys: dict[str, set[str]] = {}

    def look(item: dict[str, Any], prefix: str) -> None:
        for name, value in item.items():
            if isinstance(value, dict) and value:
                keys.setdefault(prefix + name, set()).update(map(str, value))
                look(value, f"{prefix}{name}.")

    for item in objects:
        look(item, "")
    if not keys:
        return
    kept = [name for name, inner in keys.items() if len(inner) > MAX_FLAT_KEYS]
    flat = [name for name in keys if not any(name == item or name.startswith(item + ".") for item in kept)]
    if flat:
        found.read["flatten"] = True if not kept else flat
        found.note("read.flatten", f"{len(flat)} nested objects become columns with dotted names")
    if kept:
        found.note("read.flatten", f"stay JSON, for they have ever new keys: {', '.join(kept)}", True)


def _xml(path: Path, found: _Finding, record: str | None) -> Dialect:
    found.read = {"format": "xml", **{key: value for key, value in found.read.items() if key != "encoding"}}
    # The parser takes the encoding from the XML declaration.
    found.notes = [note for note in found.notes if note.place != "read.encoding"]
    counts: Counter[tuple[str, ...]] = Counter()
    fields: dict[tuple[str, ...], dict[str, None]] = {}
    plain: dict[tuple[str, ...], set[str]] = {}
    has_nested: set[tuple[str, ...]] = set()
    root = ""
    for way, children, attributes, nested in _elements(path):
        root = root or way[0]
        counts[way] += 1
        if children or attributes:
            fields.setdefault(way, {}).update(dict.fromkeys(children))
            plain.setdefault(way, set()).update(set(children) - set(nested))
        if nested:
            has_nested.add(way)
    candidates = [way for way in fields if len(way) > 1 and (record is None or way[-1] == record)]
    if not candidates:
        raise ReadError(f"{path}: no element {record or 'with fields in it'} was found; name the record by --record")
    repeated = [way for way in candidates if counts[way] > 1] or candidates
    depth = min(len(way) for way in repeated)
    best = max((way for way in repeated if len(way) == depth), key=lambda way: (len(fields[way]), counts[way]))
    # A file with one order only: what repeats first is its lines, but <Orders> says what the records are.
    wrapped = next((way for way in candidates if _is_plural(way[-2], way[-1]) and len(way) <= depth + 1), None)
    best = wrapped or best
    found.read["record"] = best[-1]
    others = sorted({way[-1] for way in repeated if way != best})
    found.note(
        "read.record",
        f"<{best[-1]}> stands {counts[best]:,} times below <{best[-2]}>"
        + (f"; other elements that repeat: {', '.join(others[:8])}" if others else ""),
        bool(others),
    )
    if best in has_nested:
        found.read["flatten"] = True
        found.note("read.flatten", "elements within a record become columns with dotted names; repeated ones stay JSON")
    local = root.rsplit("}", 1)[-1]
    content = rf"<{re.escape(local)}[\s>][\s\S]*<{re.escape(best[-1])}[\s>/]"
    return Dialect(found.read, tuple(found.notes), content, tuple(fields[best]), counts[best])


def _is_plural(outer: str, inner: str) -> bool:
    """Whether an element is named as many of the other: `<Orders><Order>`, `<companies><company>`."""
    outer, inner = outer.rpartition(":")[2].casefold(), inner.rpartition(":")[2].casefold()
    return outer in {inner + "s", inner + "es", inner + "en", inner.removesuffix("y") + "ies", inner + "list"}


def _elements(path: Path, most: int = 200_000) -> Iterator[tuple[tuple[str, ...], list[str], list[str], list[str]]]:
    """The elements of an XML file as they end: (names from the root, children, attributes, children that are nested)."""
    way: list[str] = []
    inside: list[list[tuple[str, bool]]] = []
    prefixes: dict[str, str] = {}

    def name_of(tag: str) -> str:
        if not tag.startswith("{"):
            return tag
        space, _, local = tag[1:].partition("}")
        prefix = prefixes.get(space, "")
        return f"{prefix}:{local}" if prefix else local

    try:
        with open_plain(path) as stream:
            for number, (event, item) in enumerate(
                iterparse(stream, events=("start", "end", "start-ns"), forbid_dtd=False)
            ):
                if event == "start-ns":
                    prefixes.setdefault(item[1], item[0] or "")
                elif event == "start":
                    way.append(name_of(item.tag))
                    inside.append([])
                else:
                    children = inside.pop()
                    yield (
                        tuple(way),
                        [name for name, _ in children],
                        [f"@{name}" for name in item.attrib],
                        [name for name, nested in children if nested],
                    )
                    here = way.pop()
                    if inside:
                        inside[-1].append((here, bool(children or item.attrib)))
                    item.clear()
                if number > most:
                    return
    except DefusedXmlException:
        raise ReadError(f"{path}: holds XML entities, which are refused; export it without a DTD") from None
    except (ParseError, *BROKEN_COMPRESSION) as error:
        if not inside and not way:
            raise ReadError(f"{path}: is no readable XML ({error}); export it again") from None
