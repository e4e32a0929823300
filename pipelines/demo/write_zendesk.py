"""Helpdesk: tickets, users, ticket metrics and satisfaction ratings as JSON lines of the Zendesk API (times UTC).

Each night exports what changed since the night before (with one day of overlap), in the state of that night.
"""

from __future__ import annotations

import polars as pl

from pipelines.demo import company as co
from pipelines.demo.behaviour import Behaviour
from pipelines.demo.people import People
from pipelines.demo.sink import Broken, Sink, choose, in_window, json_text, repeated_count, utc
from pipelines.demo.truth import Truth

_URL = "https://fjordpolder.example/api/v2"
_GROUP = "36000000001"
_VIAS = ("web", "email", "api", "chat")
_TOPICS = (
    ("Waar blijft mijn bestelling?", "incident", '"delivery"'),
    ("Spørgsmål om batteriet", "question", '"product"'),
    ("Factuur klopt niet", "problem", '"billing"'),
    ("Annuller min ordre", "task", '"cancellation"'),
    ("Vraag over een proefrit", "question", '"presales"'),
)
_Z = "%Y-%m-%dT%H:%M:%SZ"


def _text(column: str) -> pl.Expr:
    return pl.concat_str(pl.lit('"'), utc(column, _Z), pl.lit('"'))


def _maybe(column: str) -> pl.Expr:
    return _text(column).fill_null("null")


def _agent(index: pl.Expr) -> pl.Expr:
    return (pl.lit(365_000_000_000) + index).cast(pl.String)


def write_zendesk(people: People, behaviour: Behaviour, sink: Sink, truth: Truth) -> None:
    """Write tickets, users, ticket_metrics and satisfaction_ratings of every night."""
    f = people.frame
    person = behaviour.ticket["person"].cast(pl.UInt32)
    ticket = behaviour.ticket.with_columns(
        requester=f["zendesk_user"].gather(person),
        address=f["contact_email"].gather(person),
        # From some topics on, an unhappy writer makes a complaint of it.
        is_complaint=(pl.col("topic") == 0) & (pl.col("number") % 3 == 0),
    )
    first = ticket.group_by("person").agg(pl.col("at").min()).sort("at", "person")
    known = first.join(
        behaviour.order.group_by("person").agg(order_at=pl.col("at").min()),
        on="person",
        how="left",
        maintain_order="left",
    )
    users = f[known["person"].cast(pl.UInt32)].with_columns(known.select("at", "order_at"))
    for night, cut in enumerate(sink.nights.cuts):
        since = sink.nights.since(night)
        window = sink.nights.window(night, overlap_days=1)
        now = _state(ticket.filter(pl.col("at") < cut), cut)
        now = in_window(now, "changed", window)
        repeated = repeated_count(now["changed"], since)
        broken = (
            [
                Broken(
                    b'{"url": "https://fjordpolder.example/api/v2/tickets/99999901.json", "id": 99999901, "crea',
                    "truncated_line",
                    "",
                    "",
                )
            ]
            if night == 0
            else []
        )
        sink.lines(
            "zendesk/tickets",
            night,
            _tickets(now),
            name="tickets.jsonl",
            repeated=repeated,
            broken=broken,
            note="changed rows, one day overlap",
        )
        sink.lines(
            "zendesk/ticket_metrics",
            night,
            _metrics(now),
            name="ticket_metrics.jsonl",
            repeated=repeated,
            note="changed rows, one day overlap",
        )
        rated = now.filter(pl.col("is_offered") & (pl.col("final_at") + 60 < cut))
        sink.lines(
            "zendesk/satisfaction_ratings",
            night,
            _ratings(rated),
            name="satisfaction_ratings.jsonl",
            repeated=repeated_count(rated["changed"], since),
            note="changed rows, one day overlap",
        )
        seen = users.filter(pl.col("at") < cut).with_columns(
            customer=pl.when(pl.col("order_at") < cut).then("customer_number"),
            changed=pl.when(pl.col("order_at") < cut).then(pl.max_horizontal("at", "order_at")).otherwise("at"),
        )
        seen = in_window(seen, "changed", window)
        sink.lines(
            "zendesk/users",
            night,
            _users(seen, night),
            name="users.jsonl",
            repeated=repeated_count(seen["changed"], since),
            note="changed rows, one day overlap; staff once",
        )

    truth.touchpoint(ticket.filter(~pl.col("is_complaint")), "ticket_opened", "zendesk/tickets")
    truth.touchpoint(ticket.filter("is_complaint"), "complaint", "zendesk/tickets")
    truth.touchpoint(ticket, "ticket_replied", "zendesk/ticket_metrics", "reply_at")
    truth.touchpoint(ticket, "ticket_resolved", "zendesk/ticket_metrics", "final_at")
    offered = ticket.filter("is_offered").with_columns(sent_at=pl.col("final_at") + 60)
    truth.touchpoint(offered, "survey_sent", "zendesk/satisfaction_ratings", "sent_at")
    truth.touchpoint(offered.filter("is_rated"), "survey_answered", "zendesk/satisfaction_ratings", "rated_at")


