"""Make the demo company: `generate()` lives 26 weeks and writes every night's exports with the truth beside them.

Only the order of the steps is here; what people do and how systems write it down have their own modules.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipelines.demo.behaviour import simulate
from pipelines.demo.company import COMPANY, DOMAIN
from pipelines.demo.people import make_people, make_visitors
from pipelines.demo.sink import Nights, Sink
from pipelines.demo.truth import Truth
from pipelines.demo.truth_tables import write_truth
from pipelines.demo.write_counter import write_counter
from pipelines.demo.write_feedback import write_feedback
from pipelines.demo.write_mail import write_mail
from pipelines.demo.write_salesforce import write_salesforce
from pipelines.demo.write_sap import write_sap
from pipelines.demo.write_web import COOKIE, COOKIE_LOG, write_web
from pipelines.demo.write_zendesk import write_zendesk

# What the company would write into its own configuration; without it visits from its own domains count as referrals.
CONFIGURATION = f"""\
company: {COMPANY}
web:
  own_domains: [{DOMAIN}]
"""
# With it the log carries a visitor's cookie.
COOKIE_CONFIGURATION = f"""\
access_log:
  formats:
    - {{name: shop, nginx: '{COOKIE_LOG}'}}
  cookies: {{{COOKIE}: cookie}}
"""

Progress = Callable[[str, int, int], None]
DEFAULT_CUSTOMERS = 2_000
# Telephone numbers have six free digits; beyond a million people they would repeat.
MAXIMUM_CUSTOMERS = 999_999


@dataclass(frozen=True)
class GenerationSummary:
    """What was written: where, how much, and how long it took."""

    out: Path
    customer_count: int
    night_count: int
    file_count: int
    row_count: int
    touchpoint_count: int
    byte_count: int
    seconds: float


def generate(
    out: Path,
    customers: int = DEFAULT_CUSTOMERS,
    seed: int = 360,
    nights: int = 3,
    progress: Progress | None = None,
    visitor_cookie: bool = False,
) -> GenerationSummary:
    """Write `out/exports/night_01/<system>/<file>` …, `out/truth/` and the company's `out/touchpoint360.yaml`.

    customers: people known to the company (as many anonymous web visitors come on top); 30 to 40 touchpoints each.
    seed: equal arguments give byte-identical files. nights: how many nights the exports are split into.
    visitor_cookie: the web log carries a cookie for four devices in five (the others want none); nothing else changes.
    progress: called with (step, step number, number of steps). A demo company that is already in
    `out` is replaced.
    Raises ValueError for impossible arguments, and when `out/exports` holds something else.
    """
    if not 1 <= customers <= MAXIMUM_CUSTOMERS:
        raise ValueError(f"customers must be between 1 and {MAXIMUM_CUSTOMERS:,}, not {customers:,}")
    if not 1 <= nights <= 30:
        raise ValueError(f"nights must be between 1 and 30, not {nights}")
    if (out / "exports").exists() and not (out / "truth" / "README.md").exists():
        raise ValueError(
            f"{out / 'exports'} exists and was not made by this command (no {out / 'truth' / 'README.md'} beside it). "
            "Choose another --out, or remove it."
        )
    started = time.perf_counter()
    names = ("people", "behaviour", "web log", "CRM", "ERP", "helpdesk", "mail", "feedback", "counters", "truth")

    def tell(number: int) -> None:
        if progress is not None:
            progress(names[number], number + 1, len(names))

    for folder in ("exports", "truth"):
        shutil.rmtree(out / folder, ignore_errors=True)
    sink = Sink(out, Nights.make(nights))
    truth = Truth()
    tell(0)
    people = make_people(customers, customers, seed)
    visitors = make_visitors(people)
    tell(1)
    behaviour = simulate(people, seed)
    tell(2)
    bots = write_web(people, visitors, behaviour, sink, truth, seed, visitor_cookie)
    tell(3)
    contacts = write_salesforce(people, behaviour, sink, truth)
    tell(4)
    write_sap(people, behaviour, sink, truth)
    tell(5)
    write_zendesk(people, behaviour, sink, truth)
    tell(6)
    write_mail(people, behaviour, sink, truth)
    tell(7)
    write_feedback(people, behaviour, sink, truth)
    tell(8)
    write_counter(people, behaviour, sink, truth, seed)
    (out / "touchpoint360.yaml").write_text(
        CONFIGURATION + (COOKIE_CONFIGURATION if visitor_cookie else ""), encoding="utf-8"
    )
    if nights > 1:
        sink.copy(0, 1, "twilio/calls", "calls.csv", "calls (1).csv")
    tell(9)
    touchpoints = write_truth(out / "truth", people, visitors, behaviour, sink, truth, contacts, bots)
    return GenerationSummary(
        out=out,
        customer_count=customers,
        night_count=nights,
        file_count=len(sink.file_rows),
        row_count=sink.row_count,
        touchpoint_count=touchpoints,
        byte_count=sum(int(str(r["byte_count"])) for r in sink.file_rows),
        seconds=time.perf_counter() - started,
    )
