"""The planted effects of the demo company beside what `touchpoint_effect` finds of them, nulls included.

Companies of several seeds are estimated as a night would see them if every identifier were found: touchpoints from the truth,
waits, reopenings and variants from what happened, through the SQL models and their finish functions. With `--company` a whole
night is compared, of a company that was generated and run before. Written into docs/measures.md by

    python -m tests.truth.planted --customers 20000 --seeds 1 2 3 4 5 6 7 360 --docs docs/measures.md
    touchpoint360 generate --nights 1 --visitor-cookie --out demo             # and one night on it, then:
    python -m tests.truth.planted --company demo --docs docs/measures.md

Not here: what must hold of the figures (`test_planted_effects.py`), how well a night finds people (`test_identity.py`).
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
from scipy import stats

from pipelines.demo.behaviour import simulate
from pipelines.demo.generate import generate
from pipelines.demo.people import make_people
from pipelines.model_files import load_models
from pipelines.warehouse import Warehouse
from tests.sql.runner import Room

# Reach of a 95 % interval in standard errors.
NORMAL = 1.96
Key = tuple[str, str, str, str]
Found = dict[Key, dict[str, Any]]

# Experience of the truth -> the factor it shows in.
SATISFACTION = {
    "ticket_reopened": ("touchpoint", "ticket_reopened"),
    "delivered_late": ("wait", "late_delivery"),
    "service_visit": ("touchpoint", "service_visit"),
    "payment_failed": ("touchpoint", "payment_failed"),
    "long_call_wait": ("wait", "call_inbound"),
    "fast_resolution": ("wait", "fast_solution"),
}
VARIANT = "email_sent combination_id subject: subject_b"
# Nothing was planted on these, and people meet them whatever becomes of it.
NULLS = {
    ("satisfaction", "nps"): (
        *("page_view", "landing_page_view", "site_search", "content_download", "login", "cart_updated", "email_sent"),
        *("email_opened", "email_clicked", "form_submitted", "lead_created", "call_outbound", "complaint"),
    ),
    ("conversion", "purchase"): (
        *("site_search", "content_download", "comment_posted", "appointment_held", "demo_given", "call_outbound"),
        *("lead_created", "email_opened", "email_clicked"),
    ),
    ("retention", "repeat_order"): (
        *("call_inbound", "call_outbound", "ticket_opened", "ticket_resolved", "ticket_reopened", "complaint"),
        *("invoice_sent", "invoice_paid", "return_requested", "credit_note", "email_opened", "comment_posted"),
    ),
}


@dataclass(frozen=True)
class Comparison:
    """One planted effect, or none (0), beside its estimate; `unit` says in what both are counted."""

    measure: str
    what: str
    unit: str
    planted: float
    row: dict[str, Any] | None
    is_null: bool = False

    @property
    def values(self) -> tuple[float, float, float] | None:
        """Estimate and ends of the interval in `unit`; None where too few met it."""
        if self.row is None or self.row["estimate_status"] != "estimated":
            return None
        name, scale = (
            ("log_odds", 1.0) if self.unit == "log-odds" else ("effect", 10.0 if self.unit == "points" else 100.0)
        )
        return tuple(scale * self.row[end] for end in (name, f"{name}_low", f"{name}_high"))

    @property
    def error(self) -> float:
        """Standard error of the estimate, in `unit`; there is one where there are `values`."""
        assert self.values is not None
        return (self.values[2] - self.values[1]) / (2 * NORMAL)

    @property
    def z(self) -> float:
        """How far the estimate is from what was planted, in standard errors."""
        assert self.values is not None
        return (self.values[0] - self.planted) / self.error

    @property
    def is_recovered(self) -> bool | None:
        """Whether the interval holds what was planted."""
        return None if self.values is None else self.values[1] <= self.planted <= self.values[2]


def ideal_room(out: Path, customers: int, seed: int) -> Room:
    """The relations of the company in `out` with every identifier found, `touchpoint_effect` among them.

    Of the company's own people: nobody ever learns who the anonymous visitors were, and no visit of others is lost among theirs.
    """
    room = Room(
        {"touchpoint_scope": scope(out, customers, seed), "identifier_evidence": named(customers)},
        data_date_at=pl.read_parquet(out / "truth/touchpoint.parquet")["occurred_at"].max(),  # type: ignore[arg-type]
    )
    room.build("touchpoint_effect")
    return room


def found_in(connection: duckdb.DuckDBPyConnection) -> Found:
    """Rows of `touchpoint_effect` by measure, scope, kind and factor."""
    names = [row[0] for row in connection.execute("describe touchpoint_effect").fetchall()]
    rows = [dict(zip(names, row, strict=True)) for row in connection.execute("from touchpoint_effect").fetchall()]
    return {(row["measure"], row["scope"], row["factor_kind"], row["factor"]): row for row in rows}


def comparisons(connection: duckdb.DuckDBPyConnection, truth: Path) -> Iterator[Comparison]:
    """Every planted effect and every null; `connection` holds what `effect_retention` reads, and `touchpoint_effect`."""
    found = found_in(connection)

    def table(name: str) -> list[dict[str, Any]]:
        return pl.read_parquet(truth / f"{name}.parquet").to_dicts()

    def nulls(measure: str, scope_name: str, unit: str) -> Iterator[Comparison]:
        for name in NULLS[measure, scope_name]:
            row = found.get((measure, scope_name, "touchpoint", name))
            yield Comparison(measure, name, unit, 0.0, row, is_null=True)

    for row in table("conversion_effect"):
        if row["log_odds"] is not None:
            key = ("conversion", "purchase", "touchpoint", row["touchpoint_type"])
            yield Comparison("conversion", row["touchpoint_type"], "log-odds", row["log_odds"], found.get(key))
    for row in table("channel_effect"):
        if row["log_odds"] and row["journey_log_odds"] is not None:
            key = ("conversion", "purchase", "first_channel", row["channel"])
            what = f"first visit by {row['channel']}"
            yield Comparison("conversion", what, "log-odds", row["journey_log_odds"], found.get(key))
    share = {row["variant"]: row for row in table("experiment")}
    for outcome, column in (("email_clicked", "clicked_count"), ("email_opened", "opened_count"), ("goal", "")):
        a, b = (
            (row[column] / row["person_count"] if column else 0.0) for row in (share["subject_a"], share["subject_b"])
        )
        planted = 100 * (b - a) if outcome == "email_clicked" else 0.0
        key = ("conversion", outcome, "variant", VARIANT)
        what = f"experiment: subject_b, {'bought' if outcome == 'goal' else outcome}"
        yield Comparison("conversion", what, "% points", planted, found.get(key), is_null=outcome != "email_clicked")
    yield from nulls("conversion", "purchase", "log-odds")

    for row in table("touchpoint_effect"):
        if row["seen_points"] is not None:
            key = ("satisfaction", "nps", *SATISFACTION[row["experience"]])
            yield Comparison("satisfaction", row["experience"], "points", row["seen_points"], found.get(key))
    yield from nulls("satisfaction", "nps", "points")

    felt = felt_return(connection, truth)
    if felt is not None:
        key = ("retention", "repeat_order", "touchpoint", "service_visit")
        yield Comparison("retention", "service_visit", "log-odds", felt, found.get(key))
    yield from nulls("retention", "repeat_order", "log-odds")


def felt_return(connection: duckdb.DuckDBPyConnection, truth: Path) -> float | None:
    """What the planted returns after a service visit are in the log-odds of the hazard, among the periods after a visit.

    Of the periods with a visit before them a share ended with an order, and of it a part with an order that the visit brought:
    the log-odds with that part less those without it.
    """
    caused = (
        pl.read_parquet(truth / "return_purchase.parquet")
        .filter(pl.col("cause") == "service_visit")
        .select("occurred_at")
    )
    connection.register("caused", caused.to_arrow())
    share, brought = connection.execute(
        f"""
        with customer_order as (
            select spine.touchpoint_id, lead(spine.occurred_at) over (
                partition by spine.customer_id order by spine.occurred_at, spine.sort_rank, spine.touchpoint_id) as next_at
            from spine join touchpoint_type using (touchpoint_type_code)
            where touchpoint_type.touchpoint_type in ('order_placed', 'pos_purchase')
        ),
        period as (
            select unit_id, period, bool_or(coalesce(is_event, false)) as is_event,
                bool_or(coalesce(factor_kind = 'touchpoint' and factor = 'service_visit', false)) as is_visited
            from ({load_models()["effect_retention"].text}) where scope = 'repeat_order' group by unit_id, period
        )
        select avg(cast(is_event as integer)), avg(cast(is_event and next_at in (from caused) as integer))
        from period join customer_order on customer_order.touchpoint_id = period.unit_id where is_visited
        """
    ).fetchall()[0]
    connection.unregister("caused")
    if not brought or share <= brought:
        return None
    return math.log(share / (1 - share)) - math.log((share - brought) / (1 - share + brought))


def named(customers: int) -> pa.Table:
    """Evidence that the customers have an address."""
    number = pl.int_range(1, customers + 1, eager=True).cast(pl.String)
    return pl.DataFrame({"customer_id": number, "identifier_type": "email", "identifier_value": number}).to_arrow()


def scope(out: Path, customers: int, seed: int) -> pa.Table:
    """touchpoint_scope as text: the truth's touchpoints, with what they carry where it matters for the effects."""
    behaviour = simulate(make_people(customers, customers, seed), seed)
    touchpoint = (
        pl.read_parquet(out / "truth/touchpoint.parquet")
        .filter(pl.col("person_id") <= customers)
        .with_columns(pl.col("touchpoint_type", "system", "export").cast(pl.String))
    )
    own = ("twilio.call", "qualtrics.response", "mailchimp.campaign_recipient")
    plain = touchpoint.filter(
        ~pl.col("export").is_in(own)
        & ~((pl.col("system") == "zendesk") & (pl.col("touchpoint_type") == "ticket_resolved"))
    )
    person, at = (
        (pl.col("person") + 1).alias("person_id"),
        lambda name: pl.from_epoch(name).dt.cast_time_unit("us").alias("occurred_at"),
    )
    scales = pl.DataFrame(
        {"kind": [0, 1, 2], "score_kind": ["nps", "ces", "csat"], "low": [0, 1, 1], "high": [10, 7, 5]},
        schema_overrides={"kind": pl.Int8},
    )
    letter = pl.when(pl.col("variant") == 0).then(pl.lit("a")).otherwise(pl.lit("b"))
    scaled = (pl.col("score") - pl.col("low")) / (pl.col("high") - pl.col("low"))

    def made(frame: pl.DataFrame, moment: str, touchpoint_type: str, system: str, **extra: pl.Expr) -> pl.DataFrame:
        return frame.select(
            person, at(moment), touchpoint_type=pl.lit(touchpoint_type), source_system=pl.lit(system), **extra
        )

    parts = [
        plain.select("person_id", "occurred_at", "touchpoint_type", source_system="system"),
        made(behaviour.call, "at", "call_inbound", "twilio", waiting_seconds=pl.col("wait")),
        made(
            behaviour.ticket,
            "final_at",
            "ticket_resolved",
            "zendesk",
            attributes=pl.when("is_reopened").then(pl.lit('{"reopen_count":1}')),
        ),
        made(
            behaviour.mail_sent,
            "at",
            "email_sent",
            "mailchimp",
            attributes=pl.concat_str(pl.lit('{"combination_id":"subject_'), letter, pl.lit('"}')),
        ),
        made(
            behaviour.survey.join(scales, on="kind"),
            "at",
            "survey_answered",
            "qualtrics",
            score_kind=pl.col("score_kind"),
            score_scaled=scaled,
        ),
    ]
    frame = pl.concat([part.with_columns(pl.col("person_id").cast(pl.Int64)) for part in parts], how="diagonal").filter(
        pl.col("occurred_at") <= touchpoint["occurred_at"].max()
    )
    visit = pl.read_parquet(out / "truth/visit.parquet").filter(pl.col("traffic_medium") != "(none)")
    came = visit.select(
        pl.col("person_id").cast(pl.Int64),
        pl.lit("access_log").alias("source_system"),
        pl.col("started_at").alias("occurred_at"),
        campaign_source="traffic_source",
        campaign_medium="traffic_medium",
    ).unique(["person_id", "occurred_at"], keep="first", maintain_order=True)
    frame = frame.join(came, on=["person_id", "source_system", "occurred_at"], how="left", maintain_order="left")
    frame = frame.with_row_index("touchpoint_id", offset=1).rename({"person_id": "customer_id"})
    return frame.select(pl.all().cast(pl.String)).to_arrow()