def _state(ticket: pl.DataFrame, cut: int) -> pl.DataFrame:
    """Tickets as they stand at `cut`."""
    replied = pl.when(pl.col("reply_at") < cut).then("reply_at")
    final = pl.when(pl.col("final_at") < cut).then("final_at")
    # Between the first solution and the reopening the ticket is solved.
    first = pl.when((pl.col("solved_at") < cut) & (~pl.col("is_reopened") | (pl.col("reopen_at") >= cut))).then(
        "solved_at"
    )
    reopened = pl.when(pl.col("is_reopened") & (pl.col("reopen_at") < cut)).then("reopen_at")
    rated = pl.when(pl.col("is_rated") & (pl.col("rated_at") < cut) & pl.col("is_offered")).then("rated_at")
    offered = pl.when(pl.col("is_offered") & (pl.col("final_at") + 60 < cut)).then(pl.col("final_at") + 60)
    return ticket.with_columns(
        replied=replied,
        solved=pl.coalesce(final, first),
        reopened=reopened,
        rated=rated,
    ).with_columns(
        changed=pl.max_horizontal("at", "replied", "solved", "reopened", "rated", offered),
        status=pl.when(pl.col("solved").is_not_null())
        .then(pl.lit("solved"))
        .when(pl.col("reopened").is_not_null())
        .then(pl.lit("open"))
        .when(pl.col("replied").is_not_null())
        .then(pl.lit("pending"))
        .otherwise(pl.lit("new")),
    )


