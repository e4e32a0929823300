"""The report: opens from disk without a network, says what the tables say, in each language, theme and width."""

from __future__ import annotations

import inspect
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

import duckdb
import pytest
from playwright.sync_api import Browser, Page

from models import trend
from models.catalogue import load_catalogue
from models.contract import load_contracts
from pipelines.drawing.numbers import Formatter
from pipelines.report.data import REPORT_QUERIES
from pipelines.report.figure import VERBATIM
from pipelines.report.pages.dictionary import links
from pipelines.report.pages.trends import REASONS, reason
from pipelines.report.words import LANGUAGES, Words, texts
from pipelines.warehouse import Release
from tests.look.conftest import Shop

LARGEST_BYTES = 3_000_000


# What a screen reader and a keyboard need of every page, told as a list of what is missing.
NEEDED = """() => {
  const missing = [], visible = e => !e.closest('[hidden]');
  const name = e => (e.getAttribute('aria-label') || e.innerText || e.textContent || '').trim();
  if (!document.documentElement.lang || !document.title) missing.push('language or title');
  document.querySelectorAll('a[href],button,summary,[role=button],[tabindex="0"]').forEach(e => {
    if (visible(e) && !name(e)) missing.push('name of ' + e.outerHTML.slice(0, 80));
  });
  document.querySelectorAll('svg').forEach(e => { if (!e.querySelector('title')) missing.push('title of a drawing'); });
  document.querySelectorAll('table').forEach(e => {
    if (!e.caption || !e.tHead || !e.querySelector('tbody th')) missing.push('caption or headings of a table');
    const width = e.tHead.rows[0].cells.length;
    for (const row of e.tBodies[0].rows) if (row.cells.length !== width) missing.push('cells of ' + row.innerText);
  });
  let level = 1;
  document.querySelectorAll('h1,h2,h3').forEach(e => {
    if (+e.tagName[1] > level + 1) missing.push('level above ' + e.innerText);
    level = +e.tagName[1];
  });
  return missing;
}"""


