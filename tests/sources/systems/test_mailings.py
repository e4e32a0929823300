"""Marketo, Klaviyo, Brevo, ActiveCampaign, Mailchimp audience: real tables and layouts checked by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import md5
from pathlib import Path

import pytest

from tests.sources.systems.conftest import Mapped, identifiers

Run = Callable[..., Mapped]


@pytest.mark.shared
def test_marketo_sendings_and_skipped_leads(run: Run, shared: Path) -> None:
    folder = shared / "marketo_tables"
    sent = run(
        "marketo.activity_send_email",
        folder / "marketo_activity_send_email_data.csv",
        activity_email_delivered=folder / "marketo_activity_email_delivered_data.csv",
    )
    assert sent.balances()
    # Two of the 100 have the result "skipped".
    assert (sent.types, sent.skipped) == ({"email_sent": 98}, {"not_sent": 2})
    [one] = [row for row in sent.rows if ("marketo.lead", "1343039") in identifiers(row)]
    assert (one["occurred_at"], one["campaign_id"]) == (datetime(2020, 5, 11, 18, 0, 4), "2821")
    assert {"type": "email_template", "id": "2500", "qualifier": "content"} in one["objects"]


def test_marketo_delivery_says_how_a_sending_ended(run_text: Run) -> None:
    head = "id,activity_date,activity_type_id,campaign_id,campaign_run_id,email_template_id,lead_id,step_id"
    mapped = run_text(
        "marketo.activity_send_email",
        head + ",action_result\n1,2026-03-01 10:00:00,6,C,R,T,77,1,\n2,2026-03-01 10:00:00,6,C,R,T,78,1,\n",
        activity_email_delivered=head + "\n9,2026-03-01 10:00:05,7,C,R,T,77,1\n",
    )
    assert mapped.balances()
    outcomes = {dict(identifiers(row))["marketo.lead"]: row["outcome"] for row in mapped.rows}
    assert outcomes == {"77": "success", "78": None}


@pytest.mark.shared
def test_marketo_openings_and_clicks(run: Run, shared: Path) -> None:
    folder = shared / "marketo_tables"
    opened = run("marketo.activity_open_email", folder / "marketo_activity_open_email_data.csv")
    assert opened.balances() and opened.types == {"email_opened": 100}
    # 14 iPhones and one Android; a Macintosh, a PC and four times Windows Desktop; the others are not known.
    devices = [row["device"] for row in opened.rows]
    assert {name: devices.count(name) for name in ("mobile", "desktop", None)} == {"mobile": 15, "desktop": 6, None: 79}
    clicked = run("marketo.activity_click_email", folder / "marketo_activity_click_email_data.csv")
    assert clicked.balances() and clicked.types == {"email_clicked": 100}
    first = clicked.where(occurred_at=datetime(2020, 4, 30, 8, 5, 11))[0]
    assert identifiers(first) == {("marketo.lead", "1124755")}
    assert first["page_path"] == "/fivetran-databytes-elt.html"
    assert [first[f"campaign_{word}"] for word in ("source", "medium", "term")] == ["fivetran", "email", "invite3"]
    assert first["attributes"]["url"] == "https://get.fivetran.com/fivetran-databytes-elt.html"


@pytest.mark.shared
def test_marketo_merges_are_links(run: Run, shared: Path) -> None:
    merged = run("marketo.activity_merge_leads", shared / "marketo_tables" / "marketo_activity_merge_leads_data.csv")
    # One row names no merged lead.
    assert merged.balances() and [problem["column"] for problem in merged.problems] == ["merge_ids"]
    [link] = [row for row in merged.rows if row["left_value"] == "1345540"]
    assert (link["left_type"], link["right_type"], link["right_value"]) == ("marketo.lead", "marketo.lead", "1286861")
    assert (link["linked_at"], link["reason"]) == (datetime(2020, 5, 7, 22, 45, 8), "merged in leaddb")


def test_marketo_merge_of_several_leads_gives_a_link_each(run_text: Run) -> None:
    mapped = run_text(
        "marketo.activity_merge_leads",
        "id,activity_date,activity_type_id,lead_id,merge_ids,master_updated,merge_source\n"
        '1,2026-03-01 10:00:00,32,5,"[6,7]",TRUE,ui\n',
    )
    assert mapped.balances()
    assert {(row["left_value"], row["right_value"], row["part"]) for row in mapped.rows} == {
        ("5", "6", "6"),
        ("5", "7", "7"),
    }


@pytest.mark.shared
def test_marketo_leads(run: Run, shared: Path) -> None:
    leads = run("marketo.lead", shared / "marketo_tables" / "marketo_lead_data.csv")
    assert leads.balances() and len(leads.rows) == 100
    [one] = [row for row in leads.rows if ("marketo.lead", "1031229") in identifiers(row)]
    assert (one["email"], one["full_name"]) == ("first_last_001@email.com", "first_001 last_001")
    assert one["valid_from"] == datetime(2020, 5, 13, 23, 43, 24)


@pytest.mark.shared
def test_klaviyo_events_and_people(run: Run, shared: Path) -> None:
    folder = shared / "klaviyo_tables"
    events = run("klaviyo.event", folder / "event.csv", campaign=folder / "campaign.csv", flow=folder / "flow.csv")
    assert events.balances() and events.types == {"email_sent": 3, "order_placed": 1}
    [mail] = [row for row in events.rows if row["campaign_id"] == "ZZ7re"]
    assert mail["occurred_at"] == datetime(2020, 4, 5, 20, 2, 45)
    assert (mail["subject"], mail["campaign_name"]) == ("brand new chopstcks", "1586116963:LyZ7re")
    # property_value is 15 here, and no money: it is a mail.
    assert (mail["amount"], identifiers(mail)) == (None, {("klaviyo.person", "MCX88q")})
    people = run("klaviyo.person", folder / "person.csv")
    assert people.balances()
    [mario] = [row for row in people.rows if ("klaviyo.person", "01F366M1ZERT4HM2Z9R2V9G7BY") in identifiers(row)]
    assert (mario["given_name"], mario["postal_code"], mario["city"]) == ("MArio", "64224", "Jefferson City")
    assert (mario["phone"], mario["consent_email"]) == ("+15165555555", False)


def test_klaviyo_metrics(run_text: Run) -> None:
    head = "id,person_id,datetime,metric_id,type,uuid,campaign_id,flow_id,property_value,property_currency_code,property_url\n"
    rows = [
        "1,p,2026-03-01 10:00:00,m1,Placed Order,u,,,34.98,EUR,",
        "2,p,2026-03-01 10:00:00,m1,Ordered Product,u,,,17.49,EUR,",
        "3,p,2026-03-01 09:00:00,m2,,u,C9,,,,https://shop.example.org/tea?x=1",
        "4,p,2026-03-01 09:00:00,m3,Danced,u,,,,,",
        "5,p,2026-03-01 09:00:00,m4,Bounced Email,u,,F9,,,",
    ]
    mapped = run_text(
        "klaviyo.event",
        head + "\n".join(rows) + "\n",
        metric="id,name,integration_id,created,updated,integration_category,integration_name\n"
        "m2,Clicked Email,i,2020-01-01 00:00:00,2020-01-01 00:00:00,Email,Klaviyo\n",
        flow="id,name,status,created,updated,customer_filter,trigger_type\nF9,Welcome,live,2020-01-01 00:00:00,"
        "2020-01-01 00:00:00,{},List\n",
    )
    assert mapped.balances() and mapped.skipped == {"order_line": 1}
    [order] = mapped.where(touchpoint_type="order_placed")
    assert (order["amount"], order["currency"]) == (34.98, "EUR")
    [click] = mapped.where(touchpoint_type="email_clicked")
    assert (click["page_path"], click["campaign_id"]) == ("/tea", "C9")
    assert [row["raw_type"] for row in mapped.where(touchpoint_type="unmapped")] == ["Danced"]
    [bounce] = mapped.where(touchpoint_type="email_bounced")
    assert (bounce["outcome"], bounce["campaign_name"], bounce["channel_detail"]) == ("failure", "Welcome", "flow")


@pytest.mark.shared
def test_contact_lists(run: Run, shared: Path) -> None:
    folder = shared / "_format_fixtures"
    [bram] = run("brevo.contact", folder / "brevo_contacts.csv").rows
    assert identifiers(bram) == {("email", "bram.jansen@example.com"), ("phone", "+31600000002")}
    # EMAIL_BLACKLISTED Yes is a no; SMS_BLACKLISTED No is not a yes.
    assert (bram["consent_email"], bram["consent_phone"]) == (False, None)
    # 13-04-2025 10:00 in Paris.
    assert bram["valid_from"] == datetime(2025, 4, 13, 8)
    [anna] = run("activecampaign.contact", folder / "activecampaign_contacts.csv").rows
    assert identifiers(anna) == {("email", "anna.devries@example.com"), ("phone", "+31600000001")}
    assert (anna["consent_email"], anna["attributes"]["tags"]) == (True, ["prospect", "webinar"])
    assert anna["valid_from"] == datetime(2025, 12, 8, 9, 10, 11)


@pytest.mark.shared
def test_mailchimp_audience_joins_the_activity_by_its_hash(run: Run, shared: Path) -> None:
    audience = run("mailchimp.audience", shared / "_format_fixtures" / "mailchimp_audience_export.csv")
    assert audience.balances()
    [soren] = [row for row in audience.rows if row["given_name"] == "Søren"]
    number = md5(b"soeren.oestergaard@example.com", usedforsecurity=False).hexdigest()
    assert identifiers(soren) == {
        ("email", "soeren.oestergaard@example.com"),
        ("email_md5", number),
        ("mailchimp.unique_email_id", "c2cb0681b0"),
    }
    assert (soren["family_name"], soren["consent_email"]) == ("Østergaard", True)
    [anna] = [row for row in audience.rows if row["given_name"] == "Anna"]
    assert (anna["country"], anna["valid_from"]) == ("NL", datetime(2026, 3, 1, 12))


def test_mailchimp_who_left_the_audience_gave_no_consent(run_text: Run) -> None:
    head = "E-mailadres,Voornaam,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,LAST_CHANGED,LEID,EUID"
    [row] = run_text(
        "mailchimp.audience",
        f"{head},UNSUB_TIME,UNSUB_REASON\nAnna@Example.org,Anna,2,,2026-01-01 10:00:00,2026-02-01 10:00:00,1,e1,"
        "2026-02-01 10:00:00,NORMAL\n",
    ).rows
    assert (row["consent_email"], row["attributes"]["unsubscribe_reason"]) == (False, "NORMAL")
    assert ("email_md5", md5(b"anna@example.org", usedforsecurity=False).hexdigest()) in identifiers(row)
    [cleaned] = run_text(
        "mailchimp.audience",
        f"{head},CLEAN_TIME\nanna@example.org,Anna,2,,2026-01-01 10:00:00,,1,e1,2026-02-01 10:00:00\n",
    ).rows
    assert (cleaned["consent_email"], cleaned["valid_from"]) == (False, datetime(2026, 2, 1, 10))


@pytest.mark.shared
def test_mailchimp_automations(run: Run, shared: Path) -> None:
    path = shared / "mailchimp_tables" / "automation_recipient_activity.csv"
    acted = run("mailchimp.automation_recipient_activity", path)
    assert acted.balances()
    assert acted.types == {"email_opened": 2, "email_clicked": 6}
    first = acted.where()[0]
    assert (first["occurred_at"], first["touchpoint_type"]) == (datetime(2020, 4, 21, 14, 52, 6), "email_clicked")
    assert (identifiers(first), first["campaign_id"]) == (
        {("email_md5", "4d1bf0aa67690a2b483771ce00cfb6a7")},
        "b63e7b8aff",
    )


def test_brevo_log_of_mails(run_text: Run) -> None:
    mapped = run_text(
        "brevo.email_event",
        "st_text,ts,sub,frm,email,tag,mid,link\n"
        "Sent,21-01-2026 10:22:05,Your order,shop@example.net,anna@example.org,order,<m1@example.net>,NA\n"
        "Delivered,21-01-2026 10:22:07,Your order,shop@example.net,anna@example.org,order,<m1@example.net>,NA\n"
        "First opening,21-01-2026 11:00:00,Your order,shop@example.net,anna@example.org,order,<m1@example.net>,NA\n"
        "Clicked,21-01-2026 11:01:00,Your order,shop@example.net,anna@example.org,order,<m1@example.net>,"
        "https://shop.example.net/track?mail=anna\n"
        "Hard bounce,21-01-2026 10:22:06,Your order,shop@example.net,bo@example.org,order,<m2@example.net>,NA\n"
        "Bezorgd,21-01-2026 10:22:06,Your order,shop@example.net,bo@example.org,order,<m2@example.net>,NA\n",
    )
    assert mapped.balances() and mapped.skipped == {"delivery_step": 1}
    assert [(row["touchpoint_type"], row["raw_type"], row["outcome"], row["page_path"]) for row in mapped.where()] == [
        ("email_sent", "Sent", None, None),
        ("email_bounced", "Hard bounce", "failure", None),
        ("unmapped", "Bezorgd", None, None),
        ("email_opened", "First opening", None, None),
        ("email_clicked", "Clicked", None, "/track"),
    ]
    # The clock of the account: Paris, in winter.
    assert mapped.where(raw_type="Sent")[0]["occurred_at"] == datetime(2026, 1, 21, 9, 22, 5)
