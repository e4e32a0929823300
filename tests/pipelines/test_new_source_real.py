"""`new-source` on real exports, as if nobody knew their systems, against what a person decided after looking at each file."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from models.configuration import load_configuration
from pipelines.new_source import Result, make_source
from sources.spec import SourceCatalog

SHARED = Path(__file__).parents[3] / "shared" / "data" / "exports"
CONFIGURATION = load_configuration(None)
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared exports beside the checkout"),
]


class Real(NamedTuple):
    """One file: the name given to it, what it feeds, its key, some roles, touchpoints per type, values of its first row."""

    file: str
    name: str
    feeds: str
    key: tuple[str, ...]
    roles: dict[str, str]
    types: dict[str, int]
    first: dict[str, Any]
    quarantined: int = 0


FILES = [
    Real(
        # Four times of an order are four touchpoints; the estimated one is none. The counts are the filled cells.
        "olist_ecommerce/olist_orders_dataset.csv", "shop.order", "touchpoint", ("order_id",),
        {"customer_id": "identifier:shop.customer", "order_purchase_timestamp": "occurred_at", "order_status": "status"},
        {"order_placed": 3000, "order_confirmed": 2991, "order_shipped": 2946, "order_delivered": 2904},
        {"occurred_at": dt.datetime(2018, 8, 15, 11, 30, 33), "outcome": "success"},
    ),
    Real(
        # Answered, not asked: the later of its two times. No person, but an order that leads to one.
        "olist_ecommerce/olist_order_reviews_dataset.csv", "shop.review", "touchpoint", ("review_id", "order_id"),
        {"review_answer_timestamp": "occurred_at", "review_score": "score", "order_id": "object:order"},
        {"review_posted": 2993},
        {"occurred_at": dt.datetime(2018, 7, 25, 21, 37, 22), "score_raw": 5.0, "score_kind": "rating"},
    ),
    Real(
        # 32 of 5,568 rows are copies of others. Wait, anomalies and the like are the helpdesk's own affairs.
        "process_logs/helpdesk_italy.csv", "desk.log", "touchpoint", (),
        {"case": "object:ticket", "concept:name": "type", "time:timestamp": "occurred_at", "org:resource": "agent"},
        {"ticket_replied": 2609, "ticket_resolved": 2471, "unmapped": 398, "contract_changed": 29, "ticket_opened": 29},
        {"occurred_at": dt.datetime(2012, 10, 9, 14, 50, 17), "raw_type": "Assign seriousness"},
    ),
    Real(
        # Only the receipt itself is a touchpoint; T02 Check confirmation of receipt is office work.
        "process_logs/wabo_receipt.csv", "town.log", "touchpoint", (),
        {"case:concept:name": "object:ticket", "case:channel": "channel", "time:timestamp": "occurred_at"},
        {"unmapped": 7143, "ticket_opened": 1434},
        {"occurred_at": dt.datetime(2011, 10, 11, 11, 45, 40, 276000), "channel": "website"},
    ),
    Real(
        # 30 February is no day: one call goes to quarantine. The caller is the customer of an inbound call.
        "twilio_tables/twilio_call_data.csv", "tel.call", "touchpoint", ("id",),
        {"from": "party_from:phone", "to": "party_to:phone", "start_time": "occurred_at", "queue_time": "waiting:seconds"},
        {"call_inbound": 8},
        {"occurred_at": dt.datetime(2022, 7, 25, 16, 37, 7), "direction": "inbound", "outcome": "abandoned"},
        quarantined=1,
    ),
    Real(
        "mailchimp_tables/campaign_recipient_activity.csv", "mail.activity", "touchpoint",
        ("action", "member_id", "timestamp"),
        {"action": "type", "member_id": "identifier:mail.member", "campaign_id": "campaign_id"},
        {"email_opened": 12, "email_clicked": 5},
        {"occurred_at": dt.datetime(2019, 11, 27, 17, 44, 9), "raw_type": "open"},
    ),
    Real(
        # 249 lines of 127 orders: only the first line of an order has its time and its total.
        "shopify_csv/shopify_orders_sample.csv", "webshop.orders", "touchpoint", ("Name",),
        {"Name": "object:order", "Email": "identifier:email", "Total": "amount", "Created at": "occurred_at"},
        {"order_placed": 127},
        {"occurred_at": dt.datetime(2025, 1, 15, 22, 41), "amount": 183.5, "currency": "USD"},
    ),
    Real(
        "hubspot_api/ticket_data.csv", "crm.ticket", "touchpoint", ("id",),
        {
            "property_createdate": "occurred_at", "property_closed_date": "moment:ticket_resolved",
            "property_hubspot_owner_id": "agent",
        },
        {"ticket_opened": 25, "ticket_resolved": 23, "ticket_replied": 4},
        {},
    ),
    Real(
        "_format_fixtures/zendesk_tickets_export.csv", "desk.tickets", "touchpoint", ("Id",),
        {
            "Requester email": "identifier:email", "Requester id": "identifier:desk.requester", "Via": "channel",
            "Requester external id": "identifier:customer_number", "Solved at": "moment:ticket_resolved",
        },
        {"ticket_opened": 2, "ticket_resolved": 1},
        {"occurred_at": dt.datetime(2026, 3, 6, 9, 15), "channel": "email"},
    ),
    Real(
        # Two header lines; NPS and effort are two scores of one answer.
        "_format_fixtures/surveymonkey_responses.csv", "survey.response", "touchpoint", ("Respondent ID",),
        {
            "How likely is it that you would recommend us?": "score", "How easy was it to solve your problem?": "score",
            "Email Address": "identifier:email", "End Date": "occurred_at", "Respondent ID": "object:survey_response",
        },
        {"survey_answered": 2},
        {"occurred_at": dt.datetime(2026, 3, 8, 9, 2)},
    ),
    Real(
        "zendesk_api/users.jsonl", "desk.users", "party_record", ("id",),
        {"email": "identifier:email", "name": "full_name", "updated_at": "valid_from"}, {},
        {"valid_from": dt.datetime(2024, 1, 24, 14, 15, 15)},
    ),
    Real(
        "salesforce_npsp_1k/Contact.csv", "crm.contact", "party_record", ("id",),
        {"FirstName": "given_name", "LastName": "family_name", "Email": "identifier:email", "Phone": "identifier:phone"}, {},
        {"given_name": "Amy", "family_name": "Diaz"},
    ),
    Real(
        "hubspot_api/contact_merge_audit_data.csv", "crm.merge", "identifier_link", ("canonical_vid", "vid_to_merge"),
        {"canonical_vid": "link_left", "vid_to_merge": "link_right", "timestamp": "linked_at"}, {},
        {
            "left_type": "crm.contact", "left_value": "5555", "right_value": "11111",
            "linked_at": dt.datetime(2019, 10, 8, 15, 50, 57),
        },
    ),
    Real(
        # The merged ids are a list: each is a link. Row 28 names none and is skipped.
        "marketo_tables/marketo_activity_merge_leads_data.csv", "mail.merge_leads", "identifier_link", ("id",),
        {"lead_id": "link_left", "merge_ids": "link_right"}, {},
        {"left_type": "mail.lead", "left_value": "1345540", "right_value": "1286861"},
    ),
    Real(
        # Merged tickets make no export of merges.
        "zendesk_tables/ticket_data.csv", "desk.ticket", "touchpoint", ("id",), {"requester_id": "identifier:desk.requester"},
        {"ticket_opened": 10}, {},
    ),
    Real(
        # Title lines, totals at the end, -- for nothing, 1,234 for a thousand.
        "_format_fixtures/google_ads_ui_campaign_report.csv", "ads.campaign", "channel_cost",
        ("Day", "Campaign", "Campaign ID"),
        {"Cost": "cost", "Impr.": "impressions", "Clicks": "clicks", "Currency code": "currency"}, {},
        {"cost_date": dt.date(2026, 3, 1), "cost_amount": 12.34, "impression_count": 1234, "currency": "EUR"},
    ),
    Real(
        # UTF-16 with tabs.
        "_format_fixtures/google_ads_ui_campaign_report_excel.csv", "ads.campaign", "channel_cost", ("Day", "Campaign ID"),
        {"Cost": "cost"}, {}, {"cost_amount": 12.34},
    ),
    Real(
        "google_ads_tables/campaign_stats_data.csv", "ads.stats", "channel_cost", ("date",),
        {"cost_micros": "cost:micros", "date": "cost_date"}, {}, {"cost_date": dt.date(2021, 2, 1), "cost_amount": 36.15},
    ),
    Real(
        # No time of its own: another export looks it up.
        "olist_ecommerce/olist_order_payments_dataset.csv", "shop.payment", "lookup", ("order_id", "payment_sequential"),
        {"order_id": "order_key"}, {}, {},
    ),
]  # fmt: skip


def proposed(real: Real, folder: Path) -> Result:
    return make_source([SHARED / real.file], folder / "own", real.name, SourceCatalog({}), CONFIGURATION)


@pytest.mark.parametrize("real", FILES, ids=lambda real: real.name + "-" + Path(real.file).stem)
def test_a_real_export_becomes_what_a_person_would_make_of_it(real: Real, tmp_path: Path) -> None:
    result = proposed(real, tmp_path)
    roles = {plan.source: plan.role for plan in result.proposal.columns}
    assert result.proposal.feeds == real.feeds
    assert {name: roles.get(name) for name in real.roles} == real.roles
    assert result.proposal.key == real.key
    assert result.trial.types == real.types
    assert result.trial.quarantined_count == real.quarantined
    assert result.trial.balances
    rows = [{name: row.get(name) for name in real.first} for row in result.trial.rows]
    assert not real.first or real.first == rows[0]
