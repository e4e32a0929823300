"""Drawing: what flows in flows out, texts are escaped, colours can be read, numbers are written as each language writes them."""

from __future__ import annotations

import datetime as dt
import re
from html.parser import HTMLParser
from itertools import pairwise, product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from pipelines import drawing
from pipelines.drawing.charts import Line as ChartLine
from pipelines.drawing.charts import bar, interval, line_chart, percent, round_scale, spark
from pipelines.drawing.markup import breakable, joined, tag
from pipelines.drawing.numbers import Formatter
from pipelines.drawing.sankey import Way, band, draw, flows, place
from pipelines.drawing.tree import draw_tree

NAMES = st.sampled_from(["a", "b", "c", "other"])
ENDS = {"converted": "won", "open": "wait", "dropped": "lost"}
WAYS = st.lists(
    st.builds(
        lambda nodes, end, count: Way((*nodes, end), count),
        st.lists(NAMES, min_size=1, max_size=4),
        st.sampled_from(list(ENDS)),
        st.integers(1, 1000),
    ),
    min_size=1,
    max_size=30,
)


def plain_count(count: int) -> str:
    return str(count)


@given(WAYS)
def test_what_enters_a_node_leaves_it_or_ends_there(ways: list[Way]) -> None:
    nodes, links = flows(ways)
    assert sum(count for (column, _), count in nodes.items() if column == 0) == sum(way.count for way in ways)
    for key, count in nodes.items():
        if key[0] > 0:
            assert sum(link.count for link in links if link.target == key) == count
        ended = sum(way.count for way in ways if key == (len(way.nodes) - 1, way.nodes[-1]))
        assert sum(link.count for link in links if link.source == key) == count - ended


@given(WAYS)
def test_boxes_of_a_column_do_not_overlap_and_ends_stand_below(ways: list[Way]) -> None:
    placed = place(flows(ways)[0], list(ENDS))
    for column in {key[0] for key in placed}:
        boxes = sorted((node for key, node in placed.items() if key[0] == column), key=lambda node: node.y)
        for upper, lower in pairwise(boxes):
            assert upper.y + upper.height <= lower.y
        is_end = [box.name in ENDS for box in boxes]
        assert is_end == sorted(is_end)


def test_drawing_holds_its_ways_for_the_script() -> None:
    text = draw([Way(("a", "b", "dropped"), 3), Way(("a", "dropped"), 2)], ENDS, str, plain_count, "t")
    assert "data-ways=[[3,0,1,3],[2,0,2]]" in text
    assert "<title>a → b: 3</title>" in text
    assert text.count("tabindex=0") == 5  # four boxes and the frame that scrolls


def test_tree_adds_up_at_each_level() -> None:
    ways = [Way(("a", str(n)), 10 - n) for n in range(9)] + [Way(("a",), 5)]
    text = draw_tree(ways, str, plain_count, lambda share: f"{share:.2f}", keep=3)
    sizes = {name: int(size) for name, size in re.findall(r"branch><span>([^<]+)<.*?<small>(\d+) ·", text)}
    assert sizes["a"] == 59
    assert sizes["0"] + sizes["1"] + sizes["2"] + sizes["other (6)"] == 54


def test_small_branches_join_other() -> None:
    ways = [Way(("a",), 1000), Way(("b",), 1), Way(("c",), 1)]
    text = draw_tree(ways, str, plain_count, lambda share: f"{share:.3f}")
    assert "other (2)" in text and "<span>b<" not in text


