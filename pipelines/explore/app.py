"""The explorer as an ASGI application: addresses to pages.

Does not belong here: what a page looks like (`pages.py`), what an address may say (`asked.py`).
"""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import jinja2
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from models.catalogue import load_catalogue
from pipelines.drawing.asset import asset
from pipelines.drawing.markup import tag
from pipelines.explore import pages
from pipelines.explore.asked import (
    DEEPEST,
    DIRECTIONS,
    PAGE_ROWS,
    AskedError,
    Filter,
    address,
    one_of,
    read_filter,
    read_number,
    read_path,
)
from pipelines.explore.connection import QUERIES, CurrentRelease, Opened
from pipelines.explore.pages import Choices, Customer
from pipelines.report.data import Data, Rows, query_text
from pipelines.report.words import LANGUAGES, Words
from pipelines.warehouse import WarehouseError

LARGEST_ID = 2**63 - 1
# Sorts after every character of an identifier.
LAST_CHARACTER = chr(0x10FFFF)
# Rows of a downloaded list; who needs more has the DuckDB file.
DOWNLOAD_ROWS = 1_000_000
DOWNLOAD_ROWS_AT_ONCE = 2_000
WARM_AFTER_SECONDS = 0.3
LANGUAGE_COOKIE = "language"
# Everything stands in the page itself; nothing is fetched, framed or sent elsewhere.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Answer:
    """One request: its release, its language, and how a page is put together."""

    def __init__(self, request: Request, opened: Opened) -> None:
        self.request = request
        self.given = dict(request.query_params)
        self.opened = opened
        self.data: Data = opened.data()
        setting = opened.run("select company, base_currency, data_date_at from setting", {})[1][0]
        self.company, currency, self.until = setting
        asked = self.given.pop("lang", None) or request.cookies.get(LANGUAGE_COOKIE, "")
        self.language = asked if asked in LANGUAGES else "en"
        self.words = Words(self.language, currency)

    def choices(self) -> Choices:
        """What the forms offer on this release."""
        definitions = [row["journey_definition"] for row in self.data.rows("choices").rows]
        return Choices(definitions, [row["lifecycle_stage"] for row in self.data.rows("stages").rows])

    def page(self, key: str, title: str, body: list[Any], status: int = 200) -> Response:
        """A whole page."""
        say = self.words.say
        # one slash: a link that begins with two goes to another host
        path = "/" + self.request.url.path.lstrip("/")
        languages = [
            (code, name, None if code == self.language else address(path, self.given, lang=code))
            for code, name in LANGUAGES.items()
        ]
        html = TEMPLATE.render(
            title=title,
            body=body,
            language=self.language,
            say=say,
            company=self.company,
            release_id=self.opened.release.release_id,
            until=self.words.format.moment(self.until),
            languages=languages,
            navigation=[
                ("customers", say("explore.customers"), "/customers"),
                ("journeys", say("pages.journeys.title"), "/journeys"),
                ("way", say("explore.follow"), "/way"),
                ("funnel", say("explore.funnel"), "/funnel"),
            ],
            current=key,
            style=asset("style.css"),
            script=asset("script.js"),
        )
        response = HTMLResponse(html, status, HEADERS)
        if self.request.query_params.get("lang") == self.language:
            response.set_cookie(LANGUAGE_COOKIE, self.language, samesite="strict", httponly=True)
        return response


TEMPLATE = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
).get_template("explore.html.j2")