def _tickets(rows: pl.DataFrame) -> list[pl.Series]:
    subject = choose([s for s, _, _ in _TOPICS], "topic")
    number = pl.col("number").cast(pl.String)
    tags = pl.when("is_complaint").then(pl.lit(', "complaint"')).otherwise(pl.lit(""))
    rating = (
        pl.when(pl.col("rated").is_null())
        .then(pl.lit('{"score": "unoffered"}'))
        .when("is_good")
        .then(pl.lit('{"score": "good"}'))
        .otherwise(pl.lit('{"score": "bad"}'))
    )
    source = (
        pl.when(pl.col("via") == 1)
        .then(pl.concat_str(pl.lit('{"address": "'), "address", pl.lit('"}')))
        .otherwise(pl.lit("{}"))
    )
    line = pl.concat_str(
        pl.lit(f'{{"url": "{_URL}/tickets/'),
        number,
        pl.lit('.json", "id": '),
        number,
        pl.lit(', "external_id": null, "via": {"channel": "'),
        choose(_VIAS, "via"),
        pl.lit('", "source": {"from": '),
        source,
        pl.lit(', "to": {}, "rel": null}}, "created_at": '),
        _text("at"),
        pl.lit(', "updated_at": '),
        _text("changed"),
        pl.lit(', "type": "'),
        choose([t for _, t, _ in _TOPICS], "topic"),
        pl.lit('", "subject": '),
        json_text(subject),
        pl.lit(', "raw_subject": '),
        json_text(subject),
        pl.lit(', "description": '),
        json_text(subject),
        pl.lit(', "priority": "'),
        choose(("low", "normal", "high"), "priority"),
        pl.lit('", "status": "'),
        "status",
        pl.lit('", "recipient": null, "requester_id": '),
        "requester",
        pl.lit(', "submitter_id": '),
        "requester",
        pl.lit(', "assignee_id": '),
        _agent(pl.col("agent")),
        pl.lit(
            f', "organization_id": null, "group_id": {_GROUP}, "collaborator_ids": [], "follower_ids": [], '
            '"email_cc_ids": [], "forum_topic_id": null, "problem_id": null, "has_incidents": false, '
            '"is_public": true, "due_at": null, "tags": ['
        ),
        choose([g for _, _, g in _TOPICS], "topic"),
        tags,
        pl.lit('], "custom_fields": [], "satisfaction_rating": '),
        rating,
        pl.lit(
            ', "sharing_agreement_ids": [], "fields": [], "followup_ids": [], "ticket_form_id": 36000000002, '
            '"brand_id": 36000000003, "allow_channelback": false, "allow_attachments": true, '
            '"from_messaging_channel": false, "generated_timestamp": '
        ),
        pl.col("changed").cast(pl.String),
        pl.lit("}"),
    )
    return [rows.select(line.alias("line"))["line"]]


