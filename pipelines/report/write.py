"""Write the report of a release: every page in every language, each file complete in itself.

Does not belong here: what stands on a page (`pages/`), when the report is written (`pipelines/night/publish.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from models.contract import load_contracts
from pipelines.drawing.asset import asset
from pipelines.report.data import Data
from pipelines.report.figure import Page
from pipelines.report.pages.channels import channels
from pipelines.report.pages.consistency import consistency
from pipelines.report.pages.customers import customers
from pipelines.report.pages.dictionary import Lineage, dictionary
from pipelines.report.pages.drop_off import drop_off
from pipelines.report.pages.effects import effects
from pipelines.report.pages.funnels import funnels
from pipelines.report.pages.journeys import journey, journeys
from pipelines.report.pages.overview import overview
from pipelines.report.pages.quality import quality
from pipelines.report.pages.touchpoint_map import touchpoint_map
from pipelines.report.pages.trends import trends
from pipelines.report.words import LANGUAGES, Words

# Pages in the order of the navigation.
NAVIGATION = (
    "overview",
    "map",
    "journeys",
    "drop_off",
    "funnels",
    "channels",
    "effects",
    "consistency",
    "trends",
    "customers",
    "quality",
    "dictionary",
)
FIRST_LANGUAGE = "en"


@dataclass(frozen=True)
class ReportRequest:
    """What a report is of: the release's description, its queries, and what the release before keeps of its night."""

    release: Mapping[str, Any]
    data: Data
    previous: dict[str, Any] | None = None
    lineage: Lineage = field(default_factory=dict)


def write_report(request: ReportRequest, folder: Path, report: Callable[[str, int, int], None] | None = None) -> int:
    """Write `index.html` and its sisters (English) and one folder per other language; returns how many files.

    The same release gives the same files, byte for byte.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for number, language in enumerate(LANGUAGES):
        if report is not None:
            report(f"report {LANGUAGES[language]}", number, len(LANGUAGES))
        words = Words(language, str(request.release["base_currency"]))
        place = folder if language == FIRST_LANGUAGE else folder / language
        place.mkdir(exist_ok=True)
        for page in pages(request, words):
            if page.key == "dictionary" and language != FIRST_LANGUAGE:
                continue  # one dictionary: the contracts speak English
            html = render(request, words, page)
            (place / f"{page.key}.html").write_text(html, encoding="utf-8")
            count += 1
    return count


def pages(request: ReportRequest, words: Words) -> Iterator[Page]:
    """All pages in one language."""
    data = request.data
    definitions = list(dict.fromkeys(row["journey_definition"] for row in data.rows("journey_status").rows))
    yield overview(words, data, dict(request.release), request.previous)
    yield touchpoint_map(words, data)
    yield journeys(words, data)
    for definition in definitions:
        yield journey(words, data, definition)
    yield drop_off(words, data, definitions)
    yield funnels(words, data)
    yield channels(words, data)
    yield effects(words, data)
    yield consistency(words, data)
    yield trends(words, data)
    yield customers(words, data)
    yield quality(words, data)
    yield dictionary(words, list(load_contracts().values()), request.lineage)


def render(request: ReportRequest, words: Words, page: Page) -> str:
    """One page as a complete HTML file."""
    at_root = words.language == FIRST_LANGUAGE
    names = {key: "index" if key == "overview" else key.replace("_", "-") for key in NAVIGATION}
    navigation = [
        (
            names[key],
            words.say(f"pages.{key}.title"),
            f"{'' if at_root or key != 'dictionary' else '../'}{names[key]}.html",
        )
        for key in NAVIGATION
    ]
    return layout().render(
        page=page,
        language=words.language,
        say=words.say,
        company=request.release["company"],
        release_id=request.release["release_id"],
        until=str(request.release["data_date_at"])[:16].replace("T", " "),
        languages=languages(words.language, page.key),
        navigation=navigation,
        current=page.navigation or page.key,
        style=asset("style.css"),
        script=asset("script.js"),
    )


def languages(language: str, page: str) -> Sequence[tuple[str, str, str | None]]:
    """(code, name, address of this page in that language or None for this one)."""
    found: list[tuple[str, str, str | None]] = []
    for code, name in LANGUAGES.items():
        if code == language:
            found.append((code, name, None))
            continue
        up = "" if language == FIRST_LANGUAGE else "../"
        down = "" if code == FIRST_LANGUAGE else f"{code}/"
        found.append((code, name, f"{up}{down}{'index' if page == 'dictionary' else page}.html"))
    return found


@cache
def layout() -> jinja2.Template:
    """The frame of every page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("layout.html.j2")
