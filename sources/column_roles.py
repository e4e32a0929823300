"""Which role a column of an unknown export may have: by its name, where its values allow it.

Belongs here: the fit of names and values to roles, and giving them out. Does not belong here: what a role becomes
(`propose_touchpoint.py`, `propose_feeds.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from sources.profile import ColumnProfile
from sources.proposal import MAX_LABELS, SURE, SURE_LABEL, Draft
from sources.vocabulary import (
    Meaning,
    column_meanings,
    meanings,
    vocabulary,
    words_of,
)

# The case an event belongs to, as event logs name it (XES); what else begins so is said of the case, not of the event.
CASE = re.compile(r"case:concept:name|case[ _-]?id|case", re.IGNORECASE)


OBJECTS = {
    "order_key": "order", "ticket_key": "ticket", "invoice_key": "invoice", "opportunity_key": "opportunity",
    "subscription_key": "contract", "survey_key": "survey", "call_key": "call", "session_key": "session",
    "response_key": "survey_response",
    "organisation_id": "organisation", "product": "product",
}  # fmt: skip


THINGS = ("order_key", "ticket_key", "invoice_key", "opportunity_key", "subscription_key")


def is_name(profile: ColumnProfile) -> bool:
    """Whether values look like names of people or firms: words with letters, mostly no digits."""
    if profile.shape not in ("word", "text", "free") or profile.mean_length < 2:
        return False
    lettered = sum(
        count for value, count in profile.words if re.search(r"[^\W\d_]{2}", value) and not re.search(r"\d{2}", value)
    )
    return lettered >= 0.8 * max(1, sum(count for _, count in profile.words))


def is_id(profile: ColumnProfile) -> bool:
    if profile.type == "integer":
        return True
    return profile.type == "text" and profile.shape in ("code", "uuid", "md5", "word", "text", "phone", "email")


def _number(profile: ColumnProfile) -> float:
    return float(profile.type in ("integer", "decimal"))


def _time(profile: ColumnProfile) -> float:
    return float(profile.shape == "time")


def _category(profile: ColumnProfile) -> float:
    if profile.type == "boolean":
        return 0.4
    if profile.type != "text" or profile.shape in ("free", "email", "url", "uuid", "md5", "user_agent", "ip", "path"):
        return 0.0
    if profile.distinct_count > MAX_LABELS:
        return 0.0
    return (
        1.0 if profile.shape == "word" else 0.8 if profile.distinct_count <= max(5, profile.filled_count / 2) else 0.5
    )


def hashed(profile: ColumnProfile) -> bool:
    return profile.shape in ("md5", "code", "text") and all(
        re.fullmatch(r"[0-9a-f]{32,64}|[A-Za-z0-9+/_-]{20,}={0,2}", value) for value, _ in profile.words[:50]
    )


def _is_address(profile: ColumnProfile) -> bool:
    """Whether values are telephone numbers or e-mail addresses."""
    return profile.shape in ("phone", "email") or (profile.type == "integer" and (profile.minimum or 0) >= 1e6)


_COMPATIBLE: dict[str, Callable[[ColumnProfile], float]] = {
    "email": lambda p: 1.0 if p.shape == "email" else 0.5 if hashed(p) else 0.0,
    "phone": lambda p: (
        1.0
        if p.shape == "phone"
        else 0.8
        if p.type == "integer" and p.minimum is not None and p.minimum >= 1e6
        else 0.4
        if p.shape in ("code", "text") and re.search(r"\d{5}", p.words[0][0])
        else 0.0
    ),
    "birth_date": _time,
    "party_from": lambda p: float(_is_address(p)),
    "party_to": lambda p: float(_is_address(p)),
    "score": lambda p: (
        1.0
        if p.type in ("integer", "decimal") and p.minimum is not None and p.minimum >= 0 and (p.maximum or 0) <= 100
        else 0.6
        if p.shape == "word" and p.distinct_count <= 10 and p.type == "text"
        else 0.0
    ),
    "amount": lambda p: _number(p) if p.strip != ("%",) else 0.0,
    "cost": _number,
    "impressions": _number,
    "clicks": _number,
    "conversions": _number,
    "quantity": _number,
    "duration": lambda p: 1.0 if p.shape == "clock" else _number(p),
    "waiting": lambda p: 1.0 if p.shape == "clock" else _number(p),
    "currency": lambda p: 1.0 if p.shape == "currency" else 0.0,
    "type": _category,
    "status": _category,
    "direction": _category,
    "channel": _category,
    "device": _category,
    "page": lambda p: float(p.shape in ("url", "path")),
    "referrer": lambda p: float(p.shape in ("url", "path", "word", "text")),
    "user_agent": lambda p: float(p.shape == "user_agent"),
    "ip": lambda p: float(p.shape == "ip"),
    "subject": lambda p: float(p.type == "text" and p.shape in ("word", "text", "free")),
    "text": lambda p: float(p.type == "text" and p.shape in ("word", "text", "free")),
    "full_name": lambda p: float(is_name(p) or hashed(p)),
    "given_name": lambda p: float(p.type == "text"),
    "family_name": lambda p: float(p.type == "text"),
    "organisation": lambda p: float(is_name(p)),
    "street": lambda p: float(p.type == "text" and p.shape not in ("phone", "email", "ip")),
    "house_number": lambda p: float(p.type in ("text", "integer")),
    "postal_code": lambda p: float(p.type in ("text", "integer")),
    "city": lambda p: float(p.type == "text" and p.shape in ("word", "text")),
    "country": lambda p: float(p.type == "text"),
    "language": lambda p: float(p.type == "text"),
    "consent_email": lambda p: float(p.type == "boolean" or p.distinct_count <= 4),
    "refusal_email": lambda p: float(p.type == "boolean" or p.distinct_count <= 4),
    "consent_phone": lambda p: float(p.type == "boolean" or p.distinct_count <= 4),
    "refusal_phone": lambda p: float(p.type == "boolean" or p.distinct_count <= 4),
    "time_of_day": lambda p: (
        1.0
        if p.shape == "clock"
        else 0.9
        if p.shape == "code" and all(re.fullmatch(r"\d{6}", value) for value, _ in p.words)
        else 0.0
    ),
    "agent": lambda p: float(p.type in ("text", "integer") and p.shape != "free"),
    "product": lambda p: float(p.type in ("text", "integer") and p.shape != "free"),
    "campaign_name": lambda p: float(p.type == "text" and p.shape not in ("email", "uuid")),
}


for _role in (
    "person",
    "customer_number",
    "login",
    "cookie",
    "external_person",
    "organisation_id",
    "campaign_id",
    *OBJECTS,
):
    _COMPATIBLE.setdefault(_role, lambda p: float(is_id(p)))


for _role in THINGS:
    # A handful of words that come again and again are a kind of ticket, not tickets.
    _COMPATIBLE[_role] = lambda p: float(
        is_id(p) and not (p.shape == "word" and p.distinct_count <= 3 and p.row_count >= 10)
    )


for _role in ("campaign_source", "campaign_medium", "campaign_content", "campaign_term"):
    _COMPATIBLE.setdefault(_role, lambda p: float(p.type == "text"))


for _role in vocabulary()["column"]:
    if _role.startswith(("time_", "technical_time")):
        _COMPATIBLE.setdefault(_role, _time)


IDENTITIES = frozenset(
    {"email", "phone", "person", "login", "customer_number", "cookie", "external_person", "full_name"}
)


# Words of the company's own people: what identifies them identifies no customer.
_OWN_PEOPLE = frozenset({
    "agent", "agents", "owner", "assignee", "employee", "staff", "admin", "operator", "salesperson", "submitter", "created",
    "modified", "updated", "creator", "responsible", "sdr", "medewerker", "behandelaar", "verkoper", "medarbejder", "saelger",
    "mitarbeiter", "bearbeiter", "vendeur", "employe", "approver",
})  # fmt: skip
_ID_WORDS = frozenset({
    "id", "nr", "no", "number", "nummer", "num", "key", "uuid", "guid", "code", "ref", "reference", "sid", "identifiant",
})  # fmt: skip

# Ties of equal words: the more particular role first.
_BEFORE = (
    "technical_time", "birth_date", "time_planned", "time_updated", "time_end", "time_created", "time_event", "email", "phone",
    "customer_number", "given_name", "family_name", "refusal_email", "refusal_phone",
)  # fmt: skip


def candidate_roles(profile: ColumnProfile) -> list[Meaning]:
    """The roles that a column's name suggests and its values allow, best first; values alone tell an e-mail address."""
    if CASE.fullmatch(profile.name) and is_id(profile):
        return [Meaning("ticket_key", profile.name, 1.0)]
    words = set(words_of(profile.name))
    found: dict[str, Meaning] = {}
    named = list(column_meanings(profile.name))
    path, _, last = profile.name.rpartition(".")
    if path and (not named or named[0].score < 0.9):
        # What stands last in a dotted name says more than the way to it.
        named += column_meanings(last)
    for item in named:
        weight = _COMPATIBLE[item.name](profile) if item.name in _COMPATIBLE else 1.0
        if profile.is_empty or weight == 0.0:
            continue
        name = "agent" if item.name in IDENTITIES and words & _OWN_PEOPLE else item.name
        score = item.score * weight
        if name in THINGS and item.score < 0.45 and not words & _ID_WORDS:
            continue
        if name not in found or found[name].score < score:
            found[name] = Meaning(name, item.phrase, score)
    if profile.shape in ("email", "user_agent", "ip", "phone") and profile.shape not in found:
        shape = "agent" if profile.shape in IDENTITIES and words & _OWN_PEOPLE else profile.shape
        found.setdefault(shape, Meaning(shape, f"values look like {profile.shape}", 0.35))
    rank = {name: at for at, name in enumerate(_BEFORE)}
    return sorted(found.values(), key=lambda item: (-round(item.score, 2), rank.get(item.name, 99)))


