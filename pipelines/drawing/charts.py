"""Small charts that stand in table cells and in the page: bars, intervals, dumbbells, lines, heat cells, bubbles.

All scale with the width of their place and carry no colours of their own: classes take them from `style.css`, so
that the dark theme is a matter of CSS. Each says its figures in words to a screen reader, through the text beside it or a
label. Does not belong here: what is drawn, and number formats.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pipelines.drawing.markup import joined, number, tag

# Plot area of a line chart in its own units; it is stretched to the place it gets.
WIDTH, HEIGHT = 600.0, 160.0
SPARK_WIDTH = 180.0


def percent(value: float, low: float, high: float) -> float:
    """Where `value` lies between `low` and `high`, 0 to 100, cut off at both ends."""
    if high <= low:
        return 0.0
    return min(100.0, max(0.0, 100 * (value - low) / (high - low)))


def bar(value: float | None, largest: float, tone: str = "") -> Markup:
    """A horizontal bar of `value` out of `largest`; the number itself stands beside it in the table.

    Without text and role, so a screen reader passes by.
    """
    share = 0.0 if value is None or largest <= 0 else percent(value, 0, largest)
    return tag("span", tag("i", style=f"width:{number(share)}%"), class_=f"bar {tone}".strip())


def interval(
    low: float | None,
    middle: float | None,
    high: float | None,
    start: float,
    end: float,
    base: float | None = None,
    marked: bool = True,
) -> Markup:
    """A dot with its interval on a track from `start` to `end`; a `marked` dot is coloured against the line at `base`."""
    marks: list[Markup] = []
    if base is not None and start <= base <= end:
        marks.append(tag("b", style=f"left:{number(percent(base, start, end))}%"))
    if low is not None and high is not None:
        left, right = percent(low, start, end), percent(high, start, end)
        marks.append(tag("i", style=f"left:{number(left)}%;width:{number(right - left)}%"))
    if middle is not None:
        side = "" if base is None or not marked else " over" if middle > base else " under"
        marks.append(tag("em", class_=f"dot{side}", style=f"left:{number(percent(middle, start, end))}%"))
    return tag("span", marks, class_="track")


def dumbbell(left: float | None, right: float | None, start: float, end: float) -> Markup:
    """Two dots on one track: the first (online) filled, the second (offline) hollow."""
    marks: list[Markup] = []
    if left is not None and right is not None:
        a, b = sorted((percent(left, start, end), percent(right, start, end)))
        marks.append(tag("i", style=f"left:{number(a)}%;width:{number(b - a)}%"))
    for end_value, kind in ((left, "one"), (right, "two")):
        if end_value is not None:
            marks.append(tag("em", class_=f"dot {kind}", style=f"left:{number(percent(end_value, start, end))}%"))
    return tag("span", marks, class_="track")


def spark(values: Sequence[float | None], marked: Sequence[bool], label: str) -> Markup:
    """A line of a few centimetres; marked values get a dot. `label` says in words what it shows."""
    known = [value for value in values if value is not None]
    if not known:
        return Markup("")
    top = max(known) or 1.0
    step = SPARK_WIDTH / max(1, len(values) - 1)
    points = [(i * step, 26 - 24 * value / top) for i, value in enumerate(values) if value is not None]
    dots = [
        tag("circle", cx=number(i * step), cy=number(26 - 24 * value / top), r="2.6", class_="mark")
        for i, (value, is_marked) in enumerate(zip(values, marked, strict=True))
        if is_marked and value is not None
    ]
    line = tag("polyline", points=" ".join(f"{number(x)},{number(y)}" for x, y in points))
    return tag(
        "svg", tag("title", label), line, dots, viewBox=f"-3 -1 {SPARK_WIDTH + 6:.0f} 30", class_="spark", role="img"
    )


@dataclass(frozen=True)
class Line:
    """One line of a chart: `values` beside the chart's x labels, None where there is none."""

    label: str
    values: Sequence[float | None]