class Links(HTMLParser):
    """Addresses and ids of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.addresses.append(value)
            if name == "id" and value:
                self.ids.append(value)


def pages(shop: Shop) -> list[Path]:
    found = sorted(shop.report.rglob("*.html"))
    assert len(found) > 40
    return found


def open_page(browser: Browser, path: Path, *, dark: bool = False, width: int = 1280) -> Page:
    """The page, opened offline; its errors are collected on it and checked by `close`."""
    context = browser.new_context(
        offline=True, color_scheme="dark" if dark else "light", viewport={"width": width, "height": 900}
    )
    page = context.new_page()
    page.goto(path.as_uri())
    return page


def test_every_page_opens_offline_without_errors_and_can_be_heard(shop: Shop, browser: Browser) -> None:
    context = browser.new_context(offline=True)
    page = context.new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    for path in pages(shop):
        page.goto(path.as_uri())
        assert page.locator("h1").count() == 1, path
        assert page.locator("main section h2").count() >= 1, path
        assert page.evaluate(NEEDED) == [], path
    assert trouble == []
    assert all(url.startswith("file:") for url in requests) and len(requests) == len(pages(shop))
    context.close()


def test_every_link_leads_somewhere(shop: Shop) -> None:
    parsed = {path.resolve(): Links(path.read_text(encoding="utf-8")) for path in pages(shop)}
    for path, page in parsed.items():
        assert len(set(page.ids)) == len(page.ids), f"an id twice on {path.name}"
        for address in page.addresses:
            file, fragment = urldefrag(address)
            target = (path.parent / file).resolve() if file else path
            assert target in parsed, f"{path.name}: {address}"
            assert not fragment or fragment in parsed[target].ids, f"{path.name}: {address}"


def test_size_and_nothing_from_elsewhere(shop: Shop) -> None:
    assert sum(path.stat().st_size for path in pages(shop)) < LARGEST_BYTES
    for path in pages(shop):
        assert not re.search(
            r"https?://|@import|url\(", path.read_text(encoding="utf-8").replace("http://www.w3.org", "")
        ), path


def test_nobody_is_named(shop: Shop) -> None:
    # each text between two tags once: most stand on many pages, and in three languages
    pieces = {piece for path in pages(shop) for piece in re.split("[<>]", path.read_text(encoding="utf-8"))}
    text = "\n".join(sorted(pieces))
    assert len(text) > 100_000
    for name, email, phone in shop.rows("select full_name, email, phone from customer where email is not null"):
        assert email not in text and (name is None or name not in text) and (phone is None or phone not in text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_cards_say_what_the_tables_say(shop: Shop, browser: Browser, language: str) -> None:
    folder = shop.report if language == "en" else shop.report / language
    page = open_page(browser, folder / "index.html")
    assert page.locator("html").get_attribute("lang") == language
    form = Formatter(language, "EUR")
    cards = dict(
        zip(
            page.locator(".cards li > span:first-child").all_inner_texts(),
            page.locator(".cards li > b").all_inner_texts(),
            strict=True,
        )
    )
    heading = texts()["columns"]
    wanted = {
        "touchpoint_count": form.number(shop.value("select count(*) from touchpoint")),
        "customer_count": form.number(shop.value("select count(*) from customer")),
        "open_journey_count": form.number(shop.value("select count(*) from journey where status = 'open'")),
        "quarantine_count": form.number(shop.value("select count(*) from quarantine")),
        "converted_share": form.share(
            shop.value(
                "select avg(cast(status = 'converted' as integer)) from journey "
                "where journey_definition = 'purchase' and status <> 'open'"
            )
        ),
    }
    assert {name: cards[heading[name][language]] for name in wanted} == wanted
    page.context.close()


def test_change_since_the_last_release(shop: Shop, browser: Browser) -> None:
    before, now = (release.summary["row_counts"]["touchpoint"] for release in shop.releases)
    page = open_page(browser, shop.report / "index.html")
    card = page.locator(".cards li", has=page.locator("span", has_text=re.compile("^Touchpoints$")))
    assert card.locator("span").nth(1).inner_text() == f"+{now - before:,} since the last release"
    first = (shop.releases[0].folder / "report" / "index.html").read_text(encoding="utf-8")
    assert "since the last release" not in first
    page.context.close()


def test_journey_counts_and_sankey_are_the_journeys(shop: Shop, browser: Browser) -> None:
    page = open_page(browser, shop.report / "journey-purchase.html")
    total = shop.value("select count(*) from journey where journey_definition = 'purchase'")
    bands = page.locator(".sankey .band").evaluate_all(
        "bands => bands.map(band => [+band.dataset.s, +band.dataset.t, +band.dataset.n])"
    )
    nodes = page.locator(".sankey .node").evaluate_all(
        "nodes => nodes.map(node => [+node.dataset.k, node.querySelector('tspan').textContent])"
    )
    counts = {key: int(text.replace(",", "")) for key, text in nodes}
    entering = {target for _, target, _ in bands}
    leaving = {source for source, _, _ in bands}
    assert sum(count for key, count in counts.items() if key not in entering) == total
    for key, count in counts.items():
        if key in entering:
            assert sum(n for _, target, n in bands if target == key) == count
        if key in leaving:
            assert sum(n for source, _, n in bands if source == key) == count
    code = load_catalogue()["page_view"].code
    first = page.locator(".sankey .node", has_text="Page view").first.locator("tspan").text_content() or ""
    started = shop.value(
        f"select count(*) from journey_way where journey_definition = 'purchase' and forward_1_code = {code}"
    )
    assert int(first.replace(",", "")) == started
    page.context.close()


def test_a_way_is_focused_by_keyboard_and_let_go(shop: Shop, browser: Browser) -> None:
    page = open_page(browser, shop.report / "journey-purchase.html")
    node = page.locator(".sankey .node").first
    node.focus()
    page.keyboard.press("Enter")
    assert node.get_attribute("aria-pressed") == "true"
    shown = page.locator(".sankey .band.on").count()
    assert 0 < shown < page.locator(".sankey .band").count()
    # what goes through the first column's node is what the second column's nodes add up to
    read = "n => [+n.querySelector('rect').getAttribute('x'), +n.querySelector('tspan').textContent.replace(',', '')]"
    through = page.locator(".sankey .node.on").evaluate_all(f"nodes => nodes.map({read})")
    columns = sorted({x for x, _ in through})
    assert sum(n for x, n in through if x == columns[1]) == sum(n for x, n in through if x == columns[0])
    for other in page.locator(".sankey .node.on").all():
        assert (other.get_attribute("aria-label") or "").endswith(f": {other.locator('tspan').text_content()}")
    page.keyboard.press("Escape")
    assert page.locator(".sankey.chosen").count() == 0 and node.get_attribute("aria-pressed") == "false"
    page.context.close()


def test_theme_follows_the_system_and_the_button(shop: Shop, browser: Browser) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = open_page(browser, shop.report / "index.html")
    dark = open_page(browser, shop.report / "index.html", dark=True)
    white = light.evaluate(ground)
    black = dark.evaluate(ground)
    assert white != black
    light.locator("#theme").click()
    dark.locator("#theme").click()
    assert (light.evaluate(ground), dark.evaluate(ground)) == (black, white)
    light.locator("nav a[href*='map.html']").first.click()
    light.wait_for_url("**/map.html*")
    assert light.evaluate(ground) == black  # the choice goes along with the links
    light.context.close()
    dark.context.close()


def test_a_phone_scrolls_down_only(shop: Shop, browser: Browser) -> None:
    page = open_page(browser, shop.report / "nl" / "index.html", width=390)
    wide = []
    for path in [*sorted((shop.report / "nl").glob("*.html")), shop.report / "dictionary.html"]:
        page.goto(path.as_uri())
        if page.evaluate("document.documentElement.scrollWidth") > 390:
            wide.append(path.name)
    assert wide == []
    page.context.close()


def test_what_changed_is_the_difference_of_the_two_releases(shop: Shop, browser: Browser) -> None:
    def journeys(release: Release) -> dict[tuple[str, str], int]:
        with duckdb.connect(str(release.data_file), read_only=True) as con:
            rows = con.execute("select journey_definition, status, count(*) from journey group by all").fetchall()
        return {(definition, status): count for definition, status, count in rows}

    before, now = (journeys(release) for release in shop.releases)
    page = open_page(browser, shop.report / "index.html")
    figure = page.locator("#changes")
    assert f"Compared with release {shop.releases[0].release_id} " in figure.inner_text()
    words = Words("en", "EUR")
    seen = 0
    for row in figure.locator("table").first.locator("tbody tr").all():
        name, *cells = row.locator("th,td").all_inner_texts()
        for status, cell in zip(("converted", "dropped", "exited", "open"), cells, strict=True):
            keys = [key for key in {*before, *now} if words.value(key[0]) == name and key[1] == status]
            difference = sum(now.get(key, 0) - before.get(key, 0) for key in keys)
            assert int(cell.replace("−", "-").replace(",", "")) == difference, (name, status)
            seen += abs(difference)
    assert seen > 0
    rows = sum(int(n.replace(",", "")) for n in re.findall(r": \+([\d,]+)", figure.locator(".rows2").inner_text()))
    read = [sum(file["row_count"] or 0 for file in files_read(release)) for release in shop.releases]
    assert rows == read[1] - read[0] > 0
    assert "id=changes" not in (shop.releases[0].folder / "report" / "index.html").read_text(encoding="utf-8")
    page.context.close()


def files_read(release: Release) -> list[dict[str, Any]]:
    """The files that a release read, each once for every export that reads it."""
    return [file for file in release.summary["source_files"] if file["status"] == "read"]


def test_rows_of_files_are_those_of_the_books(shop: Shop) -> None:
    """A file that two exports read, and one that lies there twice, are counted as the books count them."""
    query = (REPORT_QUERIES / "files.sql").read_text(encoding="utf-8")
    shown = shop.rows(f"select sum(row_count), sum(mapped_count), sum(quarantined_count) from ({query})")
    assert shown == shop.rows("select sum(row_count), sum(mapped_count), sum(quarantined_count) from reconciliation")
    assert shop.value(f"select sum(file_count) from ({query})") == shop.value("select count(*) from export_file")


def test_each_step_of_the_matrix_adds_up_to_all_journeys(shop: Shop, browser: Browser) -> None:
    page = open_page(browser, shop.report / "journey-purchase.html")
    rows = page.locator("#step_matrix-Purchase table").first.locator("tbody tr").all()
    cells = [[text.strip("<%") for text in row.locator("td").all_inner_texts()] for row in rows]
    for step in range(len(cells[0])):
        total = sum(float(line[step] or 0) for line in cells)
        assert abs(total - 100) < 0.1 * len(cells), f"step {step + 1}: {total}"
    page.context.close()


def test_a_print_is_light_and_without_navigation(shop: Shop, browser: Browser) -> None:
    page = open_page(browser, shop.report / "index.html", dark=True)
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for part in ("nav", ".tools"):
        assert page.evaluate(f"getComputedStyle(document.querySelector('{part}')).display") == "none"
    page.context.close()


def test_every_figure_shows_its_definition_and_query(shop: Shop) -> None:
    for path in pages(shop):
        if path.stem in ("dictionary",):
            continue
        text = path.read_text(encoding="utf-8")
        figures = re.findall(r"<section class=figure id=(?!checks\b)", text)
        borrowed = re.findall(r"<a href=#(ways-\S+?)>Query|<a href=#(ways-\S+?)>Forespørgsel", text)
        assert len(figures) == text.count("<pre") + len(borrowed), path


def test_every_kind_of_column_has_its_style(shop: Shop) -> None:
    for path in pages(shop):
        text = path.read_text(encoding="utf-8")
        used = {kind for names in re.findall(r"<table class=\"?([\w ]+)", text) for kind in names.split()}
        kinds = {kind for kind in used if re.fullmatch(r"[np]\d+", kind)} - {"n1"}
        assert all(re.search(rf"\.{kind} t", text) for kind in kinds), path


def test_queries_of_the_report_run_on_the_release(shop: Shop) -> None:
    import html

    text = (shop.report / "journey-purchase.html").read_text(encoding="utf-8")
    queries = re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", text, re.DOTALL)
    assert queries and all(shop.rows(html.unescape(query)) for query in queries)


def test_headings_are_words_of_the_language(shop: Shop) -> None:
    columns = {column for query in REPORT_QUERIES.glob("*.sql") for column in columns_of(shop, query)}
    columns |= {column.name for table in ("customer", "customer_360") for column in load_contracts()[table].columns}
    for language in LANGUAGES:
        words = Words(language, "EUR")
        raw = sorted(name for name in columns if words.column(name) == name.replace("_", " ") and "_" in name)
        assert raw == [], language


def test_every_value_of_a_list_is_said_in_the_language(shop: Shop) -> None:
    """Where a column has a list of values, each of them may be shown on some company's pages."""
    missing = set()
    for query in REPORT_QUERIES.glob("*.sql"):
        shown = set(columns_of(shop, query))
        tables = set(re.findall(r"\b(?:from|join) (\w+)", query.read_text(encoding="utf-8")))
        for contract in (load_contracts()[name] for name in tables & set(load_contracts())):
            for column in contract.columns:
                if column.name in shown and column.name not in VERBATIM:
                    known = set(texts()["values"]) | set(load_catalogue())
                    missing |= {(column.name, str(value)) for value in column.values or () if str(value) not in known}
    assert missing == set()