def _metrics(rows: pl.DataFrame) -> list[pl.Series]:
    number = pl.col("number").cast(pl.String)

    def minutes(end: str, shown: pl.Expr) -> pl.Expr:
        value = ((pl.col(end) - pl.col("at")) // 60).cast(pl.String)
        text = pl.concat_str(pl.lit('{"calendar": '), value, pl.lit(', "business": '), value, pl.lit("}"))
        return pl.when(shown).then(text).otherwise(pl.lit('{"calendar": null, "business": null}'))

    first = pl.col("solved").is_not_null() | pl.col("reopened").is_not_null()
    line = pl.concat_str(
        pl.lit(f'{{"url": "{_URL}/ticket_metrics/'),
        number,
        pl.lit('.json", "id": '),
        (pl.col("number").cast(pl.Int64) + 36_100_000_000).cast(pl.String),
        pl.lit(', "ticket_id": '),
        number,
        pl.lit(', "created_at": '),
        _text("at"),
        pl.lit(', "updated_at": '),
        _text("changed"),
        pl.lit(', "group_stations": 1, "assignee_stations": 1, "reopens": '),
        pl.when(pl.col("reopened").is_null()).then(pl.lit("0")).otherwise(pl.lit("1")),
        pl.lit(', "replies": '),
        pl.when(pl.col("replied").is_null()).then(pl.lit("0")).otherwise(pl.lit("1")),
        pl.lit(', "assignee_updated_at": '),
        _maybe("replied"),
        pl.lit(', "requester_updated_at": '),
        _text("at"),
        pl.lit(', "status_updated_at": '),
        _text("changed"),
        pl.lit(', "initially_assigned_at": '),
        _text("at"),
        pl.lit(', "assigned_at": '),
        _text("at"),
        pl.lit(', "solved_at": '),
        _maybe("solved"),
        pl.lit(', "latest_comment_added_at": '),
        _text("changed"),
        pl.lit(', "reply_time_in_minutes": '),
        minutes("reply_at", pl.col("replied").is_not_null()),
        pl.lit(', "first_resolution_time_in_minutes": '),
        minutes("solved_at", first),
        pl.lit(', "full_resolution_time_in_minutes": '),
        minutes("solved", pl.col("solved").is_not_null()),
        pl.lit(', "agent_wait_time_in_minutes": '),
        minutes("reply_at", pl.lit(False)),
        pl.lit(', "requester_wait_time_in_minutes": '),
        minutes("reply_at", pl.col("replied").is_not_null()),
        pl.lit(', "on_hold_time_in_minutes": {"calendar": 0, "business": 0}, "custom_status_updated_at": '),
        _text("changed"),
        pl.lit("}"),
    )
    return [rows.select(line.alias("line"))["line"]]


def _ratings(rows: pl.DataFrame) -> list[pl.Series]:
    number = (pl.col("number").cast(pl.Int64) + 36_200_000_000).cast(pl.String)
    offered = pl.col("final_at") + 60
    rows = rows.with_columns(offered_at=offered, updated=pl.coalesce("rated", offered))
    line = pl.concat_str(
        pl.lit(f'{{"url": "{_URL}/satisfaction_ratings/'),
        number,
        pl.lit('.json", "id": '),
        number,
        pl.lit(', "assignee_id": '),
        _agent(pl.col("agent")),
        pl.lit(f', "group_id": {_GROUP}, "requester_id": '),
        "requester",
        pl.lit(', "ticket_id": '),
        pl.col("number").cast(pl.String),
        pl.lit(', "score": "'),
        pl.when(pl.col("rated").is_null())
        .then(pl.lit("offered"))
        .when("is_good")
        .then(pl.lit("good"))
        .otherwise(pl.lit("bad")),
        pl.lit('", "created_at": '),
        _text("offered_at"),
        pl.lit(', "updated_at": '),
        _text("updated"),
        pl.lit(', "comment": null}'),
    )
    return [rows.select(line.alias("line"))["line"]]


def _users(rows: pl.DataFrame, night: int) -> list[pl.Series]:
    rest = (
        '"organization_id": null, "role": "{role}", "verified": true, "external_id": ',
        ', "tags": [], "alias": null, '
        '"active": true, "shared": false, "shared_agent": false, "last_login_at": null, '
        '"two_factor_auth_enabled": null, "signature": null, "details": null, "notes": null, "role_type": null, '
        '"custom_role_id": null, "moderator": false, "ticket_restriction": "requested", '
        '"only_private_comments": false, '
        '"restricted_agent": true, "suspended": false, '
        '"default_group_id": null, "report_csv": false, "user_fields": {}}',
    )
    user = pl.col("zendesk_user")
    line = pl.concat_str(
        pl.lit('{"id": '),
        user,
        pl.lit(f', "url": "{_URL}/users/'),
        user,
        pl.lit('.json", "name": '),
        json_text(pl.col("full_name")),
        pl.lit(', "email": '),
        json_text(pl.col("contact_email")),
        pl.lit(', "created_at": '),
        _text("at"),
        pl.lit(', "updated_at": '),
        _text("changed"),
        pl.lit(', "time_zone": "Amsterdam", "iana_time_zone": "Europe/Amsterdam", "phone": '),
        json_text(pl.col("mobile")),
        pl.lit(', "shared_phone_number": false, "photo": null, "locale_id": 1000, "locale": "'),
        "language",
        pl.lit('", '),
        pl.lit(rest[0].replace("{role}", "end-user")),
        json_text(pl.col("customer")),
        pl.lit(rest[1]),
    )
    out = [rows.select(line.alias("line"))["line"]]
    if night == 0:
        staff = []
        for index in range(co.AGENT_COUNT):
            number = 365_000_000_000 + index
            staff.append(
                f'{{"id": {number}, "url": "{_URL}/users/{number}.json", "name": "Agent {index + 1}", '
                f'"email": "agent{index + 1}@fjordpolder.example", "created_at": "2025-01-06T08:00:00Z", '
                '"updated_at": "2025-01-06T08:00:00Z", "time_zone": "Amsterdam", "iana_time_zone": "Europe/Amsterdam", '
                '"phone": null, "shared_phone_number": null, "photo": null, "locale_id": 1, "locale": "en-US", '
                + rest[0].replace("{role}", "agent")
                + "null"
                + rest[1]
            )
        out.append(pl.Series("line", staff))
    return out
