"""Mailchimp, Google Ads, Qualtrics, Flamingo, Twilio, Square: real files where there are any, else the real layout."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from hashlib import md5
from pathlib import Path

import pytest

from tests.sources.systems.conftest import Mapped, identifiers

Run = Callable[..., Mapped]


@pytest.mark.shared
def test_mailchimp_sending_and_reading(run: Run, shared: Path) -> None:
    folder = shared / "mailchimp_tables"
    sent = run("mailchimp.campaign_recipient", folder / "campaign_recipient.csv", campaign=folder / "campaign.csv")
    assert sent.balances() and sent.types == {"email_sent": 10}
    assert {row["occurred_at"] for row in sent.rows} == {datetime(2019, 11, 27, 16, 59, 27)}
    assert {row["subject"] for row in sent.rows} == {"Example company is looking for alpha testers!"}
    acted = run(
        "mailchimp.campaign_recipient_activity",
        folder / "campaign_recipient_activity.csv",
        campaign=folder / "campaign.csv",
    )
    assert acted.balances()
    assert acted.types == {"email_opened": 12, "email_clicked": 5}
    [click] = acted.where(touchpoint_type="email_clicked", occurred_at=datetime(2020, 4, 6, 17, 45, 43))
    assert identifiers(click) == {("email_md5", "f5114e6e6bb39e07781d2f51f409a7fe")}
    assert (click["page_path"], click["campaign_name"]) == ("/example", "Release 0.1.1")
    [gone] = run("mailchimp.unsubscribe", folder / "unsubscribe.csv").rows
    assert (gone["touchpoint_type"], gone["occurred_at"]) == ("email_unsubscribed", datetime(2020, 4, 17, 16, 32, 51))


@pytest.mark.shared
def test_mailchimp_members_and_consent(run: Run, shared: Path) -> None:
    members = run("mailchimp.member", shared / "mailchimp_tables" / "member.csv")
    assert members.balances() and len(members.rows) == 9
    consent = {dict(identifiers(row))["email"]: row["consent_email"] for row in members.rows}
    assert consent["dylan+testing@example.co"] is False
    assert consent["me@example.com"] is True
    [mary] = [row for row in members.rows if row["given_name"] == "Mary"]
    assert identifiers(mary) == {
        ("email", "mary@example.com"),
        ("email_md5", "b2ac489697c655e85db6dfedc5c2fee5"),
        ("mailchimp.unique_email_id", "b6a9ddfb47"),
    }
    assert mary["valid_from"] == datetime(2019, 11, 26, 23, 58, 17)


def test_mailchimp_id_is_the_md5_of_the_address(run_text: Run) -> None:
    number = md5(b"anna@example.org", usedforsecurity=False).hexdigest()
    mapped = run_text(
        "mailchimp.member",
        "id,list_id,email_address,status,timestamp_signup,last_changed\n"
        f"{number.upper()},L1,Anna@example.org,pending,2026-03-01 10:00:00,2026-03-01 10:00:00\n",
    )
    [row] = mapped.rows
    assert ("email_md5", number) in identifiers(row)
    assert row["consent_email"] is None


def test_mailchimp_recipient_waits_for_its_campaign(run_text: Run) -> None:
    mapped = run_text(
        "mailchimp.campaign_recipient", f"campaign_id,member_id,list_id,combination_id\nC1,{'a' * 32},L1,\n"
    )
    assert mapped.balances()
    assert mapped.rows[0]["occurred_at"] is None


@pytest.mark.shared
def test_google_ads_cost(run: Run, shared: Path) -> None:
    folder = shared / "google_ads_tables"
    stats = run(
        "google_ads.campaign_stats",
        folder / "campaign_stats_data.csv",
        campaign_history=folder / "campaign_history_data.csv",
        account_history=folder / "account_history_data.csv",
    )
    assert stats.balances() and len(stats.rows) == 16
    [first] = [row for row in stats.rows if row["cost_date"] == date(2021, 2, 1)]
    # 36150000 micros, 166 impressions, 49 clicks.
    assert (first["cost_amount"], first["impression_count"], first["click_count"]) == (36.15, 166, 49)
    assert (first["currency"], first["channel_detail"]) == ("USD", "google search mobile")
    assert first["campaign_name"] == "Zj9yTjsXtiWREoWWkz3kww=="
    assert round(sum(row["cost_amount"] for row in stats.rows), 2) == 231.33


@pytest.mark.shared
def test_qualtrics_sample(run: Run, shared: Path) -> None:
    mapped = run("qualtrics.response", shared / "qualtrics_csv" / "sample.csv")
    assert mapped.balances() and mapped.row_count == 1
    [row] = mapped.rows
    assert (row["touchpoint_type"], row["occurred_at"]) == ("survey_answered", datetime(2017, 7, 18, 8, 28, 48))
    assert (row["duration_seconds"], row["outcome"], row["channel_detail"]) == (38, "success", "anonymous")
    assert (row["score_kind"], identifiers(row)) == (None, set())


QUALTRICS = (
    "StartDate,EndDate,Status,Progress,Finished,RecordedDate,ResponseId,RecipientEmail,ExternalReference,DistributionChannel,"
    "NPS,CES,CSAT\n" + ",".join(["label"] * 13) + "\n" + ",".join(['"{""ImportId"":""x""}"'] * 13) + "\n"
)


def test_qualtrics_scores_previews_and_unfinished_answers(run_text: Run) -> None:
    start = "2026-03-01 10:00:00,2026-03-01 10:01:00"
    mapped = run_text(
        "qualtrics.response",
        QUALTRICS
        + f"{start},0,100,1,2026-03-01 10:01:00,R_1,anna@example.org,0010001,email,9,2,\n"
        + f"{start},0,40,0,2026-03-08 10:00:00,R_2,anna@example.org,,email,,,\n"
        + f"{start},1,100,1,2026-03-01 10:01:00,R_3,,,preview,10,,\n"
        + f"{start},0,100,1,2026-03-01 10:01:00,R_4,,,anonymous,11,,\n",
    )
    assert mapped.balances()
    assert mapped.skipped == {"preview": 1}
    both = mapped.of_object("survey_response", "R_1")
    assert sorted((row["part"], row["score_raw"], row["score_min"], row["score_max"]) for row in both) == [
        ("ces", 2.0, 1, 7),
        ("nps", 9.0, 0, 10),
    ]
    assert identifiers(both[0]) == {("email", "anna@example.org"), ("customer_number", "10001")}
    [partial] = mapped.of_object("survey_response", "R_2")
    # The end of the session, not a week later when the survey tool closed it.
    assert (partial["outcome"], partial["occurred_at"]) == ("partial", datetime(2026, 3, 1, 10, 1))
    # The contract refuses a score outside its scale; the mapping must hand both on for it to see that.
    [outside] = mapped.of_object("survey_response", "R_4")
    assert outside["score_raw"] > outside["score_max"]


@pytest.mark.shared
def test_flamingo_export(run: Run, shared: Path) -> None:
    mapped = run("flamingo.inbound", shared / "_format_fixtures" / "flamingo_inbound.csv")
    assert mapped.balances() and mapped.types == {"form_submitted": 2}
    anna, shared_mailbox = mapped.where()
    assert anna["occurred_at"] == datetime(2026, 3, 1, 20, 14, 5)
    # The warning that Flamingo puts before a plus sign is gone.
    assert identifiers(anna) == {("email", "anna.devries@example.com"), ("phone", "+31 6 00000001")}
    assert anna["attributes"] == {"name": "Anna de Vries", "message": "Line one\nLine two"}
    assert identifiers(shared_mailbox) == {("email", "info@example.org")}


@pytest.mark.parametrize(
    "warning",
    [
        "(Veiligheidswaarschuwing: verdachte inhoud. Zie https://contactform7.com/waarschuwing voor details.) ",
        "(Security Alert: Suspicious content is detected. See https://contactform7.com/heads-up-about-spreadsheet-"
        "vulnerabilities for details.) ",
        "",
    ],
)
def test_flamingo_warning_in_any_language(run_text: Run, warning: str) -> None:
    mapped = run_text(
        "flamingo.inbound",
        '"your-email","your-phone","your-message","Datum"\r\n'
        f'"a@example.org","{warning}+45 10 00 00 01","(Bel mij) graag","2026-03-01T21:14:05+01:00"',
    )
    [row] = mapped.rows
    assert ("phone", "+45 10 00 00 01") in identifiers(row)
    assert row["attributes"]["message"] == "(Bel mij) graag"


@pytest.mark.shared
def test_twilio_seeds(run: Run, shared: Path) -> None:
    calls = run("twilio.call", shared / "twilio_tables" / "twilio_call_data.csv")
    assert calls.balances()
    # One call is said to have begun on 30 February.
    assert [(problem["column"], problem["value"]) for problem in calls.problems] == [
        ("start_time", "2022-02-30 17:23:13.000000 UTC")
    ]
    [first] = calls.of_object("call", "CA25fbfeda4ab426ce7c4fe252271337d1")
    assert (first["touchpoint_type"], first["occurred_at"]) == ("call_inbound", datetime(2022, 7, 25, 16, 37, 7))
    assert (first["outcome"], identifiers(first)) == ("abandoned", {("phone", "15555555555")})
    texts = run("twilio.message", shared / "twilio_tables" / "twilio_message_data.csv")
    assert texts.balances() and texts.types == {"sms_sent": 10}
    assert {row["outcome"] for row in texts.rows} == {"success"}


def test_twilio_sides_waits_and_legs(run_text: Run) -> None:
    mapped = run_text(
        "twilio.call",
        "id,direction,duration,from,to,start_time,end_time,status,queue_time,parent_call_id\n"
        "CA1,inbound,120,+31190000010,+31190000001,2026-03-01 10:00:00 UTC,2026-03-01 10:02:45 UTC,completed,45400,\n"
        "CA2,outbound-api,0,+31190000001,+31190000010,2026-03-01 11:00:00 UTC,2026-03-01 11:00:20 UTC,no-answer,,\n"
        "CA3,outbound-dial,60,+31190000010,+31190000002,2026-03-01 10:00:45 UTC,2026-03-01 10:02:45 UTC,completed,"
        ",CA1\n",
    )
    assert mapped.balances()
    assert mapped.skipped == {"child_leg": 1}
    inbound, outbound = mapped.where()
    assert (inbound["waiting_seconds"], inbound["duration_seconds"], inbound["outcome"]) == (45, 120, "success")
    assert (outbound["touchpoint_type"], outbound["outcome"]) == ("call_outbound", "no_answer")
    assert identifiers(inbound) == identifiers(outbound) == {("phone", "+31190000010")}


SQUARE = (
    "Date,Time,Time Zone,Gross Sales,Discounts,Net Sales,Tax,Tip,Total Collected,Source,Card,Card Entry Methods,Cash,"
    "Transaction ID,Payment ID,Device Name,Event Type,Location,Customer ID,Customer Name,Customer Reference ID\n"
)


def till(
    day: str, clock: str, zone: str, total: str, event: str = "Payment", number: str = "T1", reference: str = ""
) -> str:
    cells = [
        day,
        clock,
        zone,
        total,
        "",
        total,
        "",
        "",
        total,
        "Point of Sale",
        "",
        "",
        "",
        number,
        "P1",
        "Till 1",
        event,
        "Utrecht",
        "",
        "",
        reference,
    ]
    return SQUARE + ",".join(f'"{cell}"' for cell in cells) + "\n"


@pytest.mark.parametrize(
    ("total", "amount", "currency"),
    [
        ("$1,234.50", 1234.5, "USD"),
        ("€1.234,50", 1234.5, "EUR"),
        ("€12,50", 12.5, "EUR"),
        ("-€89,95", -89.95, "EUR"),
        ("-$12.00", -12.0, "USD"),
        ("£7.00", 7.0, "GBP"),
        ("1.234.567,00 kr.", 1234567.0, "DKK"),
        ("kr 49,50", 49.5, "DKK"),
    ],
)
def test_square_amounts(run_text: Run, total: str, amount: float, currency: str) -> None:
    [row] = run_text("square.transaction", till("2026-03-01", "10:00:00", "Amsterdam", total)).rows
    assert (row["amount"], row["currency"]) == (amount, currency)


@pytest.mark.parametrize(
    ("day", "clock", "zone", "utc"),
    [
        ("2026-03-01", "10:00:00", "Amsterdam", datetime(2026, 3, 1, 9)),
        ("2026-07-01", "10:00:00", "Copenhagen", datetime(2026, 7, 1, 8)),
        ("10/05/2026", "2:30:00 PM", "Eastern Time (US & Canada)", datetime(2026, 10, 5, 18, 30)),
        ("2026-03-01", "10:00:00", "Europe/London", datetime(2026, 3, 1, 10)),
        ("2026-03-01", "10:00:00", "Nowhere", datetime(2026, 3, 1, 9)),
        ("2025-10-26", "02:30:00", "Amsterdam", datetime(2025, 10, 26, 0, 30)),
    ],
)
def test_square_times(run_text: Run, day: str, clock: str, zone: str, utc: datetime) -> None:
    [row] = run_text("square.transaction", till(day, clock, zone, "€10,00")).rows
    assert row["occurred_at"] == utc


def test_square_refund_no_sale_and_customer(run_text: Run) -> None:
    sale = till("2026-03-01", "10:00:00", "Amsterdam", "€10,00", reference="0010001")
    refund = till("2026-03-02", "10:00:00", "Amsterdam", "-€10,00", "Refund").removeprefix(SQUARE)
    drawer = till("2026-03-02", "11:00:00", "Amsterdam", "€0,00", "No Sale", "T3").removeprefix(SQUARE)
    mapped = run_text("square.transaction", sale + refund + drawer)
    assert mapped.balances()
    assert mapped.skipped == {"no_sale": 1}
    bought, back = mapped.where()
    assert (bought["touchpoint_type"], identifiers(bought)) == ("pos_purchase", {("customer_number", "10001")})
    assert (back["touchpoint_type"], back["amount"], back["medium"]) == ("refund_paid", -10.0, "offline")
    assert identifiers(back) == set()
