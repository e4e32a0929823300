"""Robots on the site: those that say so, those that are told by what they do, and the health check of the load balancer.

One row per request, as numbers, as `visits` does for people. How a request looks in the log belongs to `write_web`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.demo import kinds
from pipelines.demo.chance import Ints, stream
from pipelines.demo.company import DAY, DAYS, END, START
from pipelines.demo.people import DESKTOP_AGENTS, MOBILE_AGENTS, People

# Kinds that only machines ask for, after those of people.
ROBOTS_TXT = len(kinds.WEB_TYPE)
HEALTH = ROBOTS_TXT + 1
SWEEPER_COUNT = 12


@dataclass(frozen=True)
class Bot:
    """A robot: its name, address, agent, whether it says that it is one, and the reason by which it must be told."""

    name: str
    ip: str
    agent: str
    is_declared: bool
    reason: str


BOTS = (
    Bot(
        "search engine",
        "203.0.113.251",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        True,
        "crawler_list",
    ),
    Bot(
        "second search engine",
        "203.0.113.252",
        "Mozilla/5.0 (compatible; PolderIndexBot/1.4; +https://bot.example/info)",
        True,
        "robot_word",
    ),
    Bot("uptime monitor", "203.0.113.253", "UptimeMonitor/1.0 (+https://uptime.example)", True, "robot_word"),
    Bot("script", "203.0.113.254", "python-requests/2.32.3", True, "crawler_list"),
    Bot("stealth scraper", "2001:db8:bad:cafe::1", DESKTOP_AGENTS[7], False, "no_assets"),
    Bot("load balancer", "203.0.113.250", "ELB-HealthChecker/2.0", True, "robot_word"),
    Bot("polite stealth crawler", "2001:db8:bad1:cafe::1", DESKTOP_AGENTS[3], False, "robots_txt"),
    Bot("hurried scraper", "2001:db8:bad2:cafe::1", DESKTOP_AGENTS[5], False, "request_rate"),
    Bot("price watcher that never sleeps", "2001:db8:bad3:cafe::1", MOBILE_AGENTS[2], False, "endless_session"),
    *(
        Bot(f"rotating scraper {n + 1}", f"2001:db8:bad4:{n + 1:x}::1", DESKTOP_AGENTS[9], False, "network_sweep")
        for n in range(SWEEPER_COUNT)
    ),
)


def robot_requests(people: People, seed: int) -> pl.DataFrame:
    """Requests of `BOTS`: `at`, `kind`, `ref`, `visitor` (numbered behind the people)."""
    rng = stream(seed, "robots")
    scale = max(1.0, people.customer_count / 2000)
    first = people.count * 2
    at: list[Ints] = []
    kind: list[Ints] = []
    ref: list[Ints] = []
    who: list[Ints] = []

    def add(times: Ints, kind_of: Ints, bot: int) -> None:
        at.append(times.astype(np.int64))
        kind.append(kind_of)
        ref.append(rng.integers(0, 16, len(times)))
        who.append(np.full(len(times), first + bot))

    pages = np.array([kinds.HOME, kinds.CATEGORY, kinds.PRODUCT, kinds.ARTICLE])
    for bot, per_day in ((0, 14), (1, 6)):
        count = int(per_day * scale)
        day = np.repeat(np.arange(DAYS), count + 1)
        place = np.tile(np.arange(count + 1), DAYS)
        times = START + day * DAY + 3600 * (1 + bot) + np.minimum(place * 41, 60_000) + rng.integers(0, 30, len(day))
        add(times, np.where(place == 0, ROBOTS_TXT, rng.choice(pages, len(day))), bot)
    every = np.arange(START, END, 3 * 3600)
    add(every, np.full(len(every), kinds.HOME), 2)
    script = START + rng.integers(0, DAYS * DAY, int(60 * scale))
    add(np.sort(script), rng.choice(pages, len(script)), 3)
    # The scraper: whole catalogue at a steady pace in six nights, no assets, no robots.txt.
    for night in range(6):
        count = min(int(90 * scale), 6000)
        add(START + (15 + 28 * night) * DAY + 3 * 3600 + np.arange(count) * 2, np.full(count, kinds.PRODUCT), 4)

    rng = stream(seed, "robots told by what they do")
    health = np.arange(START + 600, END, 2 * 3600)
    add(health, np.full(len(health), HEALTH), 5)
    for visit in range(5):
        start = START + (10 + 31 * visit) * DAY + 12 * 3600
        times = start + np.arange(9) * 25
        add(times, np.where(np.arange(9) == 0, ROBOTS_TXT, rng.choice(pages, 9)), 6)
    for visit in range(3):
        # Two pages a second for 40 seconds, with the styles of the first page.
        times = START + (21 + 50 * visit) * DAY + 10 * 3600 + np.repeat(np.arange(40), 2)
        add(times, np.full(80, kinds.PRODUCT), 7)
        add(times[:2], np.full(2, kinds.ASSET), 7)
    for visit in range(2):
        # Three days without a pause of half an hour, from midnight (UTC) on.
        start = (START // DAY + 40 + 90 * visit) * DAY
        times = start + np.arange(3 * 72) * 1200 + 60
        add(times, np.full(len(times), kinds.PRODUCT), 8)
        add(times + 1, np.full(len(times), kinds.ASSET), 8)
    for bot in range(SWEEPER_COUNT):
        times = START + 70 * DAY + 2 * 3600 + bot * 700 + np.arange(10) * 60
        add(times, np.full(10, kinds.PRODUCT), 9 + bot)
    return pl.DataFrame(
        {
            "at": np.concatenate(at),
            "kind": np.concatenate(kind).astype(np.int8),
            "ref": np.concatenate(ref).astype(np.int32),
            "visitor": np.concatenate(who).astype(np.int32),
        }
    )


def bot_table(request: pl.DataFrame, first: int) -> pl.DataFrame:
    """The robots for the truth, with how many of their requests are in the log and how many of those are pages."""
    pages = [kind for kind, touchpoint_type in enumerate(kinds.WEB_TYPE) if touchpoint_type is not None]
    counts = (
        request.filter(pl.col("visitor") >= first)
        .group_by("visitor")
        .agg(request_count=pl.len().cast(pl.Int64), page_count=pl.col("kind").is_in(pages).sum().cast(pl.Int64))
    )
    number = {visitor: (requests, found) for visitor, requests, found in counts.iter_rows()}
    return pl.DataFrame(
        [
            {
                "name": bot.name,
                "ip": bot.ip,
                "agent": bot.agent,
                "is_declared": bot.is_declared,
                "reason": bot.reason,
                "request_count": number.get(first + place, (0, 0))[0],
                "page_count": number.get(first + place, (0, 0))[1],
            }
            for place, bot in enumerate(BOTS)
        ]
    )
