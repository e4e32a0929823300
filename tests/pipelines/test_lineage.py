"""Where columns come from: every column of every table says so, and each way ends at columns of exports or in words."""

from __future__ import annotations

from models.contract import load_contracts
from pipelines.lineage import dictionary_lineage, model_lineage
from sources.spec import load_catalog


def test_every_column_has_an_origin_that_exists() -> None:
    catalog = load_catalog()
    lineage = dictionary_lineage(catalog, catalog.exports)
    contracts = load_contracts()
    for table, contract in contracts.items():
        for column in contract.column_names:
            sources = lineage.get((table, column))
            assert sources, f"{table}.{column} comes from nowhere: trace it, or say so under `lineage:` in its contract"
            for source in sources:
                place, _, name = source.partition(".")
                if place in contracts and "." not in name and " " not in source:
                    assert source == place or name in contracts[place].column_names, f"{table}.{column}: {source}"


def test_ways_end_at_exports() -> None:
    """Ten published columns, from different rooms of the house, followed back: what each is known to be made of is found."""
    catalog = load_catalog()
    lineage = dictionary_lineage(catalog, catalog.exports)

    def ends(table: str, column: str) -> set[str]:
        seen: set[tuple[str, str]] = set()
        found: set[str] = set()
        todo = [(table, column)]
        while todo:
            step = todo.pop()
            if step in seen:
                continue
            seen.add(step)
            for source in lineage[step]:
                place, _, name = source.partition(".")
                if (place, name) in lineage:
                    todo.append((place, name))
                else:
                    found.add(source)
        return found

    wanted = {
        ("customer_360", "last_order_at"): "sap.vbak.ERDAT",
        ("customer_360", "email_opened_count_90_days"): "mailchimp.campaign_recipient_activity.action",
        ("customer", "full_name"): "salesforce.contact.last_name",
        ("channel_attribution", "cost_amount_base"): "google_ads.campaign_stats.cost_micros",
        ("journey", "started_at"): "access_log.request.time",
        ("journey_step", "touchpoint_type"): "ga4.event.event_name",
        ("drop_off_point", "dropped_share"): "models.survival.drop_off_point",
        ("touchpoint_trend", "mean_score_scaled"): "qualtrics.response.",
        ("session", "traffic_source"): "access_log.request.referrer",
        ("channel_daily", "cost_amount_base"): "google_ads.campaign_stats.cost_micros",
    }
    for (table, column), origin in wanted.items():
        found = ends(table, column)
        assert any(end.lower().startswith(origin.lower()) for end in found), f"{table}.{column}: {sorted(found)[:40]}"


def test_a_count_of_rows_names_the_rows() -> None:
    lineage = model_lineage()
    assert lineage["journey", "step_count"] == ("journey_step",)
    assert lineage["customer", "party_record_count"] == ("party_record",)
    assert lineage["drop_off_point", "dropped_share"][-2:] == (
        "setting.data_date_at",
        "touchpoint_type.touchpoint_type",
    )
