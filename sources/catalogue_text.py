"""The catalogue of sources in words: the list of systems, and one system or export explained.

Belongs here: text and plain values about specs. Does not belong here: reading files, recognising them.
"""

from __future__ import annotations

import textwrap
from typing import Any

from models.naming import nearest
from sources.spec import ExportSpec, SkipRule, SourceCatalog, SpecError

WIDTH = 110


def catalogue_rows(catalog: SourceCatalog) -> list[dict[str, Any]]:
    """One plain record per export: name, label, kind, formats, table it feeds, description."""
    return [
        {
            "export": spec.name,
            "system": spec.label or spec.system,
            "kind": spec.kind,
            "formats": list(spec.read.format),
            "feeds": spec.feeds,
            "description": spec.description,
        }
        for spec in catalog.exports.values()
    ]


def catalogue_text(catalog: SourceCatalog) -> str:
    """All systems with their exports, a line each."""
    lines: list[str] = []
    system = ""
    for spec in catalog.exports.values():
        if spec.system != system:
            system = spec.system
            title = " ".join(part for part in (spec.label or system, f"({spec.kind})" if spec.kind else "") if part)
            lines.append(f"{system}: {title}" if title != system else system)
        text = f"  {spec.export:<28} {'/'.join(spec.read.format):<20} {spec.feeds:<16} {spec.description}"
        lines.append(text if len(text) <= WIDTH else text[: WIDTH - 1] + "…")
    lines.append(f"{len(catalog.exports)} exports of {len({s.system for s in catalog.exports.values()})} systems")
    return "\n".join(lines)


def find_exports(catalog: SourceCatalog, name: str) -> list[ExportSpec]:
    """The export called `name`, or all exports of the system called so; SpecError names the nearest when there is none."""
    if name in catalog.exports:
        return [catalog.exports[name]]
    found = [spec for spec in catalog.exports.values() if spec.system == name]
    if not found:
        known = [*catalog.exports, *{spec.system for spec in catalog.exports.values()}]
        raise SpecError(f"no source is called {name!r}{nearest(name, known)} `touchpoint360 sources` lists them all.")
    return found


def _row_text(spec: ExportSpec) -> str:
    """What makes a row one thing."""
    if not spec.key:
        return "its content, each occurrence counts" if spec.repeats else "its content"
    return ", ".join(spec.key) + ("; without, its content" if spec.without_key == "content" else "")


def export_text(spec: ExportSpec) -> str:
    """One export explained: how it is recognised and read, what a row is, what is left out and why."""
    recognise = [
        f"columns {', '.join(spec.recognise.columns)}" if spec.recognise.columns else "",
        f"content /{spec.recognise.content}/" if spec.recognise.content else "",
        f"file name {spec.recognise.path}" if spec.recognise.path else "",
    ]
    required = [name for name, column in spec.columns.items() if column.required]
    facts = [
        ("recognised by", "; ".join(part for part in recognise if part)),
        ("read as", f"{', '.join(spec.read.format)}, {spec.read.encoding}, times in {spec.time_zone}"),
        ("feeds", spec.feeds),
        ("a row is", _row_text(spec)),
        ("newest by", ", ".join(spec.version)),
        ("must have", ", ".join(required)),
        ("typed columns", ", ".join(f"{name} ({column.type})" for name, column in spec.columns.items())),
        ("looks up", ", ".join(f"{name} by {column}" for name, column in spec.lookups.items())),
        *((f"skips {rule.rule or 'by rule'}", skip_text(rule)) for rule in spec.skip),
    ]
    lines = [spec.name, *textwrap.wrap(spec.description, WIDTH, initial_indent="  ", subsequent_indent="  ")]
    for label, text in facts:
        if text:
            indent = f"  {label:<15} "
            lines.extend(textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent)))
    return "\n".join(lines)


def skip_text(rule: SkipRule) -> str:
    """Why rows are left out, and by what condition or expression."""
    condition = rule.when or rule.rule_by or ""
    return f"{rule.because} ({' '.join(condition.split())})"
