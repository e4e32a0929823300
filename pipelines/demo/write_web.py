"""Web server: the access log of the site in nginx "combined" layout, with people, page assets and robots; on request with a
first-party cookie of the visitor behind it (`COOKIE_LOG`).

Lines are written in the order of time, one file per calendar month (rotated logs of earlier months are gzipped). Which
request counts as which touchpoint is in `behaviour.WEB_TYPE` and in truth/web_path.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from pipelines.demo import company as co
from pipelines.demo import kinds
from pipelines.demo.behaviour import Behaviour
from pipelines.demo.company import DAY, DAYS, END, START
from pipelines.demo.people import People, visitor_cookies
from pipelines.demo.referrals import referrer_index, referrers
from pipelines.demo.robots import BOTS, HEALTH, ROBOTS_TXT, bot_table, robot_requests
from pipelines.demo.sink import SLICE, Broken, Sink
from pipelines.demo.truth import Truth
from pipelines.demo.write_mail import campaign_id
from pipelines.demo.write_salesforce import gclid
from pipelines.demo.write_sap import order_reference

# The layout with the cookie, as the server's configuration would say it.
COOKIE = "fp_visitor"
COOKIE_LOG = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" '
    f'"$cookie_{COOKIE}"'
)
_KINDS = HEALTH + 1
_REFS = 32


def _code(kind: int, ref: int) -> tuple[str, str]:
    """Method and path of a request of a kind."""
    product = co.PRODUCTS[ref % len(co.PRODUCTS)]
    campaign = co.CAMPAIGNS[ref % len(co.CAMPAIGNS)]
    utm = f"/lp/{campaign.slug}?utm_source={campaign.source}&utm_medium={campaign.medium}&utm_campaign={campaign.slug}"
    return {
        kinds.HOME: ("GET", "/"),
        kinds.CATEGORY: ("GET", f"/{co.CATEGORIES[ref % len(co.CATEGORIES)]}"),
        kinds.PRODUCT: ("GET", f"/{product.category}/{product.slug}"),
        kinds.ARTICLE: ("GET", f"/blog/{co.BLOG[ref % len(co.BLOG)]}"),
        kinds.SEARCH: ("GET", f"/search?q={co.SEARCH_TERMS[ref % len(co.SEARCH_TERMS)]}"),
        kinds.LANDING: ("GET", utm),
        kinds.DOWNLOAD: ("GET", f"/downloads/{co.DOWNLOADS[ref % len(co.DOWNLOADS)]}"),
        kinds.CART: ("POST", "/cart/add"),
        kinds.CHECKOUT: ("GET", "/checkout"),
        kinds.PAY: ("POST", "/checkout/payment"),
        kinds.PAY_ERROR: ("POST", "/checkout/payment"),
        kinds.PAY_FAILED: ("GET", "/checkout/payment-failed"),
        kinds.CONFIRMED: ("GET", "/checkout/confirmation"),
        kinds.LOGIN: ("POST", "/account/login"),
        kinds.ACCOUNT: ("GET", "/account/orders"),
        kinds.DEAD_LANDING: ("GET", utm),
        kinds.CONTACT: ("GET", "/contact"),
        kinds.API: ("POST", "/wp-json/contact-form-7/v1/contact-forms/36/feedback"),
        kinds.COMMENT: ("POST", "/wp-comments-post.php"),
        kinds.ASSET: ("GET", ("/assets/site.css", "/assets/shop.js", f"/assets/products/{product.slug}.webp")[ref % 3]),
        kinds.MAIL_LANDING: (
            "GET",
            f"/lp/newsletter-{ref % 30 + 1}?utm_source=mailchimp&utm_medium=email"
            f"&utm_campaign=newsletter-{ref % 30 + 1}&mc_cid={campaign_id(ref % 30)}",
        ),
        ROBOTS_TXT: ("GET", "/robots.txt"),
        HEALTH: ("GET", "/healthz"),
    }[kind]


_STATUS = {
    kinds.CART: 303,
    kinds.PAY: 303,
    kinds.PAY_ERROR: 500,
    kinds.LOGIN: 302,
    kinds.DEAD_LANDING: 404,
    kinds.COMMENT: 302,
}


def web_paths() -> pl.DataFrame:
    """Which request is which touchpoint: `method`, `path`, `status`, `touchpoint_type` (NULL: none)."""
    rows = []
    for kind, touchpoint_type in enumerate(kinds.WEB_TYPE):
        for ref in range(_REFS):
            method, path = _code(kind, ref)
            rows.append(
                {
                    "method": method,
                    "path": path.split("?")[0],
                    "status": _STATUS.get(kind, 200),
                    "touchpoint_type": touchpoint_type,
                }
            )
    return pl.DataFrame(rows, schema_overrides={"touchpoint_type": pl.String}).unique(maintain_order=True)


def _requests(behaviour: Behaviour, people: People, seed: int) -> pl.DataFrame:
    """People's requests with their assets and the robots, ordered by time."""
    hit = behaviour.hit
    visitor = (hit["person"].cast(pl.Int32) * 2 + hit["slot"].cast(pl.Int32)).alias("visitor")
    base = hit.select(
        "at", "kind", "ref", "entry_channel", "campaign", "session", "is_logged_in", "person"
    ).with_columns(visitor, is_human=pl.lit(True))
    # A landing page of a campaign is addressed by the campaign, a newsletter's by its number.
    base = base.with_columns(
        ref=pl.when(pl.col("kind").is_in([kinds.LANDING, kinds.DEAD_LANDING]))
        .then(pl.col("campaign").cast(pl.Int32))
        .otherwise("ref")
    )
    entry = base.filter(pl.col("entry_channel") >= 0)
    product = base.filter((pl.col("kind") == kinds.PRODUCT) & (pl.col("ref") % 3 == 2))

    def asset(frame: pl.DataFrame, ref: pl.Expr, delay: int) -> pl.DataFrame:
        return frame.with_columns(
            at=pl.col("at") + delay,
            kind=pl.lit(kinds.ASSET, dtype=pl.Int8),
            ref=ref.cast(pl.Int32),
            entry_channel=pl.lit(-1, dtype=pl.Int8),
            is_human=pl.lit(False),
            is_logged_in=pl.lit(False),
            session=pl.lit(-1, dtype=pl.Int32),
        )

    robots = robot_requests(people, seed).with_columns(
        entry_channel=pl.lit(-1, dtype=pl.Int8),
        campaign=pl.lit(0, dtype=pl.Int8),
        session=pl.lit(-1, dtype=pl.Int32),
        is_logged_in=pl.lit(False),
        person=pl.lit(-1, dtype=pl.Int32),
        is_human=pl.lit(False),
    )
    parts = [
        base,
        asset(entry, pl.lit(0), 0),
        asset(entry, pl.lit(1), 1),
        asset(product, pl.col("ref") * 3 + 2, 1),
        robots.select(base.columns),
    ]
    return pl.concat(parts).filter(pl.col("at") < END).sort("at", maintain_order=True)


