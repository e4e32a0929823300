"""Effects on made-up companies in which the truth is planted: found within the interval, nothing found where nothing is."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from models import effect


def rows_of(table: pa.Table) -> dict[tuple[str, str], dict]:
    return {(row["factor_kind"], row["factor"]): row for row in table.to_pylist()}


def satisfaction_company(answers: int = 3000, silence: float = 0.0) -> pa.Table:
    """Scores with -0.12 for a complaint, +0.06 for a visit, nothing for a page; the unhappy answer less when `silence`."""
    generator = np.random.default_rng(11)
    factors = {"complaint": -0.12, "service_visit": 0.06, "page_view": 0.0}
    met = {name: generator.random(answers) < 0.3 for name in factors}
    customer = generator.integers(0, answers // 2, answers)
    score = 0.6 + generator.normal(0, 0.05, answers // 2)[customer] + generator.normal(0, 0.1, answers)
    for name, size in factors.items():
        score = score + size * met[name]
    answered = generator.random(answers) > silence * met["complaint"]
    base = pl.DataFrame(
        {
            "unit_id": np.arange(answers),
            "customer_id": customer,
            "score": np.where(answered, score, np.nan),
            "is_invited": True,
        }
    ).with_columns(pl.col("score").fill_nan(None))
    parts = [
        base.with_columns(
            factor_kind=pl.lit(None, pl.String), factor=pl.lit(None, pl.String), is_bad=pl.lit(None, pl.Boolean)
        )
    ]
    for name, mask in met.items():
        part = pl.DataFrame({"unit_id": np.flatnonzero(mask)}).with_columns(
            factor_kind=pl.lit("touchpoint"), factor=pl.lit(name), is_bad=pl.col("unit_id") % 2 == 0
        )
        parts.append(part)
    return pl.concat(parts, how="diagonal").with_columns(scope=pl.lit("nps")).to_arrow()


def test_planted_satisfaction_is_recovered_and_null_stays_null() -> None:
    found = rows_of(effect.satisfaction(satisfaction_company()))
    for name, planted in (("complaint", -0.12), ("service_visit", 0.06), ("page_view", 0.0)):
        row = found["touchpoint", name]
        assert row["effect_low"] < planted < row["effect_high"], name
        assert row["is_marked"] == (planted != 0)
        assert (row["effect_high"] - row["effect_low"]) < 0.03
    assert found["touchpoint", "complaint"]["importance_share"] > 0.6
    assert sum(row["importance_share"] for row in found.values()) == pytest.approx(1)
    # Bad and good ones were planted alike, so neither side weighs more.
    assert found["touchpoint", "complaint"]["penalty"] == pytest.approx(-0.12, abs=0.02)
    assert found["touchpoint", "complaint"]["reward"] == pytest.approx(-0.12, abs=0.02)
    assert found["touchpoint", "complaint"]["asymmetry"] == pytest.approx(0, abs=0.15)
    assert {row["response_share"] for row in found.values()} == {1.0}


def test_silence_of_the_unhappy_is_shown_and_weighted() -> None:
    table = satisfaction_company(silence=0.6)
    found = rows_of(effect.satisfaction(table))
    assert found["touchpoint", "complaint"]["response_share"] == pytest.approx(1 - 0.6 * 0.3, abs=0.02)
    member = np.zeros((4000, 1))
    member[:2000] = 1
    answered = np.arange(4000) % 4 < np.where(member[:, 0] == 1, 1, 3)
    weight, share = effect.response_weights(member, answered, np.ones(4000, dtype=bool), np.arange(4000))
    # A quarter of those with the complaint answer, three quarters of the others: one answer stands for three times as many.
    assert share == 0.5
    assert weight[answered & (member[:, 0] == 1)].mean() / weight[
        answered & (member[:, 0] == 0)
    ].mean() == pytest.approx(3, abs=0.05)
    assert weight[answered].mean() == pytest.approx(1)


def conversion_company(journeys: int = 6000) -> pa.Table:
    """Hazard per visit: 0.1; doubled odds after a call, halved odds after an error; nothing for a search."""
    generator = np.random.default_rng(5)
    rows: list[dict] = []
    effects = {
        ("touchpoint", "call_inbound"): np.log(2),
        ("failure", "error_page"): np.log(0.5),
        ("touchpoint", "site_search"): 0.0,
    }
    for unit in range(journeys):
        met: dict[tuple[str, str], int] = {}
        channel = "direct" if unit % 2 else "email"
        odds = np.log(0.1 / 0.9) + (0.5 if channel == "email" else 0)
        periods, converted = 0, False
        for period in range(1, 6):
            periods = period
            for name in effects:
                if name not in met and generator.random() < 0.2:
                    met[name] = period
            logit = odds + sum(size for name, size in effects.items() if name in met)
            if generator.random() < 1 / (1 + np.exp(-logit)):
                converted = True
                break
            if generator.random() < 0.35:
                break
        rows += [
            {"scope": "purchase", "unit_id": unit, "customer_id": unit // 2, "period": period, "step_count": 3 * period}
            | {"is_event": converted and period == periods, "is_converted": converted}
            | {"first_channel": channel, "occasion_channel": channel}
            | {
                "is_named": True,
                "is_unlinked": False,
                "begins_with_visit": True,
                "is_returning": False,
                "is_near": False,
                "was_near": False,
                "age_days": 0.0,
            }
            for period in range(1, periods + 1)
        ]
        rows += [
            {"scope": "purchase", "unit_id": unit, "factor_kind": k, "factor": f, "first_period": p, "until_days": 30.0}
            for (k, f), p in met.items()
        ]
    schema = pa.schema(
        [("scope", pa.string()), ("unit_id", pa.int64()), ("customer_id", pa.int64()), ("period", pa.int32()),
         ("step_count", pa.int32()), ("is_named", pa.bool_()), ("is_unlinked", pa.bool_()),
         ("begins_with_visit", pa.bool_()), ("until_days", pa.float64()),
         ("is_returning", pa.bool_()), ("is_near", pa.bool_()), ("was_near", pa.bool_()),
         ("age_days", pa.float64()), ("last_period", pa.int32()),
         ("occasion_channel", pa.string()),
         ("is_event", pa.bool_()), ("is_converted", pa.bool_()),
         ("first_channel", pa.string()), ("factor_kind", pa.string()), ("factor", pa.string()),
         ("first_period", pa.int32()), ("is_bad", pa.bool_())]
    )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=schema)


def test_planted_hazard_is_recovered_and_null_stays_null() -> None:
    """Those who convert early have less time to meet anything: shares of journeys would lie, the hazard does not."""
    found = rows_of(effect.conversion(conversion_company()))
    planted = {
        ("touchpoint", "call_inbound"): np.log(2),
        ("failure", "error_page"): np.log(0.5),
        ("touchpoint", "site_search"): 0.0,
    }
    for name, size in planted.items():
        row = found[name]
        assert row["log_odds_low"] < size < row["log_odds_high"], name
        assert row["is_marked"] == (size != 0)
    email = found["first_channel", "email"]
    assert email["reference"] == "direct"
    assert email["is_marked"] and email["effect"] > 0
    assert email["without_count"] == 3000


def test_first_visits_that_nothing_joins_to_later_ones_are_counted_and_not_estimated_from() -> None:
    """Of unlinked customers the visits in vain are missing but for the newsletter's: shares turn round, the estimate stays."""
    table = conversion_company()
    frame: pl.DataFrame = pl.DataFrame(table)
    unlinked = pl.col("customer_id") % 3 > 0
    lost = frame.filter(unlinked & ~pl.col("is_converted") & (pl.col("first_channel") == "direct"))["unit_id"].unique()
    mixed = frame.filter(~pl.col("unit_id").is_in(lost.implode())).with_columns(is_unlinked=unlinked)
    row = rows_of(effect.conversion(mixed.to_arrow()))["first_channel", "email"]
    linked = frame.filter(pl.col("factor").is_null() & ~unlinked)
    alone = rows_of(effect.conversion(pl.concat([linked, frame.filter(pl.col("factor").is_not_null())]).to_arrow()))
    assert row["with_mean"] < row["without_mean"]
    assert row["log_odds"] == pytest.approx(alone["first_channel", "email"]["log_odds"]) and row["log_odds_low"] > 0
    # As many nobodies by every channel change nothing; a channel that always says who came is another thing.
    strangers = frame.filter(pl.col("factor").is_null() & (pl.col("period") == 1)).with_columns(
        unit_id=pl.col("unit_id") + 10_000, customer_id=pl.col("customer_id") + 10_000, is_named=pl.lit(False)
    )
    strangers = strangers.with_columns(is_event=pl.lit(False), is_converted=pl.lit(False))
    among = pl.concat([frame, strangers]).to_arrow()
    assert rows_of(effect.conversion(among))["first_channel", "email"]["log_odds"] == pytest.approx(
        rows_of(effect.conversion(table))["first_channel", "email"]["log_odds"]
    )
    direct = pl.concat(
        [
            frame,
            strangers.filter(pl.col("first_channel") == "direct"),
            strangers.with_columns(unit_id=pl.col("unit_id") + 10_000, first_channel=pl.lit("direct")),
        ]
    ).to_arrow()
    named = rows_of(effect.conversion(direct))["first_channel", "email"]
    assert (named["estimate_status"], named["log_odds"], named["with_count"]) == ("named_visits", None, 3000)
    none = rows_of(effect.conversion(frame.with_columns(is_unlinked=pl.lit(True)).to_arrow()))["first_channel", "email"]
    assert (none["estimate_status"], none["effect"], none["is_marked"]) == ("unlinked_visits", None, False)
    assert (none["with_count"], none["without_count"]) == (3000, 3000)


