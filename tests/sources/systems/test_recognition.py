"""Which files are known and which are not: all real exports that these systems cover, and their look-alikes."""

from __future__ import annotations

from pathlib import Path

import pytest

from sources.recognise import recognise
from sources.spec import SourceCatalog

pytestmark = pytest.mark.shared

# Two exports that share a file are joined by " + ".
KNOWN = {
    "_format_fixtures/activecampaign_contacts.csv": "activecampaign.contact",
    "_format_fixtures/amazon_connect_ctr.jsonl": "amazon_connect.contact",
    "_format_fixtures/brevo_contacts.csv": "brevo.contact",
    "_format_fixtures/dynamics365_leads.xlsx": "dynamics365.lead + dynamics365.lead_person",
    "_format_fixtures/exact_orders.xml": "exact.debtor + exact.order",
    "_format_fixtures/flamingo_inbound.csv": "flamingo.inbound",
    "_format_fixtures/google_ads_ui_campaign_report.csv": "google_ads.campaign_report",
    "_format_fixtures/google_ads_ui_campaign_report_excel.csv": "google_ads.campaign_report",
    "_format_fixtures/hubspot_contacts_export.csv": "hubspot.contact_export",
    "_format_fixtures/mailchimp_audience_export.csv": "mailchimp.audience",
    "_format_fixtures/meta_ads_manager.csv": "meta_ads.campaign_report",
    "_format_fixtures/shopify_orders_export.csv": "shopify.admin_order + shopify.admin_order_line",
    "_format_fixtures/surveymonkey_responses.csv": "surveymonkey.response",
    "_format_fixtures/typeform_responses.csv": "typeform.response",
    "_format_fixtures/woocommerce_analytics_orders.csv": "woocommerce.analytics_order",
    "_format_fixtures/zendesk_tickets_export.csv": "zendesk.ticket_export",
    "facebook_ads_tables/facebook_ads_ad_history_data.csv": "meta_ads.ad_history",
    "facebook_ads_tables/facebook_ads_basic_ad_action_values_data.csv": "meta_ads.basic_ad_action_values",
    "facebook_ads_tables/facebook_ads_basic_ad_actions_data.csv": "meta_ads.basic_ad_actions",
    "facebook_ads_tables/facebook_ads_basic_ad_data.csv": "meta_ads.basic_ad",
    "facebook_ads_tables/facebook_ads_campaign_history_data.csv": "meta_ads.campaign_history",
    "google_ads_tables/account_history_data.csv": "google_ads.account_history",
    "google_ads_tables/ad_group_stats_data.csv": "google_ads.ad_group_stats",
    "google_ads_tables/ad_stats_data.csv": "google_ads.ad_stats",
    "google_ads_tables/campaign_history_data.csv": "google_ads.campaign_history",
    "google_ads_tables/campaign_stats_data.csv": "google_ads.campaign_stats",
    "google_ads_tables/search_term_keyword_stats_data.csv": "google_ads.search_term_stats",
    "hubspot_api/company_data.csv": "hubspot.company",
    "hubspot_api/contact_data.csv": "hubspot.contact",
    "hubspot_api/contact_form_submission_data.csv": "hubspot.contact_form_submission",
    "hubspot_api/contact_merge_audit_data.csv": "hubspot.contact_merge_audit",
    "hubspot_api/deal_data.csv": "hubspot.deal",
    "hubspot_api/email_event_bounce_data.csv": "hubspot.email_event_bounce",
    "hubspot_api/email_event_click_data.csv": "hubspot.email_event_click",
    "hubspot_api/email_event_data.csv": "hubspot.email_event",
    "hubspot_api/email_event_open_data.csv": "hubspot.email_event_open",
    "hubspot_api/email_event_sent_data.csv": "hubspot.email_event_sent",
    "hubspot_api/engagement_call_data.csv": "hubspot.engagement_activity",
    "hubspot_api/engagement_communication_data.csv": "hubspot.engagement_activity",
    "hubspot_api/engagement_contact_data.csv": "hubspot.engagement_contact",
    "hubspot_api/engagement_data.csv": "hubspot.engagement",
    "hubspot_api/engagement_email_data.csv": "hubspot.engagement_activity",
    "hubspot_api/engagement_meeting_data.csv": "hubspot.engagement_meeting",
    "hubspot_api/engagement_note_data.csv": "hubspot.engagement_activity",
    "hubspot_api/engagement_task_data.csv": "hubspot.engagement_activity",
    "hubspot_api/form_data.csv": "hubspot.form",
    "hubspot_api/ticket_contact_data.csv": "hubspot.ticket_contact",
    "hubspot_api/ticket_data.csv": "hubspot.ticket",
    "intercom_tables/company_history_data.csv": "intercom.company",
    "intercom_tables/contact_history_data.csv": "intercom.contact",
    "intercom_tables/conversation_contact_history_data.csv": "intercom.conversation_contact",
    "intercom_tables/conversation_history_data.csv": "intercom.conversation",
    "intercom_tables/conversation_part_history_data.csv": "intercom.conversation_part",
    "klaviyo_tables/campaign.csv": "klaviyo.campaign",
    "klaviyo_tables/event.csv": "klaviyo.event",
    "klaviyo_tables/flow.csv": "klaviyo.flow",
    "klaviyo_tables/metric.csv": "klaviyo.metric",
    "klaviyo_tables/person.csv": "klaviyo.person",
    "mailchimp_tables/automation_recipient.csv": "mailchimp.automation_recipient",
    "mailchimp_tables/automation_recipient_activity.csv": "mailchimp.automation_recipient_activity",
    "mailchimp_tables/campaign.csv": "mailchimp.campaign",
    "mailchimp_tables/campaign_recipient.csv": "mailchimp.campaign_recipient",
    "mailchimp_tables/campaign_recipient_activity.csv": "mailchimp.campaign_recipient_activity",
    "mailchimp_tables/list.csv": "mailchimp.list",
    "mailchimp_tables/member.csv": "mailchimp.member",
    "mailchimp_tables/segment_member.csv": "mailchimp.segment_member",
    "mailchimp_tables/unsubscribe.csv": "mailchimp.unsubscribe",
    "marketo_tables/marketo_activity_click_email_data.csv": "marketo.activity_click_email",
    "marketo_tables/marketo_activity_email_delivered_data.csv": "marketo.activity_email_delivered",
    "marketo_tables/marketo_activity_merge_leads_data.csv": "marketo.activity_merge_leads",
    "marketo_tables/marketo_activity_open_email_data.csv": "marketo.activity_open_email",
    "marketo_tables/marketo_activity_send_email_data.csv": "marketo.activity_send_email",
    "marketo_tables/marketo_lead_data.csv": "marketo.lead",
    "marketo_tables/marketo_program_data.csv": "marketo.program",
    "netsuite_tables/netsuite2_customer_data.csv": "netsuite.customer",
    "netsuite_tables/netsuite2_entities_data.csv": "netsuite.entity",
    "netsuite_tables/netsuite2_transaction_data.csv": "netsuite.transaction",
    "netsuite_tables/netsuite2_transaction_line_data.csv": "netsuite.transaction_line",
    "odoo/o2m-quotations-order-lines.csv": "odoo.order + odoo.order_line",
    "olist_crm_funnel/olist_closed_deals_dataset.csv": "olist_funnel.deal",
    "olist_crm_funnel/olist_marketing_qualified_leads_dataset.csv": "olist_funnel.lead",
    "olist_ecommerce/olist_customers_dataset.csv": "olist.customer",
    "olist_ecommerce/olist_order_items_dataset.csv": "olist.order_item",
    "olist_ecommerce/olist_order_payments_dataset.csv": "olist.order_payment",
    "olist_ecommerce/olist_order_reviews_dataset.csv": "olist.order_review",
    "olist_ecommerce/olist_orders_dataset.csv": "olist.order",
    "olist_ecommerce/olist_products_dataset.csv": "olist.product",
    "olist_ecommerce/olist_sellers_dataset.csv": "olist.seller",
    "olist_ecommerce/product_category_name_translation.csv": "olist.product_category",
    "process_logs/helpdesk_italy.csv": "case_log.event",
    "process_logs/ocel20_example.json": "ocel.event + ocel.object",
    "process_logs/ocel_order_simulated.csv": "ocel.event_csv",
    "process_logs/sap_vbfa_subset.csv": "sap.vbfa",
    "process_logs/wabo_receipt.csv": "wabo.receipt",
    "qualtrics_csv/sample.csv": "qualtrics.response",
    "qualtrics_csv/sample_legacy.csv": "qualtrics.response_legacy",
    "qualtrics_tables/directory_contact.csv": "qualtrics.directory_contact",
    "qualtrics_tables/distribution.csv": "qualtrics.distribution",
    "qualtrics_tables/distribution_contact.csv": "qualtrics.distribution_contact",
    "qualtrics_tables/question.csv": "qualtrics.question",
    "qualtrics_tables/question_response.csv": "qualtrics.question_response",
    "qualtrics_tables/survey.csv": "qualtrics.survey",
    "qualtrics_tables/survey_response.csv": "qualtrics.survey_response",
    "salesforce_api/sf_account_data.csv": "salesforce.account",
    "salesforce_api/sf_contact_data.csv": "salesforce.contact",
    "salesforce_api/sf_event_data.csv": "salesforce.event",
    "salesforce_api/sf_lead_data.csv": "salesforce.lead",
    "salesforce_api/sf_opportunity_data.csv": "salesforce.opportunity",
    "salesforce_api/sf_opportunity_history_data.csv": "salesforce.opportunity_history",
    "salesforce_api/sf_order_data.csv": "salesforce.order",
    "salesforce_api/sf_task_data.csv": "salesforce.task",
    "salesforce_npsp_1k/Account.csv": "salesforce.account",
    "salesforce_npsp_1k/Campaign.csv": "salesforce.campaign",
    "salesforce_npsp_1k/CampaignMember.csv": "salesforce.campaign_member",
    "salesforce_npsp_1k/Contact.csv": "salesforce.contact",
    "salesforce_npsp_1k/Opportunity.csv": "salesforce.opportunity",
    "salesforce_npsp_1k/OpportunityContactRole.csv": "salesforce.opportunity_contact_role",
    "salesforce_npsp_1k/npe01__OppPayment__c.csv": "salesforce.payment",
    "salesforce_npsp_1k/npe4__Relationship__c.csv": "salesforce.relationship",
    "sap_tables/sap_bkpf_data.csv": "sap.bkpf",
    "sap_tables/sap_bsad_bck_data.csv": "sap.bsad",
    "sap_tables/sap_kna1_data.csv": "sap.kna1",
    "sap_tables/sap_vbak_data.csv": "sap.vbak",
    "sap_tables/sap_vbap_data.csv": "sap.vbap",
    "sap_tables/sap_vbuk_data.csv": "sap.vbuk",
    "shopify_csv/shopify_orders_sample.csv": "shopify.admin_order + shopify.admin_order_line",
    "shopify_tables/shopify_abandoned_checkout_data.csv": "shopify.abandoned_checkout",
    "shopify_tables/shopify_customer_data.csv": "shopify.customer",
    "shopify_tables/shopify_fulfillment_event_data.csv": "shopify.fulfillment_event",
    "shopify_tables/shopify_gql_customer_data.csv": "shopify.customer",
    "shopify_tables/shopify_gql_customer_visit_data.csv": "shopify.customer_visit",
    "shopify_tables/shopify_gql_fulfillment_event_data.csv": "shopify.fulfillment_event",
    "shopify_tables/shopify_gql_order_data.csv": "shopify.order",
    "shopify_tables/shopify_gql_refund_data.csv": "shopify.refund",
    "shopify_tables/shopify_gql_return_data.csv": "shopify.order_return",
    "shopify_tables/shopify_gql_return_line_item_data.csv": "shopify.return_line_item",
    "shopify_tables/shopify_gql_transaction_data.csv": "shopify.transaction",
    "shopify_tables/shopify_order_data.csv": "shopify.order",
    "shopify_tables/shopify_order_line_data.csv": "shopify.order_line",
    "shopify_tables/shopify_order_line_refund_data.csv": "shopify.order_line_refund",
    "twilio_tables/twilio_call_data.csv": "twilio.call",
    "twilio_tables/twilio_message_data.csv": "twilio.message",
    "wordpress_wxr/themeunittestdata.wordpress.xml": "wordpress.comment + wordpress.post",
    "zendesk_api/satisfaction_ratings.jsonl": "zendesk.satisfaction_rating",
    "zendesk_api/ticket_metrics.jsonl": "zendesk.ticket_metric",
    "zendesk_api/tickets.jsonl": "zendesk.ticket",
    "zendesk_api/users.jsonl": "zendesk.user",
    "zendesk_tables/organization_data.csv": "zendesk.organization",
    "zendesk_tables/schedule_data.csv": "zendesk.schedule",
    "zendesk_tables/sla_policy_metric_history_data.csv": "zendesk.sla_policy_metric_history",
    "zendesk_tables/ticket_chat_data.csv": "zendesk.ticket_chat",
    "zendesk_tables/ticket_chat_event_data.csv": "zendesk.ticket_chat_event",
    "zendesk_tables/ticket_comment_data.csv": "zendesk.ticket_comment",
    "zendesk_tables/ticket_data.csv": "zendesk.ticket_table",
    "zendesk_tables/ticket_field_history_data.csv": "zendesk.ticket_field_history",
    "zendesk_tables/ticket_form_history_data.csv": "zendesk.ticket_form_history",
    "zendesk_tables/ticket_tag_data.csv": "zendesk.ticket_tag",
    "zendesk_tables/user_data.csv": "zendesk.user",
}
SYSTEMS = {name.split(".")[0] for name in KNOWN.values()} | {"square"}