class Elements(HTMLParser):
    """Start tags with their attributes, and text, as a browser reads them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


@given(TEXTS, TEXTS)
def test_text_from_data_is_never_markup(content: str, attribute: str) -> None:
    read = Elements(tag("p", content, title=attribute, id="a"))
    assert read.tags == [("p", {"title": attribute, "id": "a"})] and read.words == content


def test_quotes_and_end_tags_stand_where_they_are_needed() -> None:
    assert tag("td", "x", class_="n") == "<td class=n>x"
    assert tag("a", "x", href="?a=1", title="a b") == '<a href="?a=1" title="a b">x</a>'
    assert tag("tr", [tag("th", "a"), tag("td", "b")]) == "<tr><th>a<td>b"


@given(st.floats(0, 400), st.floats(0, 400), st.floats(0.1, 99), st.floats(0.1, 99))
def test_a_band_ends_where_it_should(y1: float, y2: float, thick_out: float, thick_in: float) -> None:
    steps = [float(text) for text in re.findall(r"-?\d+(?:\.\d+)?", band(12, y1, thick_out, 190, y2, thick_in))]
    x, y, (right, down, high, left, up) = steps[0], steps[1], (*steps[6:9], *steps[13:15])
    rounded = 0.21
    assert (x, x + right, left) == (12, 190, -right)
    assert abs(y - y1) < rounded and abs(y + down - y2) < rounded and abs(high - thick_in) < rounded
    assert abs(y + down + high + up - (y1 + thick_out)) < 2 * rounded


def test_markup_is_kept_and_nothing_is_left_out() -> None:
    assert tag("p", tag("b", "x"), None, 0, [1.5, Markup("<i></i>")]) == "<p><b>x</b>01.5<i></i></p>"
    assert tag("input", disabled=True, value=None, hidden=False) == "<input disabled>"
    assert joined(["<", tag("br")]) == "&lt;<br>"


def test_marks_stay_on_their_track() -> None:
    assert percent(5, 0, 10) == 50 and percent(-1, 0, 10) == 0 and percent(11, 0, 10) == 100
    assert percent(1, 3, 3) == 0
    assert "style=width:25%" in bar(1, 4)
    drawn = interval(0.2, 0.3, 0.5, 0, 1, base=0.25)
    assert "left:20%;width:30%" in drawn and "dot over" in drawn and "left:25%" in drawn
    assert "dot under" in interval(0.1, 0.2, 0.3, 0, 1, base=0.25)


def test_lines_have_gaps_where_nothing_is_known() -> None:
    text = line_chart([ChartLine("x", [1, None, 2, 4])], ["a", "b", "c", "d"], [(0, "0"), (4, "4")], "t")
    assert text.count("<polyline") == 2 and "600,0" in text
    assert " r=2.6 " in spark([1, 2], [False, True], "x") and spark([], [], "x") == ""


@given(st.floats(0.001, 1e12))
def test_scale_reaches_just_above(largest: float) -> None:
    scale = round_scale(largest)
    assert scale[0] == 0 and scale[-1] >= largest * (1 - 1e-6) and scale[-2] < largest and len(scale) <= 6


@pytest.mark.parametrize(
    ("language", "number", "share", "duration"),
    [
        ("en", "−1,234.5", "12.3%", "1.5 days"),
        ("nl", "−1.234,5", "12,3%", "1,5 dagen"),
        ("da", "−1.234,5", "12,3 %", "1,5 dage"),
    ],
)
def test_numbers_of_a_language(language: str, number: str, share: str, duration: str) -> None:
    form = Formatter(language, "EUR")
    assert form.number(-1234.5, 1) == number
    assert form.share(0.1234) == share
    assert form.duration(129_600) == duration


def test_cells_follow_the_name_of_their_column() -> None:
    form = Formatter("en", "EUR")
    assert form.cell("dropped_share", 0.5) == "50.0%"
    assert form.cell("value_amount_base", 12.5) == "EUR 12.50"
    assert form.cell("mean_seconds_from_entry", 90) == "2 min"
    assert form.cell("customer_id", 1234567) == "1234567"
    assert form.cell("customer_count", 1234567) == "1,234,567"
    assert form.cell("week_date", dt.date(2026, 1, 5)) == "2026-01-05"
    assert form.cell("seen_at", dt.datetime(2026, 1, 5, 7, 8, 9)) == "2026-01-05 07:08"
    assert form.cell("anything", None) == "–" and form.number(float("nan")) == "–"
    assert form.number(-0.2) == "0" and form.figure(0.01234) == "0.0123"
    assert form.points(0.125) == "+12.5" and form.signed(-3) == "−3"


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    digits = colour.removeprefix("#")
    digits = "".join(c * 2 for c in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read_on_its_ground(theme: str) -> None:
    style = (Path(drawing.__path__[0]) / "style.css").read_text(encoding="utf-8")
    pairs = re.findall(r"--([a-z0-9]+):light-dark\((#[0-9a-f]{3,6}),(#[0-9a-f]{3,6})\)", style)
    colours = {name: light if theme == "light" else dark for name, light, dark in pairs}
    for text, ground in product(("fg", "soft", "accent", "good", "bad", "warn"), ("bg", "panel")):
        light, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{text} on {ground}"
    for line in (f"s{n}" for n in range(8)):
        light, dark = sorted((luminance(colours[line]), luminance(colours["bg"])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3, line


def test_what_is_not_nothing_is_never_written_as_nothing() -> None:
    form = Formatter("en", "EUR")
    assert [form.share(value) for value in (0.0, 0.0004, 0.0006, 0.9994, 0.9996, 1.0)] == [
        "0.0%", "<0.1%", "0.1%", "99.9%", ">99.9%", "100.0%",
    ]  # fmt: skip
    assert form.cell("p_value_adjusted", 2e-118) == "<0.001" and form.cell("p_value", 0.0423) == "0.042"
    assert form.figure(0.00001) == "<0.0001" and form.figure(-0.00001) == ">−0.0001"


def test_differences_have_signs_and_units() -> None:
    form = Formatter("nl", "EUR")
    assert form.difference("converted_share", -0.0048) == "−0,5 procentpunten"
    assert form.difference("order_amount_base_30_days", -41246.4) == "EUR −41.246"
    assert form.difference("nps_90_days", 2.617) == "+2,6"
    assert form.cell("is_marked", True) == "ja" and form.amount(0.0) == "EUR 0"


def test_long_labels_end_before_the_next_box() -> None:
    name = "Landing page view of a very long name"
    text = draw([Way((name, "dropped"), 1234)], ENDS, str, plain_count, "t", headings=["Step 1", "Then"])
    shown = re.search(r"<text x=16[^>]*>([^<]*) <tspan>1234", text)
    assert shown and len(shown[1]) + 5 <= 28 and shown[1].endswith("…") and f"<title>{name}: 1234" in text
    assert text.count("class=at") == 2


def test_other_that_is_only_one_has_a_name() -> None:
    text = draw_tree([Way(("a",), 1000), Way(("b",), 1)], str, plain_count, lambda share: f"{share:.3f}")
    assert "<span>b<" in text and "other" not in text


def test_names_break_after_dots_and_underscores() -> None:
    assert breakable("mailchimp.campaign_recipient") == "mailchimp.<wbr>campaign_<wbr>recipient"
    assert breakable("<b>") == "&lt;b&gt;"
