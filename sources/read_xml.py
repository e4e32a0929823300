"""XML to parsed rows: each `read.record` element is a row, its child elements are columns named as in the file.

- A child with text only is that text; where it repeats, a JSON array of texts.
- A child with attributes or children of its own is always a JSON array of objects, also when there is one:
  `{"@attribute": …, "child": …, "#text": …}`.
- The record's own attributes are columns `@name`.
- `read.parent: {item: [wp:post_id]}` gives each record those children of the element around it; the record's own win.
  `{trace: {"concept:name": case_id}}` gives them another name.
- `read.key_value` children (XES) are columns named by their key; what is nested in one is `key.inner key`.
- `read.flatten` takes a child that stands once apart into dotted names: `OrderedBy.Debtor.@code`.

Entities and external references are refused (defusedxml). A file that breaks off gives its records so far and one
problem row. Does not belong here: what an element means.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError

import pyarrow as pa
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from sources.archive import ReadError
from sources.opening import BROKEN_COMPRESSION, open_plain
from sources.spec import ExportSpec
from sources.writing import BASE_SCHEMA, ParsedWriter, column_names, flattens

# What may stand between the ends of two records.
MAX_RECORD_BYTES = 64 << 20
_BATCH_RECORDS = 2_000
_XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"


def parse_xml(path: Path, spec: ExportSpec, writer: ParsedWriter) -> None:
    """Read the file's records into the writer, a few at a time."""
    keys: list[str] = []
    batch: list[dict[str, str]] = []
    row = 1

    def flush() -> None:
        nonlocal batch, row
        if not batch:
            return
        known = set(keys)
        for record in batch:
            for key in record:
                if key not in known:
                    known.add(key)
                    keys.append(key)
        count = len(batch)
        base = [range(row, row + count), *([None] * count for _ in range(3))]
        arrays = [pa.array(values, type=field.type) for values, field in zip(base, BASE_SCHEMA, strict=True)]
        arrays += [pa.array([record.get(key) or None for record in batch], pa.string()) for key in keys]
        writer.write(pa.table(arrays, names=[*BASE_SCHEMA.names, *column_names(keys, spec)]))
        row += count
        batch = []

    problem = None
    reader = _Records(spec)
    try:
        for record in reader.read(path):
            batch.append(record)
            if len(batch) >= _BATCH_RECORDS:
                flush()
    except ParseError as error:
        problem = f"the XML is broken or ends too early: {error}"
    except BROKEN_COMPRESSION as error:
        problem = writer.broken = f"the file breaks off here ({error})"
    except DefusedXmlException as error:
        problem = f"entities and external references are not read: {type(error).__name__}"
    batch += reader.waiting()
    flush()
    if problem:
        writer.problem(row, None, None, problem)