@pytest.mark.parametrize("path", sorted(KNOWN))
def test_real_file_is_recognised(catalog: SourceCatalog, shared: Path, path: str) -> None:
    found = recognise(shared / path, catalog)
    assert (found.status, " + ".join(found.exports)) == ("recognised", KNOWN[path]), found.message


def test_every_real_file_of_a_system_is_known(shared: Path) -> None:
    # A shop of its own, which test_unknown_files takes as an unknown one; and a table of accounts cut down to an id and a name.
    unknown = {"MANIFEST.md", "facebook_ads_tables/facebook_ads_account_history_data.csv"} | {
        f"jaffle_shop/raw_{name}.csv" for name in ("customers", "orders", "payments")
    }
    files = {path.relative_to(shared).as_posix() for path in shared.rglob("*") if path.is_file()}
    assert files - set(KNOWN) == unknown


def test_name_of_the_file_does_not_matter(catalog: SourceCatalog, shared: Path, tmp_path: Path) -> None:
    wrong = {}
    for number, (path, name) in enumerate(sorted(KNOWN.items())):
        copy = tmp_path / f"{number}.dat"
        copy.write_bytes((shared / path).read_bytes())
        found = recognise(copy, catalog)
        if " + ".join(found.exports) != name:
            wrong[path] = found.message
    assert not wrong


def test_no_other_export_is_taken_for_one_of_ours(catalog: SourceCatalog, shared: Path) -> None:
    taken = {}
    for path in sorted(shared.rglob("*")):
        name = path.relative_to(shared).as_posix()
        if path.is_file() and name not in KNOWN:
            found = recognise(path, catalog)
            if found.status == "ambiguous" or (found.export or "").split(".")[0] in SYSTEMS:
                taken[name] = found.message
    assert not taken