def markdown(rows: list[Comparison], caption: str) -> str:
    """The table of docs/measures.md with what it amounts to."""
    lines = [
        caption,
        "",
        "| measure | what | planted | n | estimate | 95 % interval | held |",
        "|---|---|--:|--:|--:|---|---|",
    ]
    for one in rows:
        if one.values is None:
            continue
        value, low, high = one.values
        planted = f"0 {one.unit}" if one.is_null else f"{one.planted:+.2f} {one.unit}"
        cells = [
            one.measure,
            one.what + (" (null)" if one.is_null else ""),
            planted,
            f"{one.row['with_count']:,}" if one.row else "",
        ]
        cells += [f"{value:+.2f}", f"{low:+.2f} to {high:+.2f}", "yes" if one.is_recovered else "**no**"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", summary(rows)])


def summary(rows: list[Comparison]) -> str:
    """How many intervals hold what was planted, of effects and of nulls, which nulls are marked and what too few met."""
    effect = [one for one in rows if not one.is_null and one.values]
    null = [one for one in rows if one.is_null and one.values]
    marked = [one.what for one in null if one.row and one.row["is_marked"]]
    few = [f"{one.measure} {one.what}" for one in rows if one.values is None]
    return (
        f"{sum(bool(one.is_recovered) for one in effect)} of {len(effect)} intervals hold the planted effect, "
        f"{sum(bool(one.is_recovered) for one in null)} of {len(null)} hold the null; "
        f"nulls marked: {', '.join(marked) or 'none'}. Without a figure: {', '.join(few) or 'none'}."
    )


def coverage_markdown(seeds: list[list[Comparison]], caption: str) -> str:
    """The table over several seeds: what was planted, what was found on average, how often the intervals held it."""
    lines = [
        caption,
        "",
        "| measure | what | planted | found | difference | held |",
        "|---|---|--:|--:|---|--:|",
    ]
    grouped: dict[tuple[str, str], list[Comparison]] = {}
    for rows in seeds:
        for one in rows:
            grouped.setdefault((one.measure, one.what), []).append(one)
    for (measure, what), rows in grouped.items():
        known = [one for one in rows if one.values]
        if not known:
            continue
        planted = sum(one.planted for one in known) / len(known)
        found = sum(one.values[0] for one in known if one.values) / len(known)
        reach = NORMAL * math.sqrt(sum(one.error**2 for one in known)) / len(known)
        unit = known[0].unit
        cells = [
            measure,
            what + (" (null)" if known[0].is_null else ""),
            f"0 {unit}" if known[0].is_null else f"{planted:+.2f} {unit}",
            f"{found:+.2f}",
            f"{found - planted:+.2f} ± {reach:.2f}",
            f"{sum(bool(one.is_recovered) for one in known)} of {len(known)}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", coverage_summary([one for rows in seeds for one in rows])])


