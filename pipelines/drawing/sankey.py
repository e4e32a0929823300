"""Sankey diagram of ways through a few steps, drawn from whole paths, so that what enters a node leaves it.

Does not belong here: which paths (queries), the click that focuses one (`script.js` reads the paths from the drawing).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from pipelines.drawing.markup import number, tag

NODE_WIDTH = 12.0
COLUMN_WIDTH = 200.0
# Characters of a label with its number that fit before the next column.
LABEL = 28
# A label is 12 high: the boxes of the thinnest nodes stand that far apart.
GAP = 12.0
# Room for a line of headings above the boxes.
HEAD = 20.0
HEIGHT = 440.0


@dataclass(frozen=True)
class Way:
    """A path with how many took it: node names by column, None after its end. The last name is where it ended."""

    nodes: tuple[str, ...]
    count: int


@dataclass(frozen=True)
class Node:
    """A node as placed: column, name, people through it, and its box."""

    column: int
    name: str
    count: int
    y: float
    height: float

    @property
    def key(self) -> tuple[int, str]:
        return self.column, self.name


@dataclass(frozen=True)
class Link:
    """What flows from one node to one of the next column."""

    source: tuple[int, str]
    target: tuple[int, str]
    count: int


def flows(ways: Sequence[Way]) -> tuple[dict[tuple[int, str], int], list[Link]]:
    """People per node (column, name) and links between neighbouring columns.

    For each node that is not a path's last, the links out add up to it; for each that is not a first, the links in do.
    """
    nodes: Counter[tuple[int, str]] = Counter()
    links: Counter[tuple[tuple[int, str], tuple[int, str]]] = Counter()
    for way in ways:
        keys = list(enumerate(way.nodes))
        for key in keys:
            nodes[key] += way.count
        for pair in pairwise(keys):
            links[pair] += way.count
    return dict(nodes), [Link(source, target, count) for (source, target), count in links.items()]


def place(nodes: dict[tuple[int, str], int], ends: Sequence[str]) -> dict[tuple[int, str], Node]:
    """Boxes of the nodes: columns from left to right, in a column the largest on top and ends (by `ends`) below."""
    columns = sorted({column for column, _ in nodes})
    fullest = max((sum(count for (c, _), count in nodes.items() if c == column) for column in columns), default=1)
    most = max((sum(1 for c, _ in nodes if c == column) for column in columns), default=1)
    scale = (HEIGHT - GAP * (most - 1)) / max(1, fullest)
    placed: dict[tuple[int, str], Node] = {}
    for column in columns:
        members = [(name, count) for (c, name), count in nodes.items() if c == column]
        members.sort(key=lambda item: (item[0] in ends, ends.index(item[0]) if item[0] in ends else -item[1], item[0]))
        y = 0.0
        for name, count in members:
            height = max(1.5, count * scale)
            placed[column, name] = Node(column, name, count, y, height)
            y += height + GAP
    return placed


def band(x1: float, y1: float, thick_out: float, x2: float, y2: float, thick_in: float) -> str:
    """Path from the right of a box to the left of the next one, curved at both edges; steps relative, which is shorter."""
    half, wide = number((x2 - x1) / 2), number(x2 - x1)
    back = y1 + thick_out - y2 - thick_in
    return (
        f"M{number(x1)},{number(y1)}c{half},0,{half},{number(y2 - y1)},{wide},{number(y2 - y1)}v{number(thick_in)}"
        f"c-{half},0,-{half},{number(back)},-{wide},{number(back)}z"
    )


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters; the whole of it is in the title of its box."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def draw(
    ways: Sequence[Way],
    ends: dict[str, str],
    label: Callable[[str], str],
    count: Callable[[int], str],
    title: str,
    headings: Sequence[str] = (),
) -> Markup:
    """The diagram as SVG. `ends`: end name → colour class; `label` and `count` say names and numbers in the reader's language.

    headings: what the columns are, from the left. Nodes can be reached by keyboard; `script.js` focuses the ways through the one
    chosen.
    """
    nodes, links = flows(ways)
    placed = place(nodes, list(ends))
    order = {key: index for index, key in enumerate(placed)}
    columns = 1 + max((column for column, _ in placed), default=0)
    width = (columns - 1) * COLUMN_WIDTH + NODE_WIDTH + 150
    height = max((node.y + node.height for node in placed.values()), default=HEIGHT) + 14
    out_used: Counter[tuple[int, str]] = Counter()
    in_used: Counter[tuple[int, str]] = Counter()
    bands: list[Markup] = []
    links.sort(key=lambda link: (placed[link.source].column, placed[link.source].y, placed[link.target].y))
    for link in links:
        source, target = placed[link.source], placed[link.target]
        thick_out = source.height * link.count / source.count
        thick_in = target.height * link.count / target.count
        y1 = source.y + source.height * out_used[link.source] / source.count
        y2 = target.y + target.height * in_used[link.target] / target.count
        out_used[link.source] += link.count
        in_used[link.target] += link.count
        x1 = source.column * COLUMN_WIDTH + NODE_WIDTH
        x2 = target.column * COLUMN_WIDTH
        path = band(x1, y1, thick_out, x2, y2, thick_in)
        text = f"{label(source.name)} → {label(target.name)}: {count(link.count)}"
        bands.append(
            tag(
                "path",
                tag("title", text),
                d=path,
                class_=f"band {ends.get(target.name, '')}".strip(),
                data_s=order[link.source],
                data_t=order[link.target],
                data_n=link.count,
            )
        )
    boxes: list[Markup] = []
    for key, node in placed.items():
        text = f"{label(node.name)}: {count(node.count)}"
        boxes.append(
            tag(
                "g",
                tag("title", text),
                tag(
                    "rect",
                    x=number(node.column * COLUMN_WIDTH),
                    y=number(node.y),
                    width=number(NODE_WIDTH),
                    height=number(node.height),
                ),
                tag(
                    "text",
                    shortened(label(node.name), LABEL - 1 - len(count(node.count))),
                    " ",
                    tag("tspan", count(node.count)),
                    x=number(node.column * COLUMN_WIDTH + NODE_WIDTH + 4),
                    y=number(node.y + max(10.0, min(node.height / 2 + 4, 16))),
                ),
                class_=f"node {ends.get(node.name, '')}".strip(),
                tabindex="0",
                role="button",
                aria_label=text,
                aria_pressed="false",
                data_k=order[key],
            )
        )
    head = HEAD if headings else 0.0
    named = [
        tag("text", text, x=number(column * COLUMN_WIDTH), y=number(8 - head), class_="at")
        for column, text in enumerate(headings[:columns])
    ]
    paths = [[way.count, *(order[key] for key in enumerate(way.nodes))] for way in ways]
    return tag(
        "div",
        tag(
            "svg",
            tag("title", title),
            named,
            bands,
            boxes,
            viewBox=f"0 {number(-2 - head)} {number(width)} {number(height + head)}",
            class_="sankey",
            # its texts stay of the size of those around, however few the columns
            style=f"min-width:{number(0.73 * width)}px;max-width:{number(1.2 * width)}px",
            data_ways=json.dumps(paths, separators=(",", ":")),
        ),
        class_="scroll",
        tabindex="0",
        role="group",
        aria_label=title,
    )