def give_roles(draft: Draft, record: str) -> None:
    """One role per column and, but for identifiers, times and scores, one column per role; the best pair first."""
    many = {"person", "email", "phone", "score", "text", *(n for n in _COMPATIBLE if "time" in n)}
    pairs = [
        (item.score, column, item)
        for column, profile in draft.profiles.items()
        # An attribute of the record is the record's: number of <Order> is an order number.
        for item in candidate_roles(replace(profile, name=f"{record} {column[1:]}") if column[0] == "@" else profile)
    ]
    order = {column: at for at, column in enumerate(draft.profiles)}
    pairs.sort(key=lambda entry: (-round(entry[0], 2), order[entry[1]]))
    taken: set[str] = set()
    beaten: set[str] = set()
    for score, column, item in pairs:
        if column in draft.roles or (column in beaten and score < SURE):
            continue
        if item.name in taken and item.name not in many:
            # Its best role went to another column: a second choice must stand on its own.
            beaten.add(column)
            continue
        profile = draft.profiles[column]
        is_unsure = score < 0.35
        why = item.phrase if item.phrase.startswith("values") else f"its name says {item.phrase!r}"
        if item.name == "email" and profile.shape != "email":
            is_unsure, why = True, "its name says e-mail, but its values are none (hashed?)"
        draft.give(column, item.name, why, is_unsure)
        draft.scores[column] = score
        taken.add(item.name)


def roles_by_values(draft: Draft) -> None:
    """A column whose name says nothing, but whose few words are those of a direction or of a result."""
    for role, table in (("direction", "direction"), ("status", "outcome")):
        if draft.of(role):
            continue
        for name, profile in draft.profiles.items():
            if (
                name in draft.roles
                or profile.shape != "word"
                or profile.filled_count < 5
                or profile.distinct_count > 12
            ):
                continue
            known = sum(
                count for value, count in profile.words
                if (found := meanings(value, vocabulary()[table])) and found[0].score >= SURE_LABEL
            )  # fmt: skip
            if known >= 0.8 * profile.filled_count:
                draft.give(name, role, f"{known:,} of {profile.filled_count:,} values are words of it", True)
                break
