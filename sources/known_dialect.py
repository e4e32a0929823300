"""How a file of a known export is written: the parts of the dialect that its spec leaves open, found before it is read.

A spec may fix `encoding`, `delimiter`, `quote` and `escape`; what it does not say is settled here, from the content, and
recorded per file. The reader then reads with that dialect and no other, behind its gate on the width of every record.

- Encoding: byte order mark; zero bytes in every second (fourth) place; UTF-8 where more of the bytes above 127 are UTF-8
  than not; else, for delimited text, Windows-1252, which has all printable characters of Latin-1 (JSON and logs are UTF-8
  by their own rules). All of the file is looked at where its beginning is plain ASCII. Any other encoding has to be declared.
- Delimiter: the sign that makes the header the spec's header; where two do, or there is no header, the one that gives
  most records the right number of fields. A first line `sep=;` says it, and is no row.
- Quote: `"`, or `'` where that makes the header the spec's or whole columns stand in it.
- Escape: a backslash where that makes more records right than doubled quotes do.

Does not belong here: an unknown export (`dialect.py`), reading rows, what a column means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sources.opening import BROKEN_COMPRESSION, bom_encoding, open_plain
from sources.read_csv import read_header, records
from sources.spec import BINARY_FORMATS, ExportSpec, Read

# Tried in this order; after them every other sign that stands between the first words of the file.
DELIMITERS = (",", ";", "\t", "|")
# Enough text to tell a dialect by.
SAMPLE_CHARACTERS = 64 << 10
SAMPLE_RECORDS = 200
# So many characters of UTF-8 are no accident, nor so many bytes that are none.
_CERTAIN = 100
_BLOCK = 4 << 20
_SEPARATOR_LINE = re.compile(r"\A\ufeff?\"?sep=(.)\"?\r?(?:\n|\Z)", re.IGNORECASE)
_RARE = re.compile(r"[\x01-\x08\x1c-\x1f!#$%&*+/:^~]")


@dataclass(frozen=True)
class _Bytes:
    """What all of a file says about its encoding and its escapes."""

    encoding: str
    escape_sample: bytes = b""


def zero_encoding(head: bytes) -> str | None:
    """UTF-16 or UTF-32 without a byte order mark: in mostly western text most characters have the same zero bytes."""
    start = head[: 4000 & ~3]
    if len(start) < 4:
        return None
    zeros = [start[place::4].count(0) / (len(start) // 4) for place in range(4)]
    for pattern, name in (
        ((0, 1, 1, 1), "utf-32-le"),
        ((1, 1, 1, 0), "utf-32-be"),
        ((0, 1, 0, 1), "utf-16-le"),
        ((1, 0, 1, 0), "utf-16-be"),
    ):
        if all(share > 0.7 if zero else share < 0.1 for share, zero in zip(zeros, pattern, strict=True)):
            return name
    return None


def head_encoding(head: bytes, kind: str = "csv") -> str:
    """The encoding that the beginning of a text file of some format shows."""
    found = bom_encoding(head) or zero_encoding(head)
    if found or kind != "csv":
        return found or "utf-8"
    good, bad = _counts(head)
    # The last character may be cut.
    return "windows-1252" if bad > good and bad > (len(head) >= _BLOCK) else "utf-8"


def _counts(block: bytes) -> tuple[int, int]:
    """(characters of more than one byte that are UTF-8, bytes above 127 that are part of none)."""
    if block.isascii():
        return 0, 0
    text = block.decode("utf-8", "surrogateescape")
    high = [character for character in text if character > "\x7f"]
    bad = sum("\udc80" <= character <= "\udcff" for character in high)
    return len(high) - bad, bad


def _look_through(path: Path, head: bytes, wants_escape: bool) -> _Bytes:
    """Read on until the encoding is certain and, where wanted, a backslash before a quote has been seen."""
    marked = bom_encoding(head) or zero_encoding(head)
    if marked not in (None, "utf-8"):
        return _Bytes(str(marked))
    good = bad = 0
    sample = b""
    carry = b""
    try:
        with open_plain(path) as stream:
            while block := stream.read(_BLOCK):
                block = carry + block
                cut = _cut_character(block)
                block, carry = block[:cut], block[cut:]
                if good < _CERTAIN and bad < _CERTAIN:
                    more = _counts(block)
                    good, bad = good + more[0], bad + more[1]
                if wants_escape and not sample and (at := block.find(b'\\"')) >= 0:
                    begin = block.rfind(b"\n", 0, at) + 1
                    sample = block[begin : begin + SAMPLE_CHARACTERS]
                    sample = sample[: sample.rfind(b"\n") + 1] or sample
                if (good >= _CERTAIN or bad >= _CERTAIN) and (sample or not wants_escape):
                    break
    except BROKEN_COMPRESSION:
        pass
    bad += len(carry)
    return _Bytes("windows-1252" if bad > good else "utf-8", sample)


def _cut_character(block: bytes) -> int:
    """Where to cut a block so that no UTF-8 character is divided."""
    for back in range(1, min(4, len(block)) + 1):
        byte = block[-back]
        if byte < 0x80:
            return len(block)
        if byte >= 0xC0:
            wanted = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(block) - back if wanted > back else len(block)
    return len(block)


def settled(path: Path, head: bytes, spec: ExportSpec, kind: str) -> ExportSpec:
    """The spec with everything about the dialect said: what it declares, and for the rest what the file shows."""
    if kind in BINARY_FORMATS or kind == "xml":
        return spec
    read = spec.read
    opened = read.open_keys
    wants_escape = kind == "csv" and "escape" in opened and '"' in (read.quote, "") and b'"' in head
    if kind != "csv":
        seen = _Bytes(head_encoding(head, kind))
    elif "encoding" in opened or wants_escape:
        seen = _look_through(path, head, wants_escape)
    else:
        seen = _Bytes(read.encoding)
    if "encoding" in opened:
        read = read.model_copy(update={"encoding": seen.encoding})
    if kind == "csv":
        text = head.decode(bom_encoding(head) or read.encoding, "replace").removeprefix("\ufeff")
        more = seen.escape_sample.decode(read.encoding, "replace")
        read = csv_dialect(text, read, opened, spec_fit(spec), bool(spec.recognise.columns), more)
    return spec.model_copy(update={"read": read})


def spec_fit(spec: ExportSpec) -> Callable[[Sequence[str]], int]:
    """How many of the columns that a spec asks for a header has, by any of their spellings."""
    wanted = {name.casefold() for name in spec.recognise.columns}

    def fit(names: Sequence[str]) -> int:
        have = {spec.spellings.get(name.strip().casefold(), name.strip()).casefold() for name in names}
        return len(wanted & have)

    return fit


def csv_dialect(
    text: str,
    read: Read,
    opened: frozenset[str],
    fit: Callable[[Sequence[str]], int],
    asks: bool = True,
    more: str = "",
) -> Read:
    """`read` with delimiter, quote and escape settled by the beginning of the file and the number of columns that fit.

    `asks`: whether the spec asks for columns at all. `more`: further lines, from where a backslash first stands before a quote.
    """
    if not opened & {"delimiter", "quote", "escape"}:
        return read
    if "\n" not in text:
        text = text.replace("\r", "\n")
    said = _SEPARATOR_LINE.match(text)
    if said and "delimiter" in opened and not read.skip_rows:
        read = read.model_copy(update={"delimiter": said[1], "skip_rows": 1})
        opened = opened - {"delimiter"}
    sample = text[:SAMPLE_CHARACTERS]
    if len(text) > len(sample):
        sample = sample[: sample.rfind("\n") + 1] or sample
    fitting = [
        (fit(header_names(sample, candidate) or []), candidate) for candidate in _candidates(sample, read, opened)
    ]
    most = max((found for found, _ in fitting), default=0)
    best = [candidate for found, candidate in fitting if found == most] or [read]
    # Records are looked at only where that may decide: not for a spec that has nothing in common with the file.
    if len(best) > 1 and (most or not asks):
        best.sort(key=lambda candidate: -_right_share(sample, candidate, header_names(sample, candidate)))
    chosen = best[0]
    if "escape" in opened and chosen.quote:
        other = chosen.model_copy(update={"escape": "\\"})
        tried = (more or sample) if '\\"' in (more or sample) else ""
        width = _width(sample, chosen)
        if tried and _right_count(tried, other, width) > _right_count(tried, chosen, width):
            chosen = other
    return chosen


def _candidates(sample: str, read: Read, opened: frozenset[str]) -> Iterator[Read]:
    """The dialects worth trying, the likeliest first."""
    start = "".join(sample.splitlines(keepends=True)[: read.skip_rows + max(1, read.header_rows)])
    delimiters = [read.delimiter]
    if "delimiter" in opened:
        delimiters = [sign for sign in DELIMITERS if sign in start] or [read.delimiter]
        if read.delimiter in delimiters:
            delimiters.sort(key=lambda sign: sign != read.delimiter)
        delimiters += [sign for sign in dict.fromkeys(_RARE.findall(start)) if sign not in delimiters]
    quotes = [read.quote]
    if "quote" in opened and "'" in sample:
        quotes.append("'")
    for quote in quotes:
        for delimiter in delimiters:
            candidate = read.model_copy(update={"delimiter": delimiter, "quote": quote})
            if quote == "'" != read.quote and not _stands_in_quotes(sample, candidate):
                continue
            yield candidate


def _stands_in_quotes(sample: str, read: Read) -> bool:
    """Whether apostrophes enclose all that is in some column (or the header), so that they are no part of the texts."""
    if '"' in sample:
        return False
    plain = read.model_copy(update={"quote": ""})
    rows = [line.split(plain.delimiter) for line in sample.splitlines()[:SAMPLE_RECORDS] if line.strip()]
    body = rows[read.skip_rows + read.header_rows :] or rows

    def enclosed(cell: str) -> bool:
        return len(cell) > 1 and cell[0] == cell[-1] == "'"

    header = rows[read.skip_rows] if len(rows) > read.skip_rows else []
    if header and all(map(enclosed, header)):
        return True
    for at in range(max(map(len, body), default=0)):
        cells = [row[at] for row in body if at < len(row) and row[at]]
        if cells and all(map(enclosed, cells)):
            return True
    return False


def header_names(sample: str, read: Read) -> Sequence[str] | None:
    """The names that the header has under a dialect; None where the text is too short for one."""
    if not read.header_rows:
        return read.columns
    rows = (read.header_rows, read.header_row_used, read.skip_rows)
    return _header_names(sample, read.delimiter, read.quote, read.escape, *rows)


@lru_cache(maxsize=64)
def _header_names(
    sample: str, delimiter: str, quote: str, escape: str, header_rows: int, header_row_used: int | None, skip_rows: int
) -> Sequence[str] | None:
    # Many specs ask for the header of one file in the same dialect.
    read = Read(format=("csv",), delimiter=delimiter, quote=quote, escape=escape, header_rows=header_rows,
                header_row_used=header_row_used, skip_rows=skip_rows)  # fmt: skip
    header = read_header(sample.encode("utf-8", "surrogateescape"), read, True)
    return tuple(header[0]) if header else None


def _width(sample: str, read: Read) -> int:
    return len(header_names(sample, read) or ())


def _right_share(sample: str, read: Read, names: Sequence[str] | None) -> float:
    """The share of the first records that are as wide as the header; 0 where a header of one name says nothing."""
    if not names:
        return 0.0
    found = _body(sample, read)
    if found is None:
        return 0.0
    right = total = 0
    for item in records(found, read, 1, True):
        if isinstance(item, bytes) or total >= SAMPLE_RECORDS:
            break
        total += 1
        right += item.problem is None and len(item.fields) == len(names)
    share = right / total if total else 1.0
    return share if len(names) > 1 else share * 0.01


def _right_count(sample: str, read: Read, width: int) -> int:
    """Records of the right width without a problem, less those with one."""
    points = 0
    for item in records(sample.encode("utf-8", "surrogateescape"), read, 1, True):
        if not isinstance(item, bytes):
            points += 1 if item.problem is None and len(item.fields) == width else -1
    return points


def _body(sample: str, read: Read) -> bytes | None:
    data = sample.encode("utf-8", "surrogateescape")
    if not read.header_rows:
        return data.split(b"\n", read.skip_rows)[-1]
    header = read_header(data, read, True)
    return header[2] if header else None
