"""Opening a file from outside: compression undone transparently and with a limit, text turned into UTF-8 blocks.

Belongs here: bytes in, bytes out; which container a file is. Does not belong here: records, columns, specs.
"""

from __future__ import annotations

import bz2
import codecs
import io
import lzma
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import zstandard

from sources.archive import (
    FREE_EXPANSION_BYTES,
    MAX_EXPANSION,
    ReadError,
    is_there,
    open_raw,
    size_on_disk,
    split_member,
    zip_kind,
)

BLOCK_BYTES = 8 << 20
HEAD_BYTES = 256 << 10
# Of text in UTF-16 at least this share of bytes is zero, even where few characters are ASCII.
WIDE_ZERO_SHARE = 0.04

_COMPRESSIONS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}
_FOREIGN = (
    (b"PK\x05\x06", "an empty zip archive", "export again"),
    (b"%PDF", "a PDF", "export as CSV, JSON or XML instead"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it"),
    (b"\xfd7zXZ", "xz compressed", "unpack it, or compress with gzip, bz2 or zstd"),
    (b"SQLite format 3", "an SQLite database", "export its tables as CSV or Parquet"),
)
BROKEN_COMPRESSION = (EOFError, OSError, zlib.error, zstandard.ZstdError, lzma.LZMAError, zipfile.BadZipFile)


# Codec error handler: a byte that the encoding does not have stays findable, as no valid UTF-8, in its own place.
KEEP_BYTES = "sources.keep_bytes"


def _keep_bytes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    kept = "".join(chr(0xDC00 + byte) if byte >= 0x80 else "" for byte in bad)
    try:
        # Bytes below 128, or several that happen to be UTF-8 together, would look right: a byte that never is.
        kept.encode("utf-8", "surrogateescape").decode("utf-8")
        kept = "\udcff"
    except UnicodeDecodeError:
        pass
    return kept, error.end


codecs.register_error(KEEP_BYTES, _keep_bytes)


def compression_of(path: Path) -> str:
    """`gzip`, `bz2`, `zstd` or `none`, by the first bytes of the file (or of the member of an archive)."""
    with open_raw(path) as file:
        start = file.read(4)
    return next((name for magic, name in _COMPRESSIONS.items() if start.startswith(magic)), "none")


class _Unpacked(io.RawIOBase):
    """A decompressed stream that gives all it can before it fails, and refuses to expand without bound."""

    def __init__(self, path: Path, kind: str) -> None:
        self._path = path
        self._raw = open_raw(path)
        self._kind = kind
        self._limit = max(FREE_EXPANSION_BYTES, MAX_EXPANSION * size_on_disk(path))
        self._seen = 0
        self._rest = b""
        self._frame = self._start()
        self._begun = False

    def _start(self) -> Any:
        if self._kind == "gzip":
            return zlib.decompressobj(zlib.MAX_WBITS | 16)
        if self._kind == "bz2":
            return bz2.BZ2Decompressor()
        return zstandard.ZstdDecompressor().decompressobj()

    def _next(self) -> bytes:
        """The next decompressed bytes; b"" at the end. Several compressed streams one after the other are one file."""
        while True:
            packed = self._rest or self._raw.read(64 << 10)
            self._rest = b""
            if self._frame.eof:
                # What follows a complete stream is another one, or padding.
                packed = packed.lstrip(b"\0")
                if packed:
                    self._frame, self._begun = self._start(), False
            if not packed:
                if self._begun and not self._frame.eof:
                    raise EOFError("it ends before its end marker")
                return b""
            data: bytes = self._frame.decompress(packed)
            self._begun = True
            if self._frame.eof:
                self._rest = self._frame.unused_data
            if data:
                return data

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if not self._left:
            self._left = self._next()
            self._seen += len(self._left)
            if self._seen > self._limit:
                raise ReadError(
                    f"{self._path}: expands to more than {self._limit:,} bytes, {MAX_EXPANSION} times its size; "
                    "unpack it yourself if that is right"
                )
        size = min(len(view), len(self._left))
        view[:size] = self._left[:size]
        self._left = self._left[size:]
        return size

    _left: bytes = b""

    def close(self) -> None:
        self._raw.close()
        super().close()


def open_plain(path: Path) -> BinaryIO:
    """The file's bytes, uncompressed. Reading may raise one of `BROKEN_COMPRESSION`, or `ReadError` past the limit."""
    kind = compression_of(path)
    if kind == "none":
        raw = open_raw(path)
        return cast(BinaryIO, io.BufferedReader(raw, 1 << 20) if split_member(path) else raw)
    return cast(BinaryIO, io.BufferedReader(_Unpacked(path, kind), 1 << 20))


@contextmanager
def as_file(path: Path) -> Iterator[Path]:
    """An uncompressed file on disk with the same bytes, for readers that jump about: the file itself, or a copy."""
    if split_member(path) is None and compression_of(path) == "none":
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="touchpoint360-") as folder:
        copy = Path(folder) / "unpacked"
        with open_plain(path) as packed, copy.open("wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
        yield copy


def read_head(path: Path, size: int = HEAD_BYTES) -> bytes:
    """The first uncompressed bytes. Raises `ReadError` for what is no readable file, with the next step."""
    if path.is_dir():
        raise ReadError(f"{path}: is a directory; give the files in it")
    inside = split_member(path)
    if not path.exists() and not (inside and is_there(path)):
        raise ReadError(f"{path}: no such file")
    if not path.is_file() and not inside:
        raise ReadError(f"{path}: is not a regular file; give an exported file")
    kind = "zip " if inside else ""
    try:
        kind = f"{compression_of(path)} "
        with open_plain(path) as stream:
            head = stream.read(size)
    except PermissionError:
        raise ReadError(f"{path}: no permission to read it; let the user of the nightly run read it") from None
    except BROKEN_COMPRESSION as error:
        raise ReadError(
            f"{path}: broken or truncated {kind}file ({error}); copy or export it again, and wait until it is complete"
        ) from None
    if head.startswith(b"PK\x03\x04"):
        with as_file(path) as file:
            found = zip_kind(file)
        if found is None:
            raise ReadError(f"{path}: broken or truncated zip archive or workbook; copy or export it again")
        if found == "archive":
            raise ReadError(f"{path}: is a zip archive; its files are read one by one, give them or unpack it")
        if found != "xlsx":
            raise ReadError(f"{path}: is a document, no workbook; save its sheet as xlsx or CSV (UTF-8)")
    for magic, what, advice in _FOREIGN:
        if head.startswith(magic):
            raise ReadError(f"{path}: is {what}; {advice}")
    return head


def bom_encoding(head: bytes) -> str | None:
    """The encoding that a byte order mark names, if there is one.

    In UTF-16 and UTF-32 delimiters, digits and line ends bring zeros: without them the first bytes are broken text and no mark,
    and one such line in front must not harm the lines after it.
    """
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            has_zeros = head.count(0) >= WIDE_ZERO_SHARE * len(head)
            return name if name == "utf-8" or has_zeros or head == mark else None
    return None


def encoding_of(head: bytes, declared: str) -> str:
    """The encoding of a text file: what its byte order mark says, else what the spec declares."""
    return bom_encoding(head) or declared


def is_utf8(encoding: str) -> bool:
    """Whether a codec name means UTF-8, in any of its spellings."""
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")


def text_blocks(path: Path, encoding: str, size: int = BLOCK_BYTES) -> Iterator[tuple[bytes, bool, str | None]]:
    """The file as blocks of UTF-8 bytes: (block, is it the last, what broke off the file or None).

    Blocks end anywhere. A byte that the declared encoding does not know stays as it is, so that it is found as invalid
    UTF-8 in its own record and harms no other. A byte order mark decides over the declared encoding and is removed. The
    last block is never small, so that a footer lies in it as a whole.
    """
    broken = None
    first = True
    with open_plain(path) as stream:

        def read() -> bytes:
            nonlocal broken
            if broken:
                return b""
            parts, missing = [], size
            try:
                while missing and (part := stream.read1(missing)):  # type: ignore[attr-defined]
                    parts.append(part)
                    missing -= len(part)
            except BROKEN_COMPRESSION as error:
                broken = f"the file breaks off here ({error})"
            return b"".join(parts)

        block = read()
        encoding = encoding_of(block[:HEAD_BYTES], encoding)
        decoder = None if is_utf8(encoding) else codecs.getincrementaldecoder(encoding)(KEEP_BYTES)
        while True:
            following = read()
            if following and len(following) < size:  # the end is near: one larger last block
                block, following = block + following, b""
            last = not following
            data = block
            if decoder is not None:
                data = decoder.decode(block, last).encode("utf-8", "surrogateescape")
            if first:
                data = data.removeprefix(codecs.BOM_UTF8)
                first = False
            yield data, last, broken if last else None
            if last:
                return
            block = following
