"""Which systems and exports are read, and what each was tested with.

`python -m tests.sources.systems.coverage` writes docs/sources/coverage.md.

The rows come from the specs, the files from the table of the recognition test, the tests from the test files themselves, so that
nothing here is a claim of its own. Does not belong here: tests.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from sources.spec import SourceCatalog, load_catalog
from tests.sources.systems.test_recognition import KNOWN

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "sources" / "coverage.md"

# What the files of a folder are. Everything else is a connector's table: real columns, values sampled or hashed, keys that
# mostly do not join.
_KINDS = {
    "_format_fixtures": "layout",
    "odoo": "example",
    "ocel20_example.json": "example",
    "ocel_order_simulated.csv": "example",
    "shopify_csv": "example",
    "olist_crm_funnel": "real",
    "olist_ecommerce": "real",
    "process_logs": "real",
    "qualtrics_csv": "example",
    "salesforce_npsp_1k": "real",
    "wordpress_wxr": "example",
    "zendesk_api": "real",
    "segment_spec_examples.ndjson": "example",
    "segment_example_pages.csv": "example",
    "snowplow_enriched_1.tsv": "example",
}
# The files of event trackers lie beside the web logs.
TRACKERS = {
    "exports/segment_spec_examples.ndjson": "segment.alias + segment.event + segment.identify",
    "exports/segment_example_pages.csv": "segment.page",
    "exports/fivetran_ga4_event_data.csv": "ga4.event_table",
    "exports/snowplow_enriched_1.tsv": "snowplow.event",
}

# What a reader may ask for, in the words of the field, and the exports that answer it.
NAMED = {
    "CRM": {
        "Salesforce, objects": ["salesforce.account", "salesforce.contact", "salesforce.lead", "salesforce.opportunity",
                                "salesforce.task", "salesforce.event", "salesforce.case", "salesforce.campaign_member",
                                "salesforce.order"],
        "Salesforce, UI reports with their footer": ["salesforce.report_case", "salesforce.report_contact",
                                                     "salesforce.report_lead", "salesforce.report_opportunity"],
        "HubSpot, API tables": ["hubspot.contact", "hubspot.company", "hubspot.deal", "hubspot.ticket", "hubspot.email_event",
                                "hubspot.engagement_activity", "hubspot.engagement_meeting",
                                "hubspot.contact_form_submission"],
        "HubSpot, CSV exports": ["hubspot.contact_export", "hubspot.company_export", "hubspot.deal_export",
                                 "hubspot.ticket_export"],
        "HubSpot, merge records": ["hubspot.contact_merge_audit"],
        "Dynamics 365, xlsx with its hidden columns": ["dynamics365.lead", "dynamics365.lead_person", "dynamics365.contact",
                                                       "dynamics365.account", "dynamics365.opportunity", "dynamics365.case"],
        "Odoo CRM": ["odoo.lead"],
    },
    "ERP and commerce": {
        "SAP, sales document flow": ["sap.vbfa", "sap.vbak", "sap.vbap", "sap.likp", "sap.bsad", "sap.kna1"],
        "NetSuite": ["netsuite.customer", "netsuite.transaction", "netsuite.transaction_line"],
        "Odoo, continuation rows": ["odoo.order", "odoo.order_line"],
        "Exact Online, XML": ["exact.sales_order", "exact.sales_order_account", "exact.order", "exact.debtor", "exact.invoice",
                              "exact.account"],
        "Shopify, CSV with continuation rows": ["shopify.admin_order", "shopify.admin_order_line", "shopify.admin_customer"],
        "Shopify, tables": ["shopify.order", "shopify.customer", "shopify.transaction", "shopify.refund",
                            "shopify.fulfillment_event", "shopify.abandoned_checkout", "shopify.customer_visit"],
        "WooCommerce": ["woocommerce.analytics_order", "woocommerce.analytics_customer"],
        "Olist": ["olist.order", "olist.order_payment", "olist.order_review", "olist.customer", "olist_funnel.lead",
                  "olist_funnel.deal"],
        "Square, till": ["square.transaction"],
    },
    "CMS and forms": {
        "WordPress, posts": ["wordpress.post"],
        "WordPress, comments; pingbacks are not customers": ["wordpress.comment"],
        "Contact Form 7 / Flamingo, its prefix “Security Alert”": ["flamingo.inbound"],
        "Gravity Forms": ["gravity_forms.entry"],
        "Drupal webform": ["drupal.webform_submission"],
    },
    "Helpdesk and chat": {
        "Zendesk, API": ["zendesk.ticket", "zendesk.ticket_metric", "zendesk.satisfaction_rating", "zendesk.user"],
        "Zendesk, CSV": ["zendesk.ticket_export", "zendesk.ticket_table", "zendesk.ticket_field_history",
                         "zendesk.ticket_chat_event"],
        "Intercom": ["intercom.conversation", "intercom.conversation_part", "intercom.contact"],
    },
    "Mail and messaging": {
        "Mailchimp, member id = MD5 of the address": ["mailchimp.member", "mailchimp.audience", "mailchimp.campaign_recipient",
                                                      "mailchimp.campaign_recipient_activity", "mailchimp.unsubscribe"],
        "Marketo": ["marketo.lead", "marketo.activity_send_email", "marketo.activity_open_email",
                    "marketo.activity_click_email", "marketo.activity_merge_leads"],
        "Klaviyo": ["klaviyo.event", "klaviyo.person"],
        "Brevo": ["brevo.contact", "brevo.email_event"],
        "ActiveCampaign": ["activecampaign.contact"],
    },
    "Ads": {
        "Google Ads, tables in micros": ["google_ads.campaign_stats"],
        "Google Ads, UI reports, localised": ["google_ads.campaign_report", "google_ads.campaign_report_local"],
        "Meta Ads, currency in the column name": ["meta_ads.campaign_report", "meta_ads.basic_ad"],
    },
    "Surveys": {
        "Qualtrics, three header rows": ["qualtrics.response", "qualtrics.response_legacy", "qualtrics.survey_response"],
        "SurveyMonkey, two header rows": ["surveymonkey.response"],
        "Typeform": ["typeform.response"],
    },
    "Telephony": {
        "Twilio": ["twilio.call", "twilio.message"],
        "Asterisk CDR, no header row": ["asterisk.call", "asterisk.call_plain", "asterisk.call_unique"],
        "Amazon Connect, NDJSON": ["amazon_connect.contact"],
    },
    "Case and event logs": {
        "OCEL 2.0 JSON": ["ocel.event", "ocel.object"],
        "XES": ["xes.event"],
        "Municipal receipt log": ["wabo.receipt"],
        "Any other case log as CSV": ["case_log.event", "ocel.event_csv"],
    },
    "Social, review and app stores": {
        "Messages, mentions, reviews (a layout of our own)": ["social.message", "social.mention", "social.review"],
    },
}  # fmt: skip


def kind_of(path: str) -> str:
    """What a file of the shared exports is: real, example, layout or connector."""
    return next((_KINDS[part] for part in reversed(path.split("/")) if part in _KINDS), "connector")


def files_of() -> dict[str, list[str]]:
    """The files (kind and name) that are recognised as each export."""
    found: dict[str, list[str]] = defaultdict(list)
    for path, names in [*KNOWN.items(), *TRACKERS.items()]:
        for name in names.split(" + "):
            found[name].append(path)
    return found


def runs_of(catalog: SourceCatalog) -> dict[str, list[str]]:
    """The test files that read each export: that name it as a string, itself or as a lookup of an export of its system."""
    here = Path(__file__).parent
    texts = {
        path.stem.removeprefix("test_"): path.read_text(encoding="utf-8")
        for path in [*here.glob("test_*.py"), *(here.parent / "core").glob("test_*.py")]
        if path.stem not in ("test_recognition", "test_house_rules", "test_coverage", "test_known_dialect")
    }
    found: dict[str, list[str]] = {}
    for name, spec in catalog.exports.items():
        # As a name, by f"{system}.{export}" over names, or as the lookup of another export.
        found[name] = sorted(
            test
            for test, text in texts.items()
            if f'"{name}"' in text
            or (f'f"{spec.system}.{{' in text and f'"{spec.export}"' in text)
            or (spec.feeds == "lookup" and f"{spec.export}=" in text and f'"{spec.system}.' in text)
        )
    return found


def page(catalog: SourceCatalog) -> str:
    """The page docs/sources/coverage.md."""
    files, tests = files_of(), runs_of(catalog)
    lines = [
        "# Coverage",
        "",
        "Written by `python -m tests.sources.systems.coverage` from the specs and the tests; do not edit. A test compares it.",
        "",
        "*Tested with*, besides made-up files: **real** rows of a real system; **example** of the maker, or of the tool that",
        "writes the layout; **connector**: a connector's table, real columns and values, keys that mostly do not join;",
        "**layout**: our rows under a header that public code reads or writes; — only made-up files after the maker's",
        "documentation. The page of a system says what was not seen.",
        "",
        "## By what one looks for",
        "",
        "| | exports | tested with |",
        "|---|---|---|",
    ]
    for area, layouts in NAMED.items():
        lines.append(f"| **{area}** | | |")
        for words, names in layouts.items():
            kinds = sorted({kind_of(path) for name in names for path in files[name]}) or ["—"]
            systems = {name.split(".")[0] for name in names}
            shown = ", ".join(
                f"[{system}]({system}.md): "
                + ", ".join(f"`{n.split('.')[1]}`" for n in names if n.split(".")[0] == system)
                for system in sorted(systems)
            )
            lines.append(f"| {words} | {shown} | {', '.join(kinds)} |")
    lines += [
        "",
        "## By export",
        "",
        "| export | formats | feeds | files of it | tests |",
        "|---|---|---|---|---|",
    ]
    for name, spec in catalog.exports.items():
        seen = [f"{path.split('/')[-1]} ({kind_of(path)})" for path in files[name]]
        tested = ", ".join(tests[name]) or ("recognised, cells compared" if seen else "")
        cells = [
            f"[`{name}`]({spec.system}.md)",
            ", ".join(spec.read.format),
            spec.feeds,
            ", ".join(seen) or "—",
            tested,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    total = len(catalog.exports)
    with_files = sum(bool(files[name]) for name in catalog.exports)
    lines += [
        "",
        f"{total} exports of {len({s.system for s in catalog.exports.values()})} systems; files of {with_files}.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(load_catalog()), encoding="utf-8")