class _Records:
    """Walks the elements and lets go of each as soon as it is not needed."""

    def __init__(self, spec: ExportSpec) -> None:
        self._record = spec.read.record or ""
        self._parent: str | None = next(iter(spec.read.parent), None)
        self._inherited = spec.read.parent.get(self._parent or "", {})
        self._key_value = spec.read.key_value
        self._flatten = spec.read.flatten
        self._prefixes = {_XML_NAMESPACE: "xml"}
        self._children: list[dict[str, str]] = []
        self._around: Element | None = None

    def read(self, path: Path) -> Iterator[dict[str, str]]:
        stack: list[Element] = []
        depth_kept = 0  # elements within a record or its parent stay until that ends
        with open_plain(path) as stream:
            metered = _Metered(stream, path)
            for event, item in iterparse(metered, events=("start", "end", "start-ns")):
                if event == "start-ns":
                    prefix, uri = item
                    self._prefixes[uri] = prefix
                    continue
                name = self._name(item.tag)
                keeps = name in (self._record, self._parent)
                if event == "start":
                    stack.append(item)
                    depth_kept += keeps
                    if name == self._parent:
                        self._around = item
                    continue
                stack.pop()
                if name == self._record:
                    record = self._columns(item)
                    if self._parent is None:
                        yield record
                    else:
                        self._children.append(record)
                if name == self._parent:
                    yield from self.waiting()
                depth_kept -= keeps
                if stack and (depth_kept == 0 or name == self._record):
                    stack[-1].remove(item)
                    metered.since_record = 0

    def waiting(self) -> list[dict[str, str]]:
        """The records of the enclosing element read so far, with its fields."""
        fields: dict[str, str] = {}
        if self._around is not None:
            all_fields = self._columns(self._around)
            fields = {new: all_fields[name] for name, new in self._inherited.items() if name in all_fields}
        records = [{**fields, **record} for record in self._children]
        self._children, self._around = [], None
        return records

    def _name(self, tag: Any) -> str:
        if not isinstance(tag, str) or not tag.startswith("{"):
            return str(tag)
        uri, _, local = tag[1:].partition("}")
        prefix = self._prefixes.get(uri, "")
        return f"{prefix}:{local}" if prefix else local

    def _columns(self, element: Element, prefix: str = "") -> dict[str, str]:
        columns = {f"{prefix}@{self._name(name)}": value for name, value in element.attrib.items()}
        named: dict[str, list[str]] = {}
        for name, children in self._by_name(element).items():
            if self._key_value is not None and name in self._key_value.element:
                for child in children:
                    self._pair(child, prefix, named)
            elif len(children) == 1 and flattens(self._flatten, prefix + name) and self._is_object(children[0]):
                columns.update(self._columns(children[0], f"{prefix}{name}."))
            else:
                values = [self._value(child) for child in children]
                plain = len(values) == 1 and isinstance(values[0], str)
                columns[prefix + name] = values[0] if plain else _as_json(values)
        for name, texts in named.items():
            columns[name] = texts[0] if len(texts) == 1 else _as_json(texts)
        own = (element.text or "").strip()
        if own:
            columns[f"{prefix}#text"] = own
        return columns

    def _pair(self, element: Element, prefix: str, named: dict[str, list[str]]) -> None:
        """Note a child that is a name and a value, and those within it."""
        assert self._key_value is not None
        key, value = element.get(self._key_value.key), element.get(self._key_value.value)
        if key is None:
            return
        if value is not None:
            named.setdefault(prefix + key, []).append(value)
        for child in element.iter():
            if child is not element and self._name(child.tag) in self._key_value.element:
                inner, text = child.get(self._key_value.key), child.get(self._key_value.value)
                if inner is not None and text is not None:
                    named.setdefault(f"{prefix}{key}.{inner}", []).append(text)

    @staticmethod
    def _is_object(element: Element) -> bool:
        return bool(len(element) or element.attrib)

    def _by_name(self, element: Element) -> dict[str, list[Element]]:
        found: dict[str, list[Element]] = {}
        for child in element:
            found.setdefault(self._name(child.tag), []).append(child)
        return found

    def _grouped(self, element: Element) -> dict[str, list[Any]]:
        """The children by name, in order: a text each, or an object where there is more to it than text."""
        return {name: [self._value(child) for child in children] for name, children in self._by_name(element).items()}

    def _value(self, element: Element) -> Any:
        text = (element.text or "").strip()
        if not len(element) and not element.attrib:
            return text
        value: dict[str, Any] = {f"@{self._name(name)}": text for name, text in element.attrib.items()}
        for name, values in self._grouped(element).items():
            value[name] = values[0] if len(values) == 1 and isinstance(values[0], str) else values
        if text:
            value["#text"] = text
        return value


def _as_json(values: list[Any]) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


class _Metered:
    """A stream that refuses to be read further when one record does not end."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream = stream
        self._path = path
        self.since_record = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.since_record += len(data)
        if self.since_record > MAX_RECORD_BYTES:
            raise ReadError(
                f"{self._path}: one record or value of more than {MAX_RECORD_BYTES:,} bytes; see read.record in the spec"
            )
        return data