def test_retention_by_periods() -> None:
    generator = np.random.default_rng(9)
    n = 4000
    event = generator.random(n) < np.where(np.arange(n) % 4 == 0, 0.30, 0.15)
    base = pl.DataFrame(
        {
            "unit_id": np.arange(n) // 2,
            "period": np.arange(n) % 2 + 1,
            "customer_id": np.arange(n) // 4,
            "order_number": 1,
            "is_event": event,
        }
    )
    met = (
        base.filter(pl.Series(np.arange(n) % 4 == 0))
        .select("unit_id", "period")
        .with_columns(factor_kind=pl.lit("touchpoint"), factor=pl.lit("email_clicked"), is_bad=pl.lit(False))
    )
    null = (
        base.filter(pl.Series(generator.random(n) < 0.4))
        .select("unit_id", "period")
        .with_columns(factor_kind=pl.lit("touchpoint"), factor=pl.lit("invoice_sent"), is_bad=pl.lit(False))
    )
    table = pl.concat([base, met, null], how="diagonal").with_columns(scope=pl.lit("repeat_order")).to_arrow()
    found = rows_of(effect.retention(table))
    row = found["touchpoint", "email_clicked"]
    assert row["effect_low"] < 0.15 < row["effect_high"]
    assert row["is_marked"] and not found["touchpoint", "invoice_sent"]["is_marked"]