def create_app(warehouse: Path, hosts: list[str]) -> Starlette:
    """The application on a warehouse. `hosts`: names under which a browser may call it (another name is refused, so that no
    page of the web can point a name of its own at this machine and read along)."""
    releases = CurrentRelease(warehouse)

    def route(path: str, answer: Callable[[Answer], Response]) -> Route:
        def handle(request: Request) -> Response:
            try:
                opened = releases.open()
            except WarehouseError as error:
                return PlainTextResponse(f"{error}\n", 503, HEADERS)
            with opened:
                made = Answer(request, opened)
                try:
                    response = answer(made)
                except AskedError as error:
                    body = [tag("p", str(error)), tag("p", tag("a", made.words.say("explore.back"), href="/"))]
                    response = made.page("", made.words.say("explore.mistake"), body, 400)
            # after a switch: once this answer is on its way
            response.background = BackgroundTask(opened.held.warm)
            return response

        return Route(path, handle)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        # soon, not at once: a first page that is asked for meanwhile goes first
        timer = threading.Timer(WARM_AFTER_SECONDS, releases.warm)
        timer.start()
        yield
        timer.cancel()

    def refuse(request: Request, error: Exception) -> Response:
        """What has no page, and what is asked in another way than by reading."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        if status != 404:
            headers = getattr(error, "headers", None) or {}
            return PlainTextResponse(f"{getattr(error, 'detail', 'error')}\n", status, {**HEADERS, **headers})
        with suppress(WarehouseError), releases.open() as opened:
            made = Answer(request, opened)
            body = [
                tag("p", made.words.say("explore.no_page")),
                tag("p", tag("a", made.words.say("explore.back"), href="/")),
            ]
            return made.page("", made.words.say("explore.mistake"), body, 404)
        return PlainTextResponse("Not Found\n", 404, HEADERS)

    return Starlette(
        lifespan=lifespan,
        exception_handlers={HTTPException: refuse},
        routes=[
            route("/", find_customer),
            route("/customers", find_customer),
            route("/customer/{customer_id}", show_customer),
            route("/journeys", show_journeys),
            route("/way", show_way),
            route("/funnel", show_funnel),
            route("/funnel/people", show_funnel_people),
            route("/people", show_people),
            route("/people.csv", download_people),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)],
    )


def find_customer(answer: Answer) -> Response:
    """Look up customers by id, identifier or name."""
    text = answer.given.get("q", "").strip()[:200]
    rows = None
    if text:
        known = text.lower() if "@" in text else text
        rows = answer.data.rows("find_customer", text=known, text_end=known + LAST_CHARACTER, customer_id=read_id(text))
        if not rows.rows:
            rows = answer.data.rows("find_name", text=text)
    return answer.page(
        "customers", answer.words.say("explore.customers"), pages.found_customers(answer.words, text, rows)
    )


def show_customer(answer: Answer) -> Response:
    """One customer."""
    customer_id = read_id(answer.request.path_params["customer_id"])
    record = answer.data.rows("customer", customer_id=customer_id) if customer_id >= 0 else None
    if record is None or not record.rows:
        body = [tag("p", answer.words.say("explore.nobody")), pages.search_form(answer.words, "")]
        return answer.page("customers", answer.words.say("explore.customers"), body, 404)
    page = read_number("page", answer.given.get("page"), 1, 100_000)
    channel = answer.given.get("channel") or None
    touchpoints = answer.data.rows(
        "timeline", customer_id=customer_id, channel=channel, limit=PAGE_ROWS, offset=(page - 1) * PAGE_ROWS
    )
    channels = touchpoints.rows[0]["channels"] or []
    shown = [row for row in touchpoints.rows if row["occurred_at"] is not None]
    if channel is not None:
        one_of("channel", channel, channels)
    found = Customer(
        customer_id,
        record,
        answer.data.rows("customer_360", customer_id=customer_id),
        answer.data.rows("identifiers", customer_id=customer_id),
        answer.data.rows("customer_journeys", customer_id=customer_id),
        Rows(touchpoints.columns, shown, touchpoints.query).without("channels"),
        channels,
    )
    title = f"{answer.words.say('explore.customer')} {customer_id}"
    return answer.page("customers", title, pages.customer(answer.words, found, channel, page, PAGE_ROWS))


def read_id(text: str) -> int:
    """A customer's id; -1, which nobody has, for a text that is none."""
    found = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
    return found if found <= LARGEST_ID else -1


def show_journeys(answer: Answer) -> Response:
    """Sankey and tree of the journeys asked for."""
    choices = answer.choices()
    given = read_filter(answer.given, choices.definitions, choices.stages)
    rows = answer.data.rows("ways", **given.parameters())
    body = pages.journeys(answer.words, choices, given, rows)
    return answer.page("journeys", answer.words.say("pages.journeys.title"), body)


