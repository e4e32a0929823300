"""The text of a first spec and mapping from a proposal: YAML and SQL that a person reads, corrects and keeps.

Belongs here: how a proposal looks in a file, with `unsure:` comments beside the lines they concern. Does not belong here:
what is proposed (`propose.py`), writing to disk.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Sequence
from typing import Any

from models.yaml_text import read_yaml
from sources.dialect import Note
from sources.proposal import Proposal, quote_name
from sources.typed import literal
from sources.vocabulary import words_of

_WIDTH = 116
_READ_ORDER = (
    "format", "style", "encoding", "delimiter", "quote", "escape", "sheet", "skip_rows", "header_rows", "header_row_used",
    "footer", "columns", "record", "flatten", "decimal", "thousands", "time_zone", "empty",
)  # fmt: skip


def spec_text(proposal: Proposal, evidence: str) -> str:
    """`<export>.yaml`. `evidence`: the files and rows it was made from, for the comment at the top."""
    out = _Lines("#")
    out.comment(
        f"Proposed by `touchpoint360 new-source` from {evidence}. Read it, correct it, and keep it: it is yours."
    )
    out.comment("A line after `unsure:` says what it rests on; take the comment away when you have looked.")
    out.add(f"description: {_scalar(_description(proposal))}")
    out.notes(proposal.notes, "feeds")
    out.comment(f"feeds: {proposal.evidence}")
    out.add(f"feeds: {proposal.feeds}")
    if proposal.currency:
        out.notes(proposal.notes, "currency")
        out.add(f"currency: {proposal.currency}")
    else:
        out.notes(proposal.notes, "currency")
    out.notes(proposal.notes, "recognise")
    out.add("recognise:")
    for key, value in proposal.recognise.items():
        out.add(f"  {key}: {_flow(value)}")
    out.add("read:")
    for key in _READ_ORDER:
        if key in proposal.read:
            out.notes(proposal.notes, f"read.{key}", indent=2)
            out.add(f"  {key}: {_flow(proposal.read[key])}")
    out.notes(proposal.notes, "key")
    if proposal.key:
        out.add(f"key: {_flow(list(proposal.key))}")
    if proposal.version:
        out.add(f"version: {_flow(list(proposal.version))}")
    if proposal.skip:
        out.notes(proposal.notes, "skip")
        out.add("skip:")
        for rule, when, because in proposal.skip:
            out.add(f"  - {{rule: {rule}, when: {_quoted(when)}, because: {_quoted(because)}}}")
    if proposal.columns:
        out.add("columns:")
        for item in _columns(proposal):
            if item[2]:
                out.comment(item[2], indent=2)
            out.add(f"  {_scalar(item[0])}:{' ' + _flow(item[1]) if item[1] else ''}")
    if proposal.unmapped_columns:
        out.comment(f"Not mapped: {', '.join(proposal.unmapped_columns)}")
    return out.text()


def _columns(proposal: Proposal) -> list[tuple[str, dict[str, Any], str]]:
    """(name, declaration, comment) of the columns; the column made of a day and a clock first."""
    items: list[tuple[str, dict[str, Any], str]] = []
    made = _made_time(proposal)
    if made:
        items.append((made[0], made[1], f"unsure: {made[2]}"))
    for plan in proposal.columns:
        what = f"{plan.role}: {plan.evidence}" if plan.role and plan.evidence else plan.evidence
        comment = f"unsure: {what}" if plan.is_unsure and what else ""
        declaration = dict(plan.declaration)
        items.append((plan.name, declaration, comment))
    return items


def _made_time(proposal: Proposal) -> tuple[str, dict[str, Any], str] | None:
    """The declaration of a time that stands in two columns."""
    day = next((plan for plan in proposal.columns if plan.role == "occurred_day"), None)
    clock = next((plan for plan in proposal.columns if plan.role == "occurred_clock"), None)
    if day is None or clock is None:
        return None
    name = "occurred" if "occurred" not in {plan.name for plan in proposal.columns} else "occurred_moment"
    return (
        name,
        {"type": "timestamp", "from": [day.name, clock.name], "required": True, "format": list(proposal.clock_formats)},
        f"{day.name} and {clock.name} are one moment",
    )


def mapping_text(proposal: Proposal) -> str:
    """`<export>.sql`; empty for a lookup."""
    maker = {
        "touchpoint": _touchpoint_sql,
        "party_record": _party_sql,
        "channel_cost": _cost_sql,
        "identifier_link": _link_sql,
    }.get(proposal.feeds)
    return maker(proposal) if maker else ""


# --- touchpoints -------------------------------------------------------------------------------------------------------------


def _touchpoint_sql(proposal: Proposal) -> str:
    out = _Lines("--")
    name = f"{proposal.system}.{proposal.export}"
    made = _made_time(proposal)
    occurred = made[0] if made else proposal.role("occurred_at")
    many = bool(proposal.moments) or len(proposal.scores) > 1
    if proposal.moments:
        listed = ", ".join([proposal.row_type, *(item.touchpoint_type for item in proposal.moments)])
        out.comment(f"{name}: one row tells of several touchpoints, each with a time of its own: {listed}.")
    elif proposal.type_column:
        out.comment(f"{name}: one touchpoint per row; {proposal.type_column} says what happened.")
    else:
        out.comment(f"{name}: one touchpoint per row, {proposal.row_type}.")
    _left_out(proposal, out)
    if many:
        _moment_cte(proposal, out, occurred)
    out.add("select")
    columns: list[tuple[list[str], str]] = []

    def column(expression: str, alias: str, *comments: str) -> None:
        columns.append(
            ([text for text in comments if text], f"{expression} as {alias}" if expression != alias else alias)
        )

    def unsure(role: str) -> str:
        plan = next((item for item in proposal.columns if item.role.split(":")[0] == role), None)
        return f"unsure: {plan.name}: {plan.evidence}" if plan and plan.is_unsure else ""

    column("row_id", "row_id")
    notes = [note.text for note in proposal.notes if note.place == "touchpoint_type" and note.is_unsure]
    if many:
        column("moment_type", "touchpoint_type", *(f"unsure: {text}" for text in notes))
        if len(proposal.scores) > 1:
            column("moment_part", "part")
        column("moment_at", "occurred_at", unsure("occurred_at"))
    else:
        expression = _type_expression(proposal)
        column(expression, "touchpoint_type", *(f"unsure: {text}" for text in notes))
        if proposal.type_column:
            column(quote_name(proposal.type_column), "raw_type")
        elif proposal.row_type == "unmapped":
            column(literal(proposal.export), "raw_type")
        column(quote_name(occurred), "occurred_at", unsure("occurred_at"))
    if proposal.is_day_only:
        column("'day'", "occurred_at_precision")
    _channel_columns(proposal, column, unsure, many)
    for role in (
        "campaign_id",
        "campaign_name",
        "campaign_source",
        "campaign_medium",
        "campaign_content",
        "campaign_term",
    ):
        if proposal.role(role):
            column(quote_name(proposal.role(role)), role, unsure(role))
    identity = [note.text for note in proposal.notes if note.place == "identifiers"]
    column(
        _identifiers(proposal),
        "identifiers",
        *(f"unsure: {text}" for text in identity),
        *_unsure_of(proposal, "identifier:"),
    )
    objects = _objects(proposal)
    if objects:
        column(objects, "objects", *_unsure_of(proposal, "object:"))
    if proposal.role("status"):
        column(_outcome(proposal), "outcome")
    _measure_columns(proposal, column, unsure, many)
    for role, alias in (("agent", "agent_id"), ("subject", "subject"), ("device", "device")):
        if proposal.role(role):
            column(quote_name(proposal.role(role)), alias, unsure(role))
    if proposal.role("page"):
        page = quote_name(proposal.role("page"))
        column(f"nullif(regexp_extract({page}, '^(?:[a-z]+://[^/?#]+)?(/[^?#]*)', 1), '')", "page_path", unsure("page"))
    if proposal.role("referrer"):
        referrer = quote_name(proposal.role("referrer"))
        column(f"nullif(regexp_extract({referrer}, '^[a-z]+://(?:www\\.)?([^/:?#]+)', 1), '')", "referrer_host")
    attributes = _attributes(proposal)
    if attributes:
        column(attributes, "attributes")
    out.columns(columns)
    if many:
        out.add("from moment")
        out.add("where moment_at is not null")
    else:
        out.add("from export_row")
    return out.text()


def _left_out(proposal: Proposal, out: _Lines) -> None:
    if proposal.unmapped_columns:
        out.comment(f"Not mapped: {', '.join(proposal.unmapped_columns)}.")


def _moment_cte(proposal: Proposal, out: _Lines, occurred: str) -> None:
    """The touchpoints of a row as a list of structs, one per moment and one per score."""
    has_scores = len(proposal.scores) > 1
    entries: list[tuple[str, str]] = []

    def entry(touchpoint_type: str, at: str, comment: str, score: Any = None) -> None:
        part = f", 'moment_part': {literal(score.kind) if score else 'null'}" if has_scores else ""
        if has_scores:
            part += (
                f", 'score_kind': {literal(score.kind)}, 'score_raw': {quote_name(score.column)}, 'score_min': {score.low}, "
                f"'score_max': {score.high}"
                if score
                else ", 'score_kind': null, 'score_raw': null, 'score_min': null, 'score_max': null"
            )
        entries.append((comment, f"{{'moment_type': {literal(touchpoint_type)}, 'moment_at': {quote_name(at)}{part}}}"))

    if has_scores:
        scored = " and ".join(f"{quote_name(item.column)} is null" for item in proposal.scores)
        for number, item in enumerate(proposal.scores):
            name = quote_name(item.column)
            note = f"unsure: {item.column}: {item.evidence}" if item.is_unsure else ""
            part = (
                item.kind
                if item.kind not in {s.kind for s in proposal.scores[:number]}
                else f"{item.kind}_{number + 1}"
            )
            entries.append((
                note,
                f"{{'moment_type': case when {name} is not null then {literal(proposal.row_type)} end, "
                f"'moment_part': {literal(part)}, 'moment_at': {quote_name(occurred)}, 'score_kind': {literal(item.kind)}, "
                f"'score_raw': {name}, 'score_min': {item.low}, 'score_max': {item.high}}}",
            ))  # fmt: skip
        entries.append((
            "an answer without any score",
            f"{{'moment_type': case when {scored} then {literal(proposal.row_type)} end, 'moment_part': null, "
            f"'moment_at': {quote_name(occurred)}, 'score_kind': null, 'score_raw': null, 'score_min': null, 'score_max': null}}",
        ))  # fmt: skip
    else:
        entry(proposal.row_type, occurred, "")
    for moment in proposal.moments:
        note = f"unsure: the name {moment.column} says {moment.phrase!r}" if moment.is_unsure else ""
        entry(moment.touchpoint_type, moment.column, note)
    out.add("with moment as (")
    out.add("  select")
    out.add("    *,")
    if has_scores:
        out.add("    unnest(list_filter([")
    else:
        out.add("    unnest([")
    for at, (comment, text) in enumerate(entries):
        if comment:
            out.comment(comment, indent=6)
        out.add(f"      {text}{',' if at + 1 < len(entries) else ''}")
    out.add(
        "    ], lambda x: x.moment_type is not null), recursive := true)" if has_scores else "    ], recursive := true)"
    )
    out.add("  from export_row")
    out.add(")")
    out.add("")


def _type_expression(proposal: Proposal) -> str:
    if not proposal.type_column:
        if proposal.topic == "call" and proposal.role("direction") and proposal.directions:
            column = quote_name(proposal.role("direction"))
            outbound = [value for value, way in proposal.directions if way == "outbound"]
            if outbound:
                listed = ", ".join(literal(value.lower()) for value in outbound)
                return f"case when lower({column}) in ({listed}) then 'call_outbound' else 'call_inbound' end"
        return literal(proposal.row_type or "unmapped")
    lines = [f"case lower(trim({quote_name(proposal.type_column)}))"]
    for item in proposal.labels:
        note = ""
        if item.touchpoint_type == "unmapped":
            note = f"  -- unsure: {item.phrase or 'no type for this'}; {item.row_count:,} rows"
        elif item.is_unsure:
            note = f"  -- unsure: {item.phrase!r} in it; {item.row_count:,} rows"
        lines.append(f"    when {literal(item.label.strip().lower())} then {literal(item.touchpoint_type)}{note}")
    lines.append("    else 'unmapped'")
    lines.append("  end")
    return "\n".join(lines)


def _channel_columns(proposal: Proposal, column: Any, unsure: Any, many: bool) -> None:
    channel = proposal.role("channel")
    if channel:
        name = quote_name(channel)
        if proposal.channels:
            lines = [f"case lower(trim({name}))"]
            lines += [f"    when {literal(value.lower())} then {literal(to)}" for value, to in proposal.channels]
            expression = "\n".join([*lines, "  end"])
            why = "a value that is not listed leaves the channel of the type"
            if many and proposal.moments:
                inner = expression.replace("\n", "\n  ")
                expression = f"case when moment_type = {literal(proposal.row_type)} then\n    {inner}\n  end"
                why += "; what came after it has the channel of its own type"
            column(expression, "channel", why)
        column(name, "channel_detail", unsure("channel"))
    direction = proposal.role("direction")
    if direction and proposal.directions:
        lines = [f"case lower(trim({quote_name(direction)}))"]
        lines += [f"    when {literal(value.lower())} then {literal(to)}" for value, to in proposal.directions]
        column("\n".join([*lines, "  end"]), "direction", unsure("direction"))


def _identifiers(proposal: Proposal) -> str:
    found = [(plan.role.partition(":")[2], plan.name) for plan in proposal.roles("identifier:")]
    caller, called = proposal.roles("party_from:"), proposal.roles("party_to:")
    entries = [f"{{'type': {literal(kind)}, 'value': {quote_name(name)}}}" for kind, name in found]
    if caller and called:
        kind = literal(caller[0].role.partition(":")[2])
        outbound = [value for value, way in proposal.directions if way == "outbound"]
        customer = quote_name(caller[0].name)
        if outbound:
            ways = ", ".join(literal(value.lower()) for value in outbound)
            direction = quote_name(proposal.role("direction"))
            customer = f"case when lower({direction}) in ({ways}) then {quote_name(called[0].name)} else {customer} end"
        entries.append(f"{{'type': {kind}, 'value': {customer}}}")
    if not entries:
        things = [plan for plan in proposal.roles("object:") if plan.role.partition(":")[2] in
                  ("order", "ticket", "invoice", "opportunity", "contract", "call")]  # fmt: skip
        for plan in things[:1]:
            kind = literal(f"{proposal.system}.{thing_noun(plan.name, plan.role.partition(':')[2])}")
            entries.append(f"{{'type': {kind}, 'value': {quote_name(plan.name)}}}")
    if not entries:
        return 'cast(null as struct("type" varchar, "value" varchar)[])'
    return _list(entries)


def thing_noun(column: str, kind: str) -> str:
    """What a system calls its tickets and orders: the noun of the column, where it is one that is known."""
    nouns = ("conversation", "case", "chat", "incident", "request", "deal", "quote", "contract", "subscription")
    return next((noun for noun in nouns if noun in words_of(column)), kind)


def _objects(proposal: Proposal) -> str:
    found = [(plan.role.partition(":")[2], plan.name) for plan in proposal.roles("object:")]
    return _list(
        [f"{{'type': {literal(kind)}, 'id': {quote_name(name)}, 'qualifier': 'subject'}}" for kind, name in found]
    )


def _list(entries: Sequence[str]) -> str:
    if len(entries) <= 1:
        return f"[{entries[0]}]" if entries else ""
    return "[\n    " + ",\n    ".join(entries) + "\n  ]"


def _unsure_of(proposal: Proposal, prefix: str) -> list[str]:
    return [f"unsure: {plan.name}: {plan.evidence}" for plan in proposal.roles(prefix) if plan.is_unsure]


def _outcome(proposal: Proposal) -> str:
    name = quote_name(proposal.role("status"))
    if not proposal.outcomes:
        return name
    lines = [f"case lower(trim({name}))"]
    lines += [f"    when {literal(value.lower())} then {literal(to)}" for value, to in proposal.outcomes]
    return "\n".join([*lines, f"    else lower(trim({name}))", "  end"])


_SECONDS = {"seconds": "", "minutes": " * 60", "hours": " * 3600", "milliseconds": " / 1000"}


def _measure_columns(proposal: Proposal, column: Any, unsure: Any, many: bool) -> None:
    for plan in [*proposal.roles("duration:"), *proposal.roles("waiting:")]:
        role, _, unit = plan.role.partition(":")
        name = quote_name(plan.name)
        seconds = (
            f"date_diff('second', time '00:00:00', try_cast({name} as time))"
            if unit == "clock"
            else f"{name}{_SECONDS[unit]}"
        )
        note = f"unsure: {plan.evidence}" if plan.is_unsure else ""
        column(seconds, f"{role}_seconds", note)
    amount = proposal.role("amount")
    if amount:
        expression = quote_name(amount)
        if many:
            expression = f"case when moment_type = {literal(proposal.row_type)} then {expression} end"
        column(expression, "amount", unsure("amount"))
        if proposal.role("currency"):
            column(quote_name(proposal.role("currency")), "currency")
    if len(proposal.scores) == 1:
        item = proposal.scores[0]
        name = quote_name(item.column)
        value = name
        if item.words:
            value = "case lower({}) {} end".format(
                name, " ".join(f"when {literal(word.lower())} then {number}" for word, number in item.words)
            )
        note = f"unsure: {item.column}: {item.evidence}" if item.is_unsure else ""
        if proposal.moments:
            # One score is said of one touchpoint: of the last where it judges how a matter ended.
            scored = proposal.moments[-1].touchpoint_type if proposal.topic == "ticket" else proposal.row_type
            value = f"case when moment_type = {literal(scored)} then {value} end"
        column(f"case when {value} is not null then {literal(item.kind)} end", "score_kind", note)
        column(value, "score_raw")
        column(f"case when {value} is not null then {item.low} end", "score_min")
        column(f"case when {value} is not null then {item.high} end", "score_max")
    elif len(proposal.scores) > 1:
        for name in ("score_kind", "score_raw", "score_min", "score_max"):
            column(name, name)


def _attributes(proposal: Proposal) -> str:
    names = [plan.name for plan in proposal.columns if plan.role in ("attribute", "quantity")]
    if proposal.role("status"):
        names.append(proposal.role("status"))
    if proposal.role("user_agent"):
        names.append(proposal.role("user_agent"))
    pairs = [f"{literal(attribute_name(name))}: {quote_name(name)}" for name in dict.fromkeys(names)]
    if not pairs:
        return ""
    text = "{" + ", ".join(pairs) + "}"
    return text if len(text) < 100 else "{\n    " + ",\n    ".join(pairs) + "\n  }"


def attribute_name(name: str) -> str:
    """A column's name as an attribute's."""
    return "_".join(part for part in "".join(c if c.isalnum() else " " for c in name).lower().split()) or "value"


# --- other feeds -----------------------------------------------------------------------------------------------------------


def _party_sql(proposal: Proposal) -> str:
    out = _Lines("--")
    out.comment(f"{proposal.system}.{proposal.export}: what the system says about one {proposal.party_type}.")
    _left_out(proposal, out)
    out.add("select")
    columns: list[tuple[list[str], str]] = [([], "row_id")]
    columns.append((
        [f"unsure: {note.text}" for note in proposal.notes if note.place == "party_type"],
        f"{literal(proposal.party_type)} as party_type",
    ))  # fmt: skip
    found = [(plan.role.partition(":")[2], plan.name) for plan in proposal.roles("identifier:")]
    if proposal.party_type != "person":
        found = []
    if proposal.own_identifier:
        found.insert(0, proposal.own_identifier)
    entries = [f"{{'type': {literal(kind)}, 'value': {quote_name(name)}}}" for kind, name in found]
    columns.append((_unsure_of(proposal, "identifier:"), f"{_list(entries) or 'null'} as identifiers"))
    email, phone = proposal.role("identifier:email"), proposal.role("identifier:phone")
    names = {"organisation": "organisation_name"}
    for role in ("full_name", "given_name", "family_name", "organisation"):
        if proposal.role(role):
            columns.append(([], _aliased(proposal.role(role), names.get(role, role))))
    if email:
        columns.append(([], _aliased(email, "email")))
    if phone:
        columns.append(([], _aliased(phone, "phone")))
    for role in ("street", "house_number", "postal_code", "city", "country", "birth_date", "language"):
        plan = next((item for item in proposal.columns if item.role == role), None)
        if plan:
            note = [f"unsure: {plan.name}: {plan.evidence}"] if plan.is_unsure else []
            value = _aliased(plan.name, role)
            if role == "country":
                name = quote_name(plan.name)
                value = f"case when length({name}) = 2 then upper({name}) end as country"
            columns.append((note, value))
    for role, target, sign in (
        ("consent_email", "consent_email", ""), ("refusal_email", "consent_email", "not "),
        ("consent_phone", "consent_phone", ""), ("refusal_phone", "consent_phone", "not "),
    ):  # fmt: skip
        plan = next((item for item in proposal.columns if item.role == role), None)
        if plan is None or any(text.endswith(f" as {target}") for _, text in columns):
            continue
        name = quote_name(plan.name)
        value = (
            f"{sign}{name}"
            if plan.declaration.get("type") == "boolean"
            else f"{sign}(lower({name}) in ('true', 'yes', 'ja', '1', 'y'))"
        )
        columns.append(
            ([f"unsure: what {plan.name} means for consent is a question of law, not of names"], f"{value} as {target}")
        )
    if proposal.role("valid_from"):
        columns.append(([], _aliased(proposal.role("valid_from"), "valid_from")))
    out.columns(columns)
    out.add("from export_row")
    return out.text()


def _aliased(name: str, alias: str) -> str:
    quoted = quote_name(name)
    return alias if quoted == alias else f"{quoted} as {alias}"


def _cost_sql(proposal: Proposal) -> str:
    out = _Lines("--")
    out.comment(f"{proposal.system}.{proposal.export}: spend per day and campaign; no touchpoints of a person.")
    _left_out(proposal, out)
    out.add("select")
    columns: list[tuple[list[str], str]] = [([], "row_id"), ([], _aliased(proposal.role("cost_date"), "cost_date"))]
    columns.append(([], "'advertising' as channel"))
    columns.append(([], f"{literal(proposal.system)} as channel_detail"))
    for role, alias in (("campaign_id", "campaign_id"), ("campaign_name", "campaign_name"), ("impressions", "impression_count"),
                        ("clicks", "click_count"), ("conversions", "conversion_count")):  # fmt: skip
        if proposal.role(role):
            columns.append(([], _aliased(proposal.role(role), alias)))
    micros = proposal.role("cost:micros")
    plan = next(item for item in proposal.columns if item.role in ("cost", "cost:micros"))
    note = [f"unsure: {plan.name}: {plan.evidence}"] if plan.is_unsure else []
    columns.append(
        (
            note,
            f"{quote_name(micros)} / 1e6 as cost_amount" if micros else _aliased(proposal.role("cost"), "cost_amount"),
        )
    )
    if proposal.role("currency"):
        columns.append(([], _aliased(proposal.role("currency"), "currency")))
    out.columns(columns)
    out.add("from export_row")
    return out.text()


def _link_right(proposal: Proposal) -> str:
    name = quote_name(proposal.role("link_right"))
    return f"unnest(from_json({name}, '[\"VARCHAR\"]'))" if proposal.link_is_list else name


def _link_sql(proposal: Proposal) -> str:
    out = _Lines("--")
    kind = literal(proposal.link_type)
    out.comment(f"{proposal.system}.{proposal.export}: two ids that the system has merged into one person.")
    out.add("select")
    columns: list[tuple[list[str], str]] = [
        ([], "row_id"),
        (
            ["unsure: the type must be the one by which other exports of the system name these ids"],
            f"{kind} as left_type",
        ),
        ([], f"{quote_name(proposal.role('link_left'))} as left_value"),
        ([], f"{kind} as right_type"),
        ([], f"{_link_right(proposal)} as right_value"),
    ]
    if proposal.link_is_list:
        columns.append(([], f"{_link_right(proposal)} as part"))
    if proposal.role("linked_at"):
        columns.append(([], _aliased(proposal.role("linked_at"), "linked_at")))
    columns.append(([], f"'merged in {proposal.system}' as reason"))
    out.columns(columns)
    out.add("from export_row")
    return out.text()


# --- text -------------------------------------------------------------------------------------------------------------------


class _Lines:
    """Lines of a file with wrapped comments."""

    def __init__(self, sign: str) -> None:
        self._sign = sign
        self._lines: list[str] = []

    def add(self, text: str) -> None:
        self._lines.append(text)

    def comment(self, text: str, indent: int = 0) -> None:
        lead = " " * indent + self._sign + " "
        text = " ".join(text.split())
        self._lines += textwrap.wrap(text, _WIDTH, initial_indent=lead, subsequent_indent=lead, break_long_words=False,
                                     break_on_hyphens=False)  # fmt: skip

    def notes(self, notes: Sequence[Note], place: str, indent: int = 0) -> None:
        """The findings about one key."""
        for note in notes:
            if note.place == place:
                self.comment(("unsure: " if note.is_unsure else "") + note.text, indent)

    def columns(self, columns: Sequence[tuple[list[str], str]]) -> None:
        """The columns of a SELECT, each with its comments above."""
        for at, (comments, text) in enumerate(columns):
            for comment in comments:
                self.comment(comment, 2)
            self.add(f"  {text}{',' if at + 1 < len(columns) else ''}")

    def text(self) -> str:
        return "\n".join(self._lines) + "\n"


def _description(proposal: Proposal) -> str:
    what = {
        "touchpoint": "one row per touchpoint"
        if not proposal.moments
        else "one row per thing that goes through several touchpoints",
        "party_record": f"one row per {proposal.party_type}",
        "channel_cost": "spend per day",
        "identifier_link": "merged ids",
        "lookup": "a table that other exports look up",
    }[proposal.feeds]
    return f"{proposal.export.replace('_', ' ').capitalize()} of {proposal.system}, {what}."


def _scalar(value: Any) -> str:
    """One YAML scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    if re.fullmatch(r"[A-Za-z_][\w./-]*( [\w./-]+)*", text, re.ASCII) and read_yaml(text) == text:
        return text
    return _quoted(text)


def _quoted(text: str) -> str:
    if "'" in text or ("\\" in text and '"' not in text):
        if all(character.isprintable() for character in text) and "\\" in text and "'" not in text:
            return f"'{text}'"
        return json.dumps(text, ensure_ascii=False)
    if not all(character.isprintable() for character in text):
        return json.dumps(text, ensure_ascii=False)
    return f"'{text}'" if '"' in text or "\\" in text else f'"{text}"'


def _flow(value: Any) -> str:
    """A value in YAML's flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return _scalar(value)