def columns_of(shop: Shop, query: Path) -> list[str]:
    text = query.read_text(encoding="utf-8").replace("$definition", "'purchase'")
    return [row[0] for row in shop.rows(f"describe {text}")]


def test_every_text_is_there_in_every_language() -> None:
    def walk(entry: dict[str, object], place: str) -> None:
        if set(entry) & set(LANGUAGES):
            assert set(entry) == set(LANGUAGES) and all(entry.values()), place
            return
        for key, value in entry.items():
            assert isinstance(value, dict), f"{place}.{key}"
            walk(value, f"{place}.{key}")

    for section, content in texts().items():
        walk(content, section)
    fields = re.compile(r"\{(\w+)\}")
    for content in texts()["figures"].values():
        titles = [set(fields.findall(content["title"][language])) for language in LANGUAGES]
        assert titles[0] == titles[1] == titles[2]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_of_an_alert_is_said_in_the_language(language: str) -> None:
    """The reasons are sentences of `models/trend.py`: one that is written anew there is missed here."""
    words = Words(language, "EUR")
    code = inspect.getsource(trend)
    for pattern in REASONS:
        parts = pattern.removeprefix("more ").removeprefix("less ").split("#")
        assert all(part.strip() in code for part in parts), pattern
    said = {reason(words, pattern.replace("#", "12")) for pattern in REASONS}
    assert len(said) == len(REASONS) and all(text for text in said)
    assert "12" in reason(words, "the source has been silent for 12 days")


def test_origins_are_links_names_or_words() -> None:
    given = [
        "google_ads.campaign_report.Impr.",
        "journey.a",
        "journey",
        "the skip rules",
        "zendesk.ticket.Requester name",
    ]
    assert links(given, frozenset({"journey"})) == (
        "google_<wbr>ads.<wbr>campaign_<wbr>report: Impr.<br><a href=#journey>journey</a>: a, rows"
        "<br>zendesk.<wbr>ticket: Requester name<br>the skip rules"
    )