def test_a_step_of_the_process_is_no_influence_and_distorts_no_other() -> None:
    """Nothing is solved without a reply; a call does nothing, but comes with replies."""
    generator = np.random.default_rng(4)
    n = 4000
    reply = generator.random(n) < 0.5
    call = generator.random(n) < np.where(reply, 0.6, 0.2)
    solved = np.where(reply, generator.random(n) < 0.97, generator.random(n) < 0.01)
    base = pl.DataFrame(
        {"unit_id": np.arange(n), "period": 1, "customer_id": np.arange(n), "order_number": 1, "is_event": solved}
    )
    met = [
        pl.DataFrame({"unit_id": np.flatnonzero(mask), "period": 1}).with_columns(
            factor_kind=pl.lit("touchpoint"), factor=pl.lit(name), is_bad=pl.lit(False)
        )
        for name, mask in (("ticket_replied", reply), ("call_inbound", call))
    ]
    table = pl.concat([base, *met], how="diagonal").with_columns(scope=pl.lit("repeat_order")).to_arrow()
    found = rows_of(effect.retention(table))
    step, other = found["touchpoint", "ticket_replied"], found["touchpoint", "call_inbound"]
    assert (step["estimate_status"], step["effect"], step["is_marked"]) == ("process_step", None, False)
    assert step["with_count"] == reply.sum() and step["with_mean"] > 0.9
    # Without it in the model the call goes with what its replies bring: the raw odds of calls.
    raw = [np.log(solved[mask].mean() / (1 - solved[mask].mean())) for mask in (call, ~call)]
    assert other["estimate_status"] == "estimated" and other["log_odds"] == pytest.approx(raw[0] - raw[1], abs=0.01)


