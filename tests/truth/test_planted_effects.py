"""Planted effects are recovered within their intervals, and nothing is found where nothing was planted.

Six thousand people of the demo company as a night would see them if every identifier were found: touchpoints from the truth,
waits and reopenings from what happened, through the SQL models and their finish functions. How well a night finds people is
tested elsewhere; here the question is whether the estimates are right. docs/measures.md shows the same for a whole night.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from pipelines.demo.behaviour import simulate
from pipelines.demo.generate import generate
from pipelines.demo.people import make_people
from tests.sql.runner import Room

CUSTOMERS, SEED = 6000, 11
# Experience of the truth -> the factor it shows in.
FACTOR = {
    "ticket_reopened": ("touchpoint", "ticket_reopened"),
    "delivered_late": ("wait", "late_delivery"),
    "service_visit": ("touchpoint", "service_visit"),
    "payment_failed": ("touchpoint", "payment_failed"),
    "long_call_wait": ("wait", "call_inbound"),
    "fast_resolution": ("wait", "fast_solution"),
}
# Nothing was planted on these: people meet them whatever they are like.
NULLS = (
    *(
        "page_view",
        "landing_page_view",
        "site_search",
        "content_download",
        "login",
        "cart_updated",
        "email_sent",
        "email_opened",
    ),
    *("email_clicked", "form_submitted", "lead_created", "call_outbound", "complaint"),
)


@pytest.fixture(scope="module")
def rows(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[dict[tuple[str, ...], dict], dict[str, dict], dict[str, dict]]:
    """touchpoint_effect by (measure, scope, kind, factor); the truth's experiences; the truth's experiment."""
    out = tmp_path_factory.mktemp("planted")
    generate(out, customers=CUSTOMERS, seed=SEED, nights=1)
    room = Room(
        {"touchpoint_scope": scope(out)},
        data_date_at=pl.read_parquet(out / "truth/touchpoint.parquet")["occurred_at"].max(),
    )
    room.build("touchpoint_effect")
    names = [row[0] for row in room.rows("describe touchpoint_effect")]
    found = [dict(zip(names, row, strict=True)) for row in room.rows("from touchpoint_effect")]
    keyed = {(row["measure"], row["scope"], row["factor_kind"], row["factor"]): row for row in found}
    planted = {row["experience"]: row for row in pl.read_parquet(out / "truth/touchpoint_effect.parquet").to_dicts()}
    variant = {row["variant"]: row for row in pl.read_parquet(out / "truth/experiment.parquet").to_dicts()}
    return keyed, planted, variant


def scope(out: Path) -> pa.Table:
    """touchpoint_scope as text: the truth's touchpoints, with what they carry where it matters for the effects."""
    behaviour = simulate(make_people(CUSTOMERS, CUSTOMERS, SEED), SEED)
    touchpoint = pl.read_parquet(out / "truth/touchpoint.parquet").with_columns(
        pl.col("touchpoint_type", "system", "export").cast(pl.String)
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
    frame = frame.with_row_index("touchpoint_id", offset=1).rename({"person_id": "customer_id"})
    return frame.select(pl.all().cast(pl.String)).to_arrow()


def test_planted_effects_on_satisfaction_are_recovered(rows) -> None:
    found, planted, _ = rows
    for experience, factor in FACTOR.items():
        row = found["satisfaction", "nps", *factor]
        if row["estimate_status"] == "too_few":
            assert row["with_count"] < 30
            continue
        low, high = 10 * row["effect_low"], 10 * row["effect_high"]
        assert low < planted[experience]["felt_points"] < high, (experience, low, high, planted[experience])
    for experience in ("ticket_reopened", "delivered_late", "service_visit"):
        row = found["satisfaction", "nps", *FACTOR[experience]]
        assert row["is_marked"] and row["effect"] * planted[experience]["planted_points"] > 0
        assert row["importance_share"] > 0.1


def test_nothing_is_marked_where_nothing_was_planted(rows) -> None:
    found, _, _ = rows
    tested = [
        found["satisfaction", "nps", "touchpoint", name]
        for name in NULLS
        if ("satisfaction", "nps", "touchpoint", name) in found
    ]
    estimated = [row for row in tested if row["estimate_status"] == "estimated"]
    assert len(estimated) >= 8
    assert [row for row in estimated if row["is_marked"]] == []


def test_coming_back_depends_on_nothing_that_service_does(rows) -> None:
    """Later episodes of a person are drawn without looking back, so no service touchpoint brings anybody back."""
    found, _, _ = rows
    service = [
        row
        for (measure, scope_of, kind, factor), row in found.items()
        if measure == "retention" and scope_of == "repeat_order" and kind == "touchpoint"
        and factor.startswith(("ticket_", "call_", "service_", "complaint"))
    ]  # fmt: skip
    assert sum(row["estimate_status"] == "estimated" for row in service) >= 3
    assert [row["factor"] for row in service if row["is_marked"]] == []


def test_the_experiment_is_recovered_and_its_nulls_stay_null(rows) -> None:
    found, _, variant = rows
    name = "email_sent combination_id subject: subject_b"
    clicked = found["conversion", "email_clicked", "variant", name]
    share = {key: row["clicked_count"] / row["person_count"] for key, row in variant.items()}
    assert clicked["method"] == "experiment" and clicked["reference"] == "subject_a"
    assert clicked["effect_low"] < share["subject_b"] - share["subject_a"] < clicked["effect_high"]
    assert clicked["is_marked"] and clicked["effect"] > 0.05
    assert not found["conversion", "email_opened", "variant", name]["is_marked"]
    assert not found["conversion", "goal", "variant", name]["is_marked"]


def test_a_payment_that_failed_costs_conversions(rows) -> None:
    """A third of those whose payment is declined do not try again: the hazard after it is lower, all else equal."""
    found, _, _ = rows
    row = found["conversion", "purchase", "touchpoint", "payment_failed"]
    assert row["effect_high"] < 0 and row["is_marked"]
    for name in ("site_search", "content_download"):
        null = found["conversion", "purchase", "touchpoint", name]
        assert not null["is_marked"], null