def line_chart(
    lines: Sequence[Line], x_labels: Sequence[str], y_labels: Sequence[tuple[float, str]], label: str
) -> Markup:
    """Lines over a common x axis. `y_labels`: (value, text) of the grid lines, the largest is the top.

    Texts are HTML beside the stretched drawing, so that they keep their size on a phone.
    """
    top = max([value for value, _ in y_labels], default=1.0) or 1.0
    step = WIDTH / max(1, len(x_labels) - 1)
    drawn: list[Markup] = []
    for value, _ in y_labels:
        y = number(HEIGHT - HEIGHT * value / top)
        drawn.append(tag("line", x1="0", x2=number(WIDTH), y1=y, y2=y, class_="grid"))
    for index, line in enumerate(lines):
        run: list[str] = []
        runs: list[list[str]] = [run]
        for i, known in enumerate(line.values):
            if known is None:
                run = []
                runs.append(run)
            else:
                run.append(f"{number(i * step)},{number(HEIGHT - HEIGHT * known / top)}")
        shape = [tag("polyline", points=" ".join(points)) for points in runs if points]
        drawn.append(tag("g", tag("title", line.label), shape, class_=f"line s{index % 8}"))
    svg = tag(
        "svg",
        tag("title", label),
        drawn,
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        preserveAspectRatio="none",
        role="img",
    )
    scale = [tag("span", text, style=f"bottom:{number(percent(value, 0, top))}%") for value, text in y_labels]
    every = max(1, math.ceil(len(x_labels) / 6))
    ticks = [
        tag("span", text, style=f"left:{number(100 * i / max(1, len(x_labels) - 1))}%")
        for i, text in enumerate(x_labels)
        if i % every == 0
    ]
    legend = tag("ul", [tag("li", line.label, class_=f"s{i % 8}") for i, line in enumerate(lines)], class_="legend")
    plot = tag(
        "div",
        tag("div", scale, class_="y", aria_hidden="true"),
        tag("div", svg, class_="area"),
        tag("div", ticks, class_="x", aria_hidden="true"),
        class_="plot",
    )
    return joined([plot, legend if len(lines) > 1 else ""])


def round_scale(largest: float) -> list[float]:
    """Three to six round values from 0 to just above `largest`, for grid lines."""
    if largest <= 0:
        return [0.0, 1.0]
    rough = largest / 4
    unit = 10 ** math.floor(math.log10(rough))
    step = next(factor * unit for factor in (1, 2, 2.5, 5, 10) if factor * unit >= rough)
    return [step * i for i in range(math.ceil(largest / step - 1e-9) + 1)]


def heat(text: str, strength: float) -> Markup:
    """A table cell whose ground is as strong as `strength` (0 to 1); the text stays readable on every ground."""
    level = min(8, max(0, round(8 * strength)))
    return tag("td", text, class_=f"heat h{level}")


def bubble(
    label: str, detail: str, size: float, tone: str, sign: str, href: str | None = None, figure: str = ""
) -> Markup:
    """A round mark with a label; `size` 0 to 1 is its area, `tone` its colour class, `sign` says the same without colour.

    figure: the number behind the size, beside the label. detail: what a pointer and a screen reader are told.
    """
    edge = 0.6 + 1.9 * math.sqrt(max(0.0, min(1.0, size)))
    mark = tag("span", sign, class_=f"ball {tone}".strip(), style=f"--d:{edge:.2f}rem", aria_hidden="true")
    shown = tag("small", figure, aria_hidden="true") if figure else ""
    text = [mark, tag("span", label), tag("span", f": {detail}", class_="hidden"), shown]
    if href:
        return tag("a", text, class_="bubble", href=href, title=f"{label}: {detail}")
    return tag("span", text, class_="bubble", tabindex="0", title=f"{label}: {detail}")