def counted(rows: list[tuple[str, str, int, int]]) -> pa.Table:
    names = ("experiment", "variant", "person_count", "event_count")
    return pa.table({"scope": ["goal"] * len(rows), **{name: [row[i] for row in rows] for i, name in enumerate(names)}})


def test_experiment_by_hand() -> None:
    found = rows_of(effect.experiment(counted([("mail", "a", 1000, 100), ("mail", "b", 1010, 202)])))
    row = found["variant", "mail: b"]
    assert row["method"] == "experiment" and row["reference"] == "a"
    assert row["effect"] == pytest.approx(0.1)
    assert row["effect_low"] == pytest.approx(0.0686, abs=0.001) and row["effect_high"] == pytest.approx(
        0.1309, abs=0.001
    )
    assert row["sample_ratio_p_value"] == pytest.approx(0.8235, abs=0.001)


def test_groups_that_no_lot_makes_are_no_experiment() -> None:
    found = rows_of(effect.experiment(counted([("mail", "a", 1000, 100), ("mail", "b", 1300, 260)])))
    assert found["variant", "mail: b"]["method"] == "association"


def test_below_thirty_no_figure_is_given() -> None:
    found = rows_of(effect.experiment(counted([("mail", "a", 29, 10), ("mail", "b", 400, 20)])))
    row = found["variant", "mail: b"]
    assert (row["estimate_status"], row["effect"], row["is_marked"]) == ("too_few", None, False)
    table = satisfaction_company(answers=50)
    assert {row["estimate_status"] for row in rows_of(effect.satisfaction(table)).values()} == {"too_few"}


def test_where_only_strangers_visit_no_first_visit_is_estimated_from() -> None:
    """Named customers write and call, unnamed visitors look and never convert: there is no visit to compare with another."""
    frame: pl.DataFrame = pl.DataFrame(conversion_company()).with_columns(begins_with_visit=pl.lit(False))
    strangers = frame.filter(pl.col("factor").is_null() & (pl.col("period") == 1)).with_columns(
        unit_id=pl.col("unit_id") + 10_000, customer_id=pl.col("customer_id") + 10_000, is_named=pl.lit(False),
        begins_with_visit=pl.lit(True), is_event=pl.lit(False), is_converted=pl.lit(False),
        first_channel=pl.lit("organic_search"),
    )  # fmt: skip
    found = rows_of(effect.conversion(pl.concat([frame, strangers]).to_arrow()))
    assert "first_channel" not in {kind for kind, _ in found}
    assert found["failure", "error_page"]["is_marked"]


def test_the_order_of_rows_means_nothing() -> None:
    table = satisfaction_company(answers=400)
    shuffled = table.take(pa.array(np.random.default_rng(datetime(2024, 1, 1).day).permutation(len(table))))
    assert effect.satisfaction(table).equals(effect.satisfaction(shuffled))


def test_unnamed_visitors_who_never_convert_are_no_comparison() -> None:
    """Half of the journeys are of visitors nobody can name and none converts; a form names its writer and does nothing else."""
    generator = np.random.default_rng(3)
    rows: list[dict] = []
    for unit in range(4000):
        is_named = unit % 2 == 0
        converted = is_named and bool(generator.random() < 0.3)
        rows.append(
            {
                "scope": "purchase",
                "unit_id": unit,
                "customer_id": unit,
                "period": 1,
                "step_count": 3,
                "is_named": is_named,
                "begins_with_visit": True,
            }
            | {"is_event": converted, "is_converted": converted, "first_channel": "direct"}
            | {
                "occasion_channel": "direct",
                "is_unlinked": False,
                "is_returning": False,
                "is_near": False,
                "was_near": False,
                "age_days": 0.0,
            }
        )
        if is_named and generator.random() < 0.4:
            rows.append({"scope": "purchase", "unit_id": unit, "factor_kind": "touchpoint", "factor": "form_submitted"})
            rows[-1]["first_period"] = 1
    frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(
        is_bad=pl.lit(None, pl.Boolean), last_period=pl.lit(None, pl.Int32), until_days=pl.lit(30.0)
    )
    row = rows_of(effect.conversion(frame.to_arrow()))["touchpoint", "form_submitted"]
    assert row["with_count"] + row["without_count"] == 2000
    assert row["log_odds_low"] < 0 < row["log_odds_high"] and not row["is_marked"]