class _Lines:
    """Formats requests; the tables of texts are made once."""

    def __init__(self, people: People, visitors: pl.DataFrame, visitor_cookie: bool) -> None:
        self.cookie = (
            pl.concat([visitor_cookies(len(visitors)), pl.Series(["-"] * len(BOTS))]) if visitor_cookie else None
        )
        self.ip = pl.concat([visitors["ip"], pl.Series([b.ip for b in BOTS])])
        self.agent = pl.concat([visitors["agent"], pl.Series([b.agent for b in BOTS])])
        self.login = people.frame["login"]
        self.unique_id = people.frame["unique_email_id"]
        pairs = [_code(kind, ref) for kind in range(_KINDS) for ref in range(_REFS)]
        self.request = pl.Series([f'"{method} {path}' for method, path in pairs])
        self.status = pl.Series(
            [
                f'HTTP/1.1" {_STATUS.get(kind, 200)} {180 + 97 * ref + 611 * kind} '
                for kind in range(_KINDS)
                for ref in range(_REFS)
            ]
        )
        self.referrer = referrers()
        self.clock = pl.Series([f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(DAY)])
        days = pl.Series(np.arange(-1, DAYS + 2) * DAY + START // DAY * DAY)
        self.first_day = int(days[0]) // DAY
        self.date = pl.from_epoch(days).dt.strftime("%d/%b/%Y:")
        # Clock changes of the zone, from the zone itself.
        probe = pl.Series("t", np.arange(START - DAY, END + DAY, 3600))
        wall = pl.from_epoch(probe).dt.replace_time_zone("UTC").dt.convert_time_zone(co.TIME_ZONE)
        offset = (wall.dt.base_utc_offset() + wall.dt.dst_offset()).dt.total_seconds().to_numpy()
        change = np.flatnonzero(np.diff(offset)) + 1
        self.changes = probe.to_numpy()[change]
        self.offsets = np.concatenate([offset[:1], offset[change]])

    def format(self, rows: pl.DataFrame) -> pl.Series:
        """Log lines of a part of the requests."""
        at = rows["at"].to_numpy()
        offset = self.offsets[np.searchsorted(self.changes, at, side="right")]
        wall = at + offset
        kind = rows["kind"].to_numpy().astype(np.int64)
        ref = rows["ref"].to_numpy()
        code = kind * _REFS + ref % _REFS
        visitor = rows["visitor"].to_numpy()
        person = rows["person"].to_numpy()
        entry = rows["entry_channel"].to_numpy().astype(np.int64)
        human = person >= 0
        referrer = referrer_index(entry, rows["session"].to_numpy(), kind, human)
        known = np.clip(person, 0, len(self.login) - 1)
        paid = (kind == kinds.LANDING) & (entry == co.PAID_SEARCH) | (kind == kinds.DEAD_LANDING)
        frame = pl.DataFrame(
            {
                "ip": self.ip.gather(visitor),
                "login": self.login.gather(known),
                "in": rows["is_logged_in"],
                "date": self.date.gather(wall // DAY - self.first_day),
                "clock": self.clock.gather(wall % DAY),
                "zone": pl.Series(["+0100] ", "+0200] "]).gather((offset == 7200).astype(np.uint32)),
                "request": self.request.gather(code),
                "status": self.status.gather(code),
                "referrer": self.referrer.gather(referrer),
                "agent": self.agent.gather(visitor),
                "paid": paid,
                "mail": (kind == kinds.MAIL_LANDING),
                "bought": kind == kinds.CONFIRMED,
                "session": rows["session"],
                "unique": self.unique_id.gather(known),
                "ref": rows["ref"].cast(pl.Int64),
            }
        )
        extra = (
            pl.when("paid")
            .then(pl.concat_str(pl.lit("&gclid="), gclid(pl.col("session"))))
            .when("mail")
            .then(pl.concat_str(pl.lit("&mc_eid="), pl.col("unique")))
            .when("bought")
            .then(pl.concat_str(pl.lit("?order="), order_reference(pl.col("ref"))))
            .otherwise(pl.lit(""))
        )
        line = pl.concat_str(
            "ip",
            pl.lit(" - "),
            pl.when("in").then("login").otherwise(pl.lit("-")),
            pl.lit(" ["),
            "date",
            "clock",
            pl.lit(" "),
            "zone",
            "request",
            extra,
            pl.lit(" "),
            "status",
            pl.lit('"'),
            "referrer",
            pl.lit('" "'),
            "agent",
            pl.lit('"'),
        )
        if self.cookie is not None:
            line = pl.concat_str(line, pl.lit(' "'), self.cookie.gather(visitor), pl.lit('"'))
        return frame.select(line.alias("line"))["line"]

    def parts(self, rows: pl.DataFrame) -> Iterator[pl.Series]:
        """Lines, a slice at a time."""
        for piece in rows.iter_slices(SLICE):
            yield self.format(piece)


def write_web(
    people: People,
    visitors: pl.DataFrame,
    behaviour: Behaviour,
    sink: Sink,
    truth: Truth,
    seed: int,
    visitor_cookie: bool = False,
) -> pl.DataFrame:
    """Write the access logs of every night; returns the robots for the truth."""
    request = _requests(behaviour, people, seed)
    lines = _Lines(people, visitors, visitor_cookie)
    cuts = sink.nights.cuts
    at = request["at"].to_numpy()
    held = np.zeros(len(request), dtype=bool)
    if len(cuts) > 1:
        # The second web server delivered one day too late.
        person = request["person"].to_numpy()
        held = (at >= cuts[0] - 3 * DAY) & (at < cuts[0] - 2 * DAY) & (person % 4 == 1) & (person >= 0)
    for night in range(len(cuts)):
        low, high = np.searchsorted(at, np.array([max(sink.nights.since(night), START - 400 * DAY), cuts[night]]))
        mine = request[int(low) : int(high)].filter(pl.Series(~held[low:high]))
        # Rotated at the end of the month, give or take the hour of summer time.
        months = pl.from_epoch(mine["at"] + 7200).dt.strftime("%Y%m")
        edges = [0, *(np.flatnonzero(months[1:] != months[:-1]) + 1).tolist(), len(mine)] if len(mine) else [0, 0]
        for index in range(len(edges) - 1):
            part = mine[edges[index] : edges[index + 1]]
            newest = index == len(edges) - 2
            stamp = months[edges[index]] if len(mine) else ""
            name = "access.log" if newest else f"access.log-{stamp}"
            # Logs of earlier nights and months are kept packed.
            packed = len(cuts) > 1 and (night < len(cuts) - 1 or not newest)
            sink.lines(
                "web/access_log",
                night,
                lines.parts(part),
                name=name + (".gz" if packed else ""),
                broken=_broken_lines(b' "-"' if visitor_cookie else b"") if night == 0 and newest else (),
                note="new lines",
            )
        if night == 1:
            sink.lines(
                "web/access_log",
                1,
                lines.parts(request.filter(pl.Series(held))),
                name="access-node2.log",
                note="late: a day of the second server that belongs to night 1",
            )
    # A request names the person when the same device carried, on that day (UTC), the login, the recipient of a
    # newsletter or the number of an order; with a cookie, on any day.
    device = pl.col("person") * 2 + pl.col("slot")
    day = pl.col("at") // DAY
    if lines.cookie is not None:
        day = pl.when(lines.cookie.gather(behaviour.hit.select(device).to_series()) != "-").then(-1).otherwise(day)
    hit = behaviour.hit.with_columns(device=device, day=day)
    tells = pl.col("is_logged_in") | pl.col("kind").is_in([kinds.MAIL_LANDING, kinds.CONFIRMED])
    named = (
        hit.filter(tells & (pl.col("at") < END)).select("device", "day").unique().with_columns(is_named=pl.lit(True))
    )
    hit = hit.join(named, on=["device", "day"], how="left", maintain_order="left").with_columns(
        pl.col("is_named").fill_null(False)
    )
    for touchpoint_type in sorted({t for t in kinds.WEB_TYPE if t}):
        wanted = [k for k, t in enumerate(kinds.WEB_TYPE) if t == touchpoint_type]
        truth.touchpoint(
            hit.filter(pl.col("kind").is_in(wanted)), touchpoint_type, "web/access_log", identified=pl.col("is_named")
        )
    first = people.count * 2
    robots = request.filter(pl.col("visitor") >= first)
    for kind, requests in robots.group_by("kind").len().sort("kind").iter_rows():
        if kind < len(kinds.WEB_TYPE) and kinds.WEB_TYPE[kind] is not None:
            truth.count(kinds.WEB_TYPE[kind], "web/access_log", robots=requests)
    # The planted search with a byte that is no UTF-8 is a request all the same.
    truth.count("site_search", "web/access_log", damaged=1)
    return bot_table(request, first)


def _broken_lines(end: bytes) -> list[Broken]:
    """Planted defects; `end` is what the layout has behind the agent."""
    stamp = "[24/Mar/2026:10:00:00 +0100]"
    return [
        Broken(
            f'192.0.2.9 - - {stamp} "GET /search?q=caf\udce9 HTTP/1.1" 200 512 "-" "Mozilla/5.0"'.encode(
                "utf-8", "surrogateescape"
            )
            + end,
            "invalid_utf8",
            "request",
            "/search?q=caf\\xe9",
            "decoded",
        ),
        Broken(f'192.0.2.9 - - {stamp} "GET /e-bikes/polder-ci'.encode(), "truncated_line", "", ""),
        Broken(
            b'192.0.2.9 - - [32/Foo/2026:10:00:00 +0100] "GET / HTTP/1.1" 200 512 "-" "Mozilla/5.0"' + end,
            "invalid_date",
            "time",
            "32/Foo/2026:10:00:00 +0100",
        ),
    ]
