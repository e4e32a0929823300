"""Elements of HTML and SVG as escaped text, as short as HTML allows: a report is tens of thousands of them.

Does not belong here: what a chart looks like (`charts.py`, `sankey.py`, `tree.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from markupsafe import Markup, escape

VOID = {"br", "col", "hr", "img", "input", "link", "meta", "wbr"}
# Elements that the next one of their kind, or the end of what holds them, closes (HTML standard, "Optional tags").
CLOSED_BY_THE_NEXT = {"li", "option", "tbody", "td", "th", "thead", "tr"}
# Shapes without content; SVG inside HTML may close itself.
SHAPES = {"circle", "line", "polyline", "rect"}
# Values that HTML takes without quotes.
BARE = re.compile(r"[^\s\"'=<>`&]+")
Content = str | Markup | float | int | None


def tag(name: str, /, *content: Content | Iterable[Content], **attributes: Content | bool) -> Markup:
    """One element. Attribute names: `class_` → class, `data_x` → data-x; None and False leave an attribute out.

    Text is escaped; Markup is taken as it is. `content` may hold lists. Quotes and end tags stand only where a browser needs
    them.
    """
    parts = [f"<{name}"]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        parts.append(f" {key}" if value is True else f" {key}={_value(value)}")
    if name in SHAPES and not content:
        return Markup("".join([*parts, " />"]))
    parts.append(">")
    if name not in VOID:
        parts.extend(_text(content))
        if name not in CLOSED_BY_THE_NEXT:
            parts.append(f"</{name}>")
    return Markup("".join(parts))


def _value(value: Content) -> str:
    text = str(escape(value))
    return text if BARE.fullmatch(text) else f'"{text}"'


def _text(content: Iterable[Content | Iterable[Content]]) -> Iterable[str]:
    for item in content:
        if item is None:
            continue
        if isinstance(item, str | int | float):
            yield str(escape(item))
        else:
            yield from _text(item)


def joined(parts: Iterable[Content]) -> Markup:
    """Several pieces after each other, texts escaped."""
    return Markup("".join(str(escape(part)) for part in parts if part is not None))


def breakable(name: str) -> Markup:
    """A name out of a file that may be broken after its dots and underscores, where there is no room for all of it."""
    pieces = re.split(r"(?<=[._/])(?=[^._/])", name)
    return joined([piece for text in pieces for piece in (text, tag("wbr"))][:-1])


def number(value: float) -> str:
    """A coordinate with at most one decimal, short."""
    return f"{value:.1f}".rstrip("0").rstrip(".")
