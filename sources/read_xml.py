"""XML to parsed rows: each `read.record` element is a row, its child elements are columns named as in the file.

- A child with text only is that text; where it repeats, a JSON array of texts.
- A child with attributes or children of its own is always a JSON array of objects, also when there is one:
  `{"@attribute": …, "child": …, "#text": …}`.
- The record's own attributes are columns `@name`.
- `read.parent: {item: [wp:post_id]}` gives each record those children of the element around it; the record's own win.

Entities and external references are refused (defusedxml). A file that breaks off gives its records so far and one
problem row. Does not belong here: what an element means.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import pyarrow as pa
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from sources.opening import BROKEN_COMPRESSION, open_plain
from sources.spec import ExportSpec
from sources.writing import BASE_SCHEMA, ParsedWriter, column_names

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
        problem = f"the file breaks off here ({error})"
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
        self._inherited = spec.read.parent.get(self._parent or "", ())
        self._prefixes = {_XML_NAMESPACE: "xml"}
        self._children: list[dict[str, str]] = []
        self._around: Element | None = None

    def read(self, path: Path) -> Iterator[dict[str, str]]:
        stack: list[Element] = []
        depth_kept = 0  # elements within a record or its parent stay until that ends
        with open_plain(path) as stream:
            for event, item in iterparse(stream, events=("start", "end", "start-ns")):
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

    def waiting(self) -> list[dict[str, str]]:
        """The records of the enclosing element read so far, with its fields."""
        fields: dict[str, str] = {}
        if self._around is not None:
            all_fields = self._columns(self._around)
            fields = {name: all_fields[name] for name in self._inherited if name in all_fields}
        records = [{**fields, **record} for record in self._children]
        self._children, self._around = [], None
        return records

    def _name(self, tag: Any) -> str:
        if not isinstance(tag, str) or not tag.startswith("{"):
            return str(tag)
        uri, _, local = tag[1:].partition("}")
        prefix = self._prefixes.get(uri, "")
        return f"{prefix}:{local}" if prefix else local

    def _columns(self, element: Element) -> dict[str, str]:
        columns = {f"@{self._name(name)}": value for name, value in element.attrib.items()}
        for name, values in self._grouped(element).items():
            if len(values) == 1 and isinstance(values[0], str):
                columns[name] = values[0]
            else:
                columns[name] = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
        own = (element.text or "").strip()
        if own:
            columns["#text"] = own
        return columns

    def _grouped(self, element: Element) -> dict[str, list[Any]]:
        """The children by name, in order: a text each, or an object where there is more to it than text."""
        grouped: dict[str, list[Any]] = {}
        for child in element:
            grouped.setdefault(self._name(child.tag), []).append(self._value(child))
        return grouped

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