def show_way(answer: Answer) -> Response:
    """Follow a way one step on."""
    choices, given, direction, path = read_way(answer)
    rows = answer.data.rows(
        "way_next", **given.parameters(), direction=direction, depth=len(path), **way_parameters(path)
    )
    body = pages.way(answer.words, choices, given, direction, path, rows)
    return answer.page("way", answer.words.say("explore.follow"), body)


def show_people(answer: Answer) -> Response:
    """The journeys behind a number."""
    _, given, direction, path = read_way(answer)
    length = read_length(answer)
    page = read_number("page", answer.given.get("page"), 1, 100_000)
    rows = answer.data.rows(
        "way_people",
        **given.parameters(),
        direction=direction,
        **way_parameters(path),
        length=length,
        limit=PAGE_ROWS,
        offset=(page - 1) * PAGE_ROWS,
    )
    query = {**given.query(), "direction": direction, "path": ",".join(path), "length": str(length or "")}
    return answer.page(
        "way", answer.words.say("explore.people"), pages.people(answer.words, query, rows, page, PAGE_ROWS)
    )


def download_people(answer: Answer) -> Response:
    """The same as a CSV file: ids, states, times and values, nothing that names a person."""
    _, given, direction, path = read_way(answer)
    parameters = {
        **given.parameters(), "direction": direction, **way_parameters(path), "length": read_length(answer),
        "limit": DOWNLOAD_ROWS,
    }  # fmt: skip
    # of its own, for the answer goes on when the request's is closed; the release stays open as long
    cursor = answer.opened.held.connection.cursor()
    found = cursor.execute(query_text(QUERIES, "way_download"), parameters)
    columns = [column[0] for column in found.description or []]

    def lines() -> Iterator[str]:
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        writer.writerow(columns)
        with cursor:
            while rows := cursor.fetchmany(DOWNLOAD_ROWS_AT_ONCE):
                writer.writerows(rows)
                yield buffer.getvalue()
                buffer.seek(0)
                buffer.truncate()
        yield buffer.getvalue()

    name = f"{given.definition}-{answer.opened.release.release_id}.csv"
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines(), 200, headers, "text/csv")


def show_funnel(answer: Answer) -> Response:
    """A funnel of the moment."""
    # Here, for the arrays' libraries are a third of what a start takes; `warm` imports them meanwhile.
    from pipelines.explore import funnels

    question, by = funnels.read(answer.given)
    found = funnels.ANSWERS.get(answer.opened, question, by)
    body = funnels.page(answer.words, answer.given, found, by)
    return answer.page("funnel", answer.words.say("explore.funnel"), body)


def show_funnel_people(answer: Answer) -> Response:
    """The customers behind a number of a funnel."""
    from pipelines.explore import funnels

    question, _ = funnels.read(answer.given)
    step = read_number("step", answer.given.get("step"), 1, len(question.steps))
    state = one_of("state", answer.given.get("state") or "reached", funnels.STATES)
    body = funnels.people(answer.words, answer.opened, question, step, state)
    return answer.page("funnel", answer.words.say("explore.people"), body)


def read_way(answer: Answer) -> tuple[Choices, Filter, str, list[str]]:
    """Filter, direction and way of a request."""
    choices = answer.choices()
    given = read_filter(answer.given, choices.definitions, choices.stages)
    direction = one_of("direction", answer.given.get("direction") or "forward", DIRECTIONS)
    return choices, given, direction, read_path(answer.given.get("path"))


def read_length(answer: Answer) -> int | None:
    """How many different touchpoints the journeys have; None: any number."""
    return read_number("length", answer.given.get("length"), 1, DEEPEST) if answer.given.get("length") else None


def way_parameters(path: list[str]) -> dict[str, int | None]:
    """The way as codes, NULL beyond its end."""
    codes: list[int | None] = [load_catalogue()[name].code for name in path]
    codes += [None] * (DEEPEST - len(codes))
    return {f"way_{position}": code for position, code in enumerate(codes, start=1)}