def coverage_summary(rows: list[Comparison]) -> str:
    """How many of all intervals hold what was planted, beside what right ones of 95 % would do, and which nulls are marked."""
    said = []
    for name, is_null in (("planted effect", False), ("null", True)):
        part = [one for one in rows if one.is_null == is_null and one.values]
        held = sum(bool(one.is_recovered) for one in part)
        low, high = stats.binom.interval(0.95, len(part), 0.95)
        said.append(
            f"{held} of {len(part)} intervals ({held / len(part):.1%}) hold the {name} "
            f"(of that many right ones, {low:.0f} to {high:.0f} would)"
        )
    tested = [one for one in rows if one.is_null and one.values and one.row]
    marked = sorted({f"{one.measure} {one.what}" for one in tested if one.row and one.row["is_marked"]})
    few = sorted({f"{one.measure} {one.what}" for one in rows if one.values is None})
    return (
        f"{said[0]}. {said[1]}. Marked: {sum(bool(one.row and one.row['is_marked']) for one in tested)} of {len(tested)} nulls"
        f" ({', '.join(marked) or 'none'}). Somewhere without a figure: {', '.join(few) or 'none'}."
    )


def night_connection(company: Path) -> duckdb.DuckDBPyConnection:
    """The release of a company that was run before, its effects rebuilt by the models as they are now."""
    release = Warehouse(company / "warehouse").require_current()
    connection = duckdb.connect()
    connection.execute(f"attach '{release.data_file}' as data (read_only)")
    connection.execute(f"attach '{release.state_file}' as state (read_only)")
    connection.execute("set search_path = 'memory.main,data.main,state.main'")
    models = load_models()
    for name in (
        "effect_conversion",
        "effect_satisfaction",
        "effect_retention",
        "effect_experiment",
        "touchpoint_effect",
    ):
        found = connection.sql(models[name].text).to_arrow_table()
        finish = models[name].finisher()
        connection.register("arriving", finish(found) if finish else found)
        connection.execute(f"create table memory.main.{name} as from arriving")
        connection.unregister("arriving")
    return connection


