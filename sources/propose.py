"""From profiles of columns to a proposal: what an export feeds, which column is what, which label is which touchpoint type.

Belongs here: the rules of the proposal, each with its evidence, and what a person should look at. Does not belong here:
reading (`read.py`), profiling (`profile.py`), the text of the files (`write_spec.py`).

The rules are deliberately plain: a role is given where a column's name says so and its values allow it. Whatever rests on
little is marked unsure and stands as a comment beside the line that it concerns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import pyarrow as pa

from sources.column_roles import CASE, OBJECTS, THINGS, give_roles, hashed, is_name, roles_by_values
from sources.complete_spec import complete
from sources.dialect import Dialect, Note
from sources.profile import ColumnProfile
from sources.proposal import CONNECTOR, ColumnPlan, Draft, Proposal, nothing_proposed, quote_name
from sources.propose_feeds import propose_cost, propose_link, propose_party
from sources.propose_touchpoint import propose_touchpoint
from sources.vocabulary import (
    topics,
    words_of,
)

MAX_KEY_ROWS = 500_000


def propose(
    name: str,
    dialect: Dialect,
    profiles: Sequence[ColumnProfile],
    table: pa.Table,
    file_name: str = "",
    time_zone: str = "",
    currency: str = "",
) -> Proposal:
    """The proposal for an export called `system.export`, from the profiles of its columns and its rows as text.

    `time_zone`, `currency`: what a person knows; without them the values or their absence are the evidence.
    """
    system, _, export = name.partition(".")
    usable = {p.name: p for p in profiles if not CONNECTOR.match(p.name)}
    draft = Draft(system, export, table, usable)
    give_roles(draft, str(dialect.read.get("record", "")))
    roles_by_values(draft)
    key = _find_key(draft, export)
    topic, topic_why = _topic(draft, export, file_name, key)
    feeds, why = _feeds(draft, topic, key)
    if topic_why:
        why = f"{why}; {topic_why}"
    if feeds == "channel_cost":
        proposal = propose_cost(draft, topic)
    elif feeds == "identifier_link":
        proposal = propose_link(draft, topic)
    elif feeds == "party_record":
        proposal = propose_party(draft, topic, key)
    elif feeds == "touchpoint":
        proposal = propose_touchpoint(draft, topic, key, file_name)
    else:
        proposal = nothing_proposed(draft, topic)
    return complete(replace(proposal, feeds=feeds, evidence=why), draft, dialect, key, file_name, time_zone, currency)


# Formats whose rows two specs may read: `read.record` is only a name there.
_SHARED_FORMATS = ("csv", "xlsx", "xls", "ndjson", "parquet", "avro")


def propose_people(
    main: Proposal, dialect: Dialect, profiles: Sequence[ColumnProfile], table: pa.Table, file_name: str = ""
) -> tuple[Proposal, Proposal] | None:
    """For touchpoints whose rows also describe people: both proposals, which then share the file. None where they do not.

    A row describes somebody where it has a name or an address, and an identifier to hang it on.
    """
    if main.feeds != "touchpoint" or main.read["format"] not in _SHARED_FORMATS or "columns" not in main.recognise:
        return None
    usable = {p.name: p for p in profiles if not CONNECTOR.match(p.name)}
    draft = Draft(main.system, f"{main.export}_person", table, usable)
    give_roles(draft, "")
    has = {role for name, role in draft.roles.items() if draft.profiles[name].shape != "md5"}
    names = [draft.of(role) for role in ("full_name", "given_name", "family_name") if draft.of(role)]
    only_hashes = all(hashed(draft.profiles[name]) for name in names)
    if not (names and not only_hashes) and len(has & {"street", "postal_code", "city"}) < 2:
        return None
    who = next((draft.of(role) for role in ("person", "customer_number", "email", "phone") if draft.of(role)), "")
    if not who or (draft.roles[who] == "person" and is_name(draft.profiles[who])):
        return None
    when = next((plan.source for plan in main.columns if plan.role in ("occurred_at", "occurred_day")), "")
    proposal = propose_party(draft, "party", ())
    if when:
        draft.give(when, "valid_from", "the row says so of that moment")
    proposal = replace(proposal, feeds="party_record", evidence=f"rows of {main.export} also hold names or addresses")
    proposal = complete(proposal, draft, dialect, (who,), file_name, main.time_zone, main.currency)
    spelled = {plan.source: plan.name for plan in proposal.columns}
    asked = tuple(main.recognise["columns"])
    shared = {"record": main.export}
    note = Note(
        "read.record", f"{main.export} and {main.export}_person read the same rows; the name only tells them apart"
    )
    if draft.profiles[who].fill_share < 1:
        skip = ("nobody", f"{quote_name(spelled[who])} is null", "The row says nothing of anybody.")
        proposal = replace(proposal, skip=(skip,))
    # Both specs ask for the same columns, so both need the same names for them.
    known = {plan.name for plan in proposal.columns}
    named = tuple(
        ColumnPlan(plan.name, plan.source, {"aliases": plan.declaration["aliases"]}, "")
        for plan in main.columns
        if plan.name in asked and plan.name not in known and "aliases" in plan.declaration
    )
    people = replace(
        proposal,
        columns=(*proposal.columns, *named),
        read={**main.read, "record": f"{main.export}_person"},
        recognise={"columns": list(asked)},
        version=(spelled[when],) if when and when in spelled else (),
        notes=(
            *(n for n in proposal.notes if n.place not in ("recognise", "key", "currency")),
            Note("key", f"of several rows with one {who} the latest counts", True),
            note,
        ),
    )
    return replace(main, read={**main.read, **shared}, notes=(*main.notes, note)), people


def _find_key(draft: Draft, export: str) -> tuple[str, ...]:
    """The columns that tell rows apart: one that is unique, else two or three ids (and a time) that are together."""
    rows = draft.table.num_rows
    if not rows:
        return ()

    def fits(profile: ColumnProfile) -> bool:
        return profile.type in ("integer", "text") and profile.shape in (
            "number",
            "code",
            "uuid",
            "md5",
            "word",
            "text",
        )

    singular = export.rstrip("s")
    unique = [p for p in draft.profiles.values() if p.is_unique and fits(p)]

    def rank(profile: ColumnProfile) -> tuple[float, ...]:
        words = words_of(profile.name)
        named = profile.name.strip().casefold() in (
            "id",
            "guid",
            "uuid",
            "_id",
            "#",
            "nr",
            "no",
            f"{singular}_id",
            "record id",
        )
        role = draft.roles.get(profile.name, "")
        is_thing = role in OBJECTS or role in ("person", "customer_number")
        has_id = bool(
            {
                "id",
                "nr",
                "no",
                "number",
                "nummer",
                "key",
                "uuid",
                "guid",
                "code",
                "sid",
                "ref",
                "reference",
                "identifiant",
                "kennung",
                "nøgle",
            }
            & set(words)
        )
        grown = any(word.endswith(("id", "nr", "nummer", "number")) for word in words)
        secondary = role in ("phone", "agent", "text", "subject", "full_name", "score", "amount", "quantity")
        return (
            named and not secondary,
            (has_id or grown) and not secondary,
            is_thing,
            profile.shape in ("uuid", "md5"),
            -secondary,
        )

    if unique:
        best = max(unique, key=rank)
        if rows > 1 and any(rank(best)[:4]):
            return (best.name,)
        if rows == 1 and (any(rank(best)[:2]) or best.shape in ("uuid", "md5")):
            return (best.name,)
    ids = [
        p.name
        for p in draft.profiles.values()
        if p.filled_count == rows
        and p.distinct_count > 1
        and fits(p)
        and (
            draft.roles.get(p.name)
            in (*OBJECTS, "person", "customer_number", "campaign_id", "product", "type", "login")
            or set(words_of(p.name)) & {"id", "nr", "number", "sequential", "line", "index", "posnr", "seq"}
        )
    ]
    times = [
        p.name
        for p in draft.profiles.values()
        if p.shape == "time" and p.filled_count == rows and draft.roles.get(p.name) in ("time_event", "time_created")
    ]
    if rows < 3 or rows > MAX_KEY_ROWS:
        return ()
    texts = draft.table.to_pydict()

    def tells_apart(names: Sequence[str]) -> bool:
        return len(set(zip(*(texts[name] for name in names), strict=True))) == rows

    parts = [name for name in ids if draft.roles.get(name) != "type"][:6]
    for size in (2, 3):
        for names in combinations(parts, size):
            if tells_apart(names):
                return names
    # Who, about what, did what, when: all of it, since two people may do one thing in one second.
    whole = [name for name in draft.profiles if name in ids or name in times[:1]]
    return tuple(whole) if times and len(whole) > 1 and tells_apart(whole) else ()


def _topic(draft: Draft, export: str, file_name: str, key: Sequence[str]) -> tuple[str, str]:
    """What the export is about, and by which word."""
    texts: dict[str, float] = {}

    def add(text: str, weight: float) -> None:
        texts[text] = max(texts.get(text, 0.0), weight)

    add(export, 4.0)
    # A file is named as people like; digits and dates in it say nothing.
    stem = re.sub(
        r"\.(csv|tsv|txt|xlsx?|json[l]?|ndjson|xml|parquet|avro|gz|bz2|zst|data|dataset)\b|\d+", " ", file_name.lower()
    )
    add(stem, 2.0)
    for name in draft.profiles:
        add(name, 1.5 if name in key[:1] else 0.25)
    if any(CASE.fullmatch(name) for name in draft.profiles):
        add("case", 2.5)
    found = [item for item in topics(texts) if item.score >= 0.25]
    if not found:
        return "", ""
    best = found[0]
    return best.name, f"its words speak of {best.phrase!r} ({best.name})"


def _feeds(draft: Draft, topic: str, key: Sequence[str]) -> tuple[str, str]:
    """Which canonical table the export feeds, and why."""
    has = set(draft.roles.values())
    event_time = has & {"time_event", "time_created"}
    person = has & {"person", "email", "phone", "customer_number", "cookie", "login"}
    if "cost" in has and has & {"impressions", "clicks"} and _has_time(draft):
        return "channel_cost", f"cost and {'clicks' if 'clicks' in has else 'impressions'} per day and no person"
    # A ticket with merged tickets is still a ticket: without an id that stays, the export itself must be about merges.
    is_named_so = any(
        word.startswith(("merge", "samengevoegd", "sammenflet", "zusammengef", "fusion"))
        for word in words_of(draft.export)
    )
    left = draft.of("link_left") or (draft.of("person") if is_named_so else "")
    right = draft.of("link_right")
    about_merge = any("merge" in "".join(words_of(text)) for text in (draft.export, *draft.profiles))
    if left and right and about_merge:
        return "identifier_link", f"two ids of one row that were merged: {left}, {right}"
    named = has & {"full_name", "given_name", "family_name"}
    described = bool(named) or len(has & {"street", "postal_code", "city", "country"}) >= 2 or "email" in has
    acts = has & {"type", "amount", "duration", "score", "waiting", "page", "direction", *THINGS} - {"type"}
    key_is_person = (
        bool(key)
        and len(key) == 1
        and (
            draft.roles.get(key[0])
            in ("person", "customer_number", "email", "external_person", "organisation_id", None)
        )
    )
    if (
        topic == "party"
        and described
        and not (acts - {"amount", "score", "page"})
        and (key_is_person or "email" in has)
    ):
        return "party_record", "one row per person, with " + ", ".join(
            sorted(named or has & {"email", "city", "postal_code"})
        )
    if _has_time(draft) and (event_time or draft.of("time_event") or topic not in ("", "party")):
        if described and key_is_person and not acts and topic in ("", "party") and "type" not in has:
            return "party_record", "one row per person and nothing that somebody did"
        if topic == "order_line":
            return "lookup", "lines of orders: the order has the person and the time"
        return "touchpoint", f"a time ({', '.join(sorted(event_time)) or 'of its own'})" + (
            f" and a person ({', '.join(sorted(person))})" if person else ""
        )
    if described and (key_is_person or person) and topic in ("", "party", "lead"):
        return "party_record", "people and no time of anything they did"
    things = [name for name, role in draft.roles.items() if role in THINGS]
    if things:
        return "lookup", (
            f"no time of its own; another export of {draft.system} with {things[0]} may look it up "
            f"(lookups: {{{draft.export}: {things[0]}}}) and map it"
        )
    return "lookup", "neither a time at which something happened, nor a person, nor cost"


def _has_time(draft: Draft) -> bool:
    return any(
        p.shape == "time" and draft.roles.get(p.name) not in ("birth_date", "technical_time")
        for p in draft.profiles.values()
    )
