"""Gravity Forms, Drupal Webform and the layout for messages, mentions and reviews: rows made as documented."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sources.recognise import recognise
from sources.spec import SourceCatalog
from tests.sources.systems.conftest import Mapped, identifiers

Run = Callable[..., Mapped]

GRAVITY = (
    '"Name (First)","E-mail",Telefoon,Klantnummer,"Created By (User Id)","Entry Id","Entry Date","Date Updated","Source Url",'
    '"Transaction Id","Payment Amount","Payment Date","Payment Status","Post Id","User Agent","User IP"\n'
    "Anna,anna@example.org,0600000001,0010001,7,501,2026-03-01 10:00:00,2026-03-01 10:00:00,"
    "https://shop.example.org/contact/?gclid=x,,,,,,Mozilla/5.0 (iPhone),192.0.2.1\n"
    "Bram,bram@example.org,,,,502,2026-03-01 11:00:00,,https://shop.example.org,tr_1,25.00,2026-03-01 11:00:30,Paid,,,192.0.2.2\n"
    "Bram,bram@example.org,,,,503,2026-03-01 12:00:00,,https://shop.example.org,tr_2,25.00,,Failed,,,192.0.2.2\n"
)
DRUPAL_LABELS = (
    '"Serial number","Submission ID","Submission URI",Created,Completed,Changed,"Is draft","Current page",'
    '"Remote IP address","Submitted by: ID","Submitted by: Title","Submitted by: URL",Language,'
    '"Submitted to: Entity type","Submitted to: Entity ID",Locked,Sticky,Notes,Name,Email\n'
)
DRUPAL_KEYS = (
    "serial,sid,uri,created,completed,changed,in_draft,current_page,remote_addr,uid,uid_title,uid_url,langcode,entity_type,"
    "entity_id,locked,sticky,notes,name,email\n"
)
DRUPAL_ROWS = (
    '1,41,/contact?x=1,"2026-03-01 10:00:00","2026-03-01 10:02:00","2026-03-01 10:02:00",No,,192.0.2.1,0,Anonymous,,nl,,,No,No,,'
    "Anna,anna@example.org\n"
    '2,42,/contact,"2026-03-01 11:00:00",,"2026-03-01 11:02:00",Yes,,192.0.2.1,9,Bram,,nl,,,No,No,,Bram,bram@example.org\n'
)


def test_gravity_forms(catalog: SourceCatalog, run_text: Run, tmp_path: Path) -> None:
    path = tmp_path / "entries.csv"
    path.write_text(GRAVITY, encoding="utf-8")
    assert recognise(path, catalog).exports == ("gravity_forms.entry",)
    mapped = run_text("gravity_forms.entry", GRAVITY)
    assert mapped.balances()
    [anna] = mapped.of_object("form_entry", "501")
    assert (anna["touchpoint_type"], anna["occurred_at"]) == ("form_submitted", datetime(2026, 3, 1, 9))
    assert identifiers(anna) == {
        ("email", "anna@example.org"),
        ("phone", "0600000001"),
        ("customer_number", "10001"),
        ("wordpress.user", "7"),
    }
    assert (anna["page_path"], anna["device"]) == ("/contact/", "mobile")
    sent, paid = mapped.of_object("form_entry", "502")
    assert (sent["amount"], sent["page_path"]) == (None, "/")
    assert (paid["touchpoint_type"], paid["amount"], paid["outcome"]) == ("payment_received", 25.0, "success")
    assert paid["occurred_at"] == datetime(2026, 3, 1, 10, 0, 30)
    assert mapped.of_object("form_entry", "503")[1]["touchpoint_type"] == "payment_failed"


@pytest.mark.parametrize("head", [DRUPAL_LABELS, DRUPAL_KEYS], ids=["labels", "keys"])
def test_drupal_webform(catalog: SourceCatalog, run_text: Run, tmp_path: Path, head: str) -> None:
    path = tmp_path / "contact.csv"
    path.write_text(head + DRUPAL_ROWS, encoding="utf-8")
    assert recognise(path, catalog).exports == ("drupal.webform_submission",)
    mapped = run_text("drupal.webform_submission", head + DRUPAL_ROWS)
    assert mapped.balances() and mapped.skipped == {"draft": 1}
    [row] = mapped.rows
    assert (row["occurred_at"], row["duration_seconds"]) == (datetime(2026, 3, 1, 9, 2), 120)
    # User 0 is the anonymous visitor.
    assert (identifiers(row), row["page_path"]) == ({("email", "anna@example.org")}, "/contact")


MESSAGES: list[dict[str, Any]] = [
    {
        "message_id": "m1",
        "network": "Instagram",
        "sent_at": "2026-03-01T10:00:00Z",
        "author_id": "anna_tea",
        "direction": "inbound",
        "text": "Where is my tea?",
        "customer_number": "0010001",
    },
    {
        "message_id": "m2",
        "network": "Instagram",
        "sent_at": "2026-03-01T10:20:00Z",
        "author_id": "anna_tea",
        "direction": "outbound",
        "agent_id": "kim",
        "waiting_seconds": 1200,
        "conversation_id": "k1",
    },
]


def test_social_messages_as_json_lines_and_as_csv(catalog: SourceCatalog, run_text: Run, tmp_path: Path) -> None:
    lines = "".join(json.dumps(message) + "\n" for message in MESSAGES)
    names = [*MESSAGES[0], "agent_id", "waiting_seconds", "conversation_id"]
    table = ",".join(names) + "\n" + "".join(",".join(str(m.get(n, "")) for n in names) + "\n" for m in MESSAGES)
    for number, text in enumerate((lines, table)):
        path = tmp_path / f"{number}.txt"
        path.write_text(text, encoding="utf-8")
        assert recognise(path, catalog).exports == ("social.message",)
        mapped = run_text("social.message", text)
        assert mapped.balances()
        asked, answered = mapped.where()
        assert (asked["touchpoint_type"], asked["direction"], asked["channel_detail"]) == (
            "social_message",
            "inbound",
            "instagram",
        )
        assert identifiers(asked) == {("social.account", "instagram:anna_tea"), ("customer_number", "10001")}
        assert (answered["direction"], answered["agent_id"], answered["waiting_seconds"]) == ("outbound", "kim", 1200)
        assert identifiers(answered) == {("social.account", "instagram:anna_tea")}


def test_social_mentions_are_indirect(run_text: Run) -> None:
    [row] = run_text(
        "social.mention",
        "mention_id,network,mentioned_at,author_id,kind,sentiment,reach,url\n"
        "1,X,2026-03-01 10:00:00,anna,share,positive,1200,https://x.example.org/p/1?utm=2\n",
    ).rows
    assert (row["touchpoint_type"], row["direction"], row["raw_type"]) == ("social_engagement", "third_party", "share")
    assert (row["attributes"]["reach"], row["attributes"]["url"]) == (1200, "https://x.example.org/p/1")


def test_reviews_stand_on_their_own_scale(catalog: SourceCatalog, run_text: Run, tmp_path: Path) -> None:
    text = (
        "review_id,site,posted_at,rating,rating_max,title,reply_at,order_reference\n"
        "1,Trustpilot,2026-03-01 10:00:00,4,,Good tea,2026-03-02 09:00:00,1001\n"
        "2,Kiyoh,2026-03-01 11:00:00,9,10,,,\n"
        "3,Trustpilot,2026-03-01 12:00:00,9,,,,\n"
    )
    path = tmp_path / "reviews.csv"
    path.write_text(text, encoding="utf-8")
    assert recognise(path, catalog).exports == ("social.review",)
    mapped = run_text("social.review", text)
    assert mapped.balances()
    posted, replied = mapped.of_object("review", "trustpilot:1")
    scale = ("score_kind", "score_raw", "score_min", "score_max")
    assert [posted[name] for name in scale] == ["rating", 4, 1, 5]
    assert (posted["subject"], identifiers(posted)) == ("Good tea", {("order_reference", "1001")})
    assert (replied["touchpoint_type"], replied["direction"], replied["channel"]) == (
        "social_message",
        "outbound",
        "review_site",
    )
    assert replied["score_raw"] is None
    assert [mapped.of_object("review", "kiyoh:2")[0][name] for name in scale] == ["rating", 9, 1, 10]
    # Outside its scale: the contract refuses it.
    assert mapped.of_object("review", "trustpilot:3")[0]["score_max"] == 5
