"""A tree of ways as nested lists that open and close: the browser's own, so keyboard and screen reader work.

Does not belong here: which ways.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from markupsafe import Markup

from pipelines.drawing.charts import bar
from pipelines.drawing.markup import tag
from pipelines.drawing.sankey import Way


def draw_tree(
    ways: Sequence[Way],
    label: Callable[[str], str],
    count: Callable[[int], str],
    share: Callable[[float], str],
    keep: int = 5,
    open_levels: int = 1,
    smallest: float = 0.004,
) -> Markup:
    """Nested list of `ways` from their first node on; at each level the `keep` largest, the rest in one line "other".

    A branch below `smallest` of the total joins "other" too: thousands of lines of two people each help nobody.

    The counts of a node's children (with "other") add up to the node, or to less where ways end at it.
    """
    total = sum(way.count for way in ways)
    floor = smallest * total
    return tag("ul", _level(ways, 0, total, label, count, share, keep, open_levels, floor), class_="tree")


def _level(
    ways: Sequence[Way],
    depth: int,
    total: int,
    label: Callable[[str], str],
    count: Callable[[int], str],
    share: Callable[[float], str],
    keep: int,
    open_levels: int,
    floor: float,
) -> list[Markup]:
    sizes: Counter[str] = Counter()
    for way in ways:
        if len(way.nodes) > depth:
            sizes[way.nodes[depth]] += way.count
    ranked = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    shown = [item for item in (ranked if len(ranked) <= keep + 1 else ranked[:keep]) if item[1] >= floor]
    rest = ranked[len(shown) :]
    if len(rest) == 1:
        # "other" that is only one has a name
        shown, rest = ranked, []
    items: list[Markup] = []
    for name, size in shown:
        inner = [way for way in ways if len(way.nodes) > depth and way.nodes[depth] == name]
        line = _line(label(name), size, total, count, share)
        if any(len(way.nodes) > depth + 1 for way in inner):
            children = _level(inner, depth + 1, total, label, count, share, keep, open_levels, floor)
            items.append(tag("li", tag("details", tag("summary", line), tag("ul", children), open=depth < open_levels)))
        else:
            items.append(tag("li", line))
    if rest:
        name = f"{label('other')} ({len(rest)})"
        items.append(tag("li", _line(name, sum(size for _, size in rest), total, count, share)))
    return items


def _line(name: str, size: int, total: int, count: Callable[[int], str], share: Callable[[float], str]) -> Markup:
    return tag(
        "span",
        tag("span", name),
        bar(size, total),
        tag("small", f"{count(size)} · {share(size / total if total else 0)}"),
        class_="branch",
    )