def main() -> None:
    """Compare, and print the table or write it between the marks of a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[360], help="companies to estimate, one after another")
    parser.add_argument("--company", type=Path, help="folder with the truth and the warehouse of a company run before")
    parser.add_argument("--docs", type=Path, help="write the table between the marks of this page")
    chosen = parser.parse_args()
    if chosen.company:
        mark = "planted in a night"
        people = pl.read_parquet(chosen.company / "truth/person.parquet").filter(~pl.col("is_anonymous")).height
        rows = list(comparisons(night_connection(chosen.company), chosen.company / "truth"))
        text = markdown(rows, f"A whole night on the exports of {people:,} customers (`--company`):")
    else:
        mark = "planted"
        seeds = []
        for seed in chosen.seeds:
            with tempfile.TemporaryDirectory(prefix="touchpoint360-planted-") as folder:
                out = Path(folder)
                generate(out, customers=chosen.customers, seed=seed, nights=1)
                seeds.append(list(comparisons(ideal_room(out, chosen.customers, seed).connection, out / "truth")))
        words = f"Companies of {chosen.customers:,} customers, seeds {', '.join(map(str, chosen.seeds))}, every identifier found:"
        text = coverage_markdown(seeds, words)
    if chosen.docs is None:
        print(text)
        return
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    before, _, rest = chosen.docs.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    chosen.docs.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
