"""From profiles of columns to a proposal: what an export feeds, which column is what, which label is which touchpoint type.

Belongs here: the rules of the proposal, each with its evidence, and what a person should look at. Does not belong here:
reading (`read.py`), profiling (`profile.py`), the text of the files (`write_spec.py`).

The rules are deliberately plain: a role is given where a column's name says so and its values allow it. Whatever rests on
little is marked unsure and stands as a comment beside the line that it concerns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import duckdb
import pyarrow as pa

from sources.dialect import Dialect, Note
from sources.profile import ColumnProfile
from sources.vocabulary import (
    Meaning,
    column_meanings,
    find_phrase,
    meanings,
    topics,
    type_meanings,
    vocabulary,
    words_of,
)

# From this score of a name on, a role is given without further evidence.
SURE = 0.6
# A label whose words are covered to this share is mapped without a question.
SURE_LABEL = 0.8
# Labels of a type column that are mapped one by one; a column with more is no type.
MAX_LABELS = 80
MAX_KEY_ROWS = 500_000
# Columns that connectors add for themselves; a night leaves out what begins with an underscore.
_CONNECTOR = re.compile(r"^_(fivetran|airbyte|dlt|sdc|stitch|segment|rivery|hevo|etl|loaded|extracted)", re.IGNORECASE)
# The case an event belongs to, as event logs name it (XES); what else begins so is said of the case, not of the event.
_CASE = re.compile(r"case:concept:name|case[ _-]?id|case", re.IGNORECASE)
_PERSONAL_ROLES = (
    "full_name", "given_name", "family_name", "organisation", "street", "house_number", "postal_code", "city", "country",
    "birth_date", "language",
)  # fmt: skip
_OBJECTS = {
    "order_key": "order", "ticket_key": "ticket", "invoice_key": "invoice", "opportunity_key": "opportunity",
    "subscription_key": "contract", "survey_key": "survey", "call_key": "call", "response_key": "survey_response", "session_key": "session",
    "organisation_id": "organisation", "product": "product",
}  # fmt: skip
_THINGS = ("order_key", "ticket_key", "invoice_key", "opportunity_key", "subscription_key")
_TOPIC_KEYS = {
    "order": "order_key", "till": "order_key", "cart": "order_key", "ticket": "ticket_key", "chat": "ticket_key",
    "invoice": "invoice_key", "opportunity": "opportunity_key", "quote": "opportunity_key", "contract": "subscription_key",
    "call": "call_key",
}  # fmt: skip


@dataclass(frozen=True)
class ColumnPlan:
    """One column of the file in the spec: its name there, keys of its declaration, its role in the mapping, the evidence."""

    name: str
    source: str
    declaration: dict[str, Any]
    role: str
    evidence: str = ""
    is_unsure: bool = False


@dataclass(frozen=True)
class LabelPlan:
    """One value of the type column: what it becomes, by which words; `touchpoint_type` is `unmapped` where none fit."""

    label: str
    row_count: int
    touchpoint_type: str
    phrase: str = ""
    is_unsure: bool = False


@dataclass(frozen=True)
class Moment:
    """A further time in the row that is a touchpoint of its own."""

    touchpoint_type: str
    column: str
    phrase: str
    is_unsure: bool = False


@dataclass(frozen=True)
class ScorePlan:
    """A score column with its scale, and words as numbers where it holds words."""

    column: str
    kind: str
    low: int
    high: int
    evidence: str
    is_unsure: bool
    words: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Proposal:
    """A spec and a mapping before they are written. Column names are those of the spec (see `ColumnPlan.source`)."""

    system: str
    export: str
    feeds: str
    topic: str
    evidence: str
    read: dict[str, Any]
    recognise: dict[str, Any]
    key: tuple[str, ...]
    version: tuple[str, ...]
    skip: tuple[tuple[str, str, str], ...]
    columns: tuple[ColumnPlan, ...]
    notes: tuple[Note, ...]
    row_type: str = ""
    type_column: str = ""
    labels: tuple[LabelPlan, ...] = ()
    moments: tuple[Moment, ...] = ()
    outcomes: tuple[tuple[str, str], ...] = ()
    directions: tuple[tuple[str, str], ...] = ()
    channels: tuple[tuple[str, str], ...] = ()
    scores: tuple[ScorePlan, ...] = ()
    unmapped_columns: tuple[str, ...] = ()
    currency: str = ""
    time_zone: str = ""
    is_day_only: bool = False
    clock_formats: tuple[str, ...] = ()
    party_type: str = "person"
    own_identifier: tuple[str, str] | None = None
    link_type: str = ""
    link_is_list: bool = False

    def role(self, name: str) -> str:
        """The column of a role, '' where there is none."""
        return next((plan.name for plan in self.columns if plan.role == name), "")

    def roles(self, prefix: str) -> list[ColumnPlan]:
        """The columns whose role begins with a prefix, in order."""
        return [plan for plan in self.columns if plan.role.startswith(prefix)]


@dataclass
class _Draft:
    system: str
    export: str
    table: pa.Table
    profiles: dict[str, ColumnProfile]
    roles: dict[str, str] = field(default_factory=dict)
    why: dict[str, tuple[str, bool]] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def of(self, role: str) -> str:
        return next((column for column, known in self.roles.items() if known == role), "")

    def give(self, column: str, role: str, why: str, is_unsure: bool = False) -> None:
        self.roles[column] = role
        self.why[column] = (why, is_unsure)

    def note(self, place: str, text: str) -> None:
        self.notes.append(Note(place, text, True))


# --- which column may have which role -----------------------------------------------------------------------------------


def _is_name(profile: ColumnProfile) -> bool:
    """Whether values look like names of people or firms: words with letters, mostly no digits."""
    if profile.shape not in ("word", "text", "free") or profile.mean_length < 2:
        return False
    lettered = sum(
        count for value, count in profile.words if re.search(r"[^\W\d_]{2}", value) and not re.search(r"\d{2}", value)
    )
    return lettered >= 0.8 * max(1, sum(count for _, count in profile.words))


def _is_id(profile: ColumnProfile) -> bool:
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


def _hashed(profile: ColumnProfile) -> bool:
    return profile.shape in ("md5", "code", "text") and all(
        re.fullmatch(r"[0-9a-f]{32,64}|[A-Za-z0-9+/_-]{20,}={0,2}", value) for value, _ in profile.words[:50]
    )


def _is_address(profile: ColumnProfile) -> bool:
    """Whether values are telephone numbers or e-mail addresses."""
    return profile.shape in ("phone", "email") or profile.type == "integer" and (profile.minimum or 0) >= 1e6


_COMPATIBLE: dict[str, Callable[[ColumnProfile], float]] = {
    "email": lambda p: 1.0 if p.shape == "email" else 0.5 if _hashed(p) else 0.0,
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
    "full_name": lambda p: float(_is_name(p) or _hashed(p)),
    "given_name": lambda p: float(p.type == "text"),
    "family_name": lambda p: float(p.type == "text"),
    "organisation": lambda p: float(_is_name(p)),
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
    *_OBJECTS,
):
    _COMPATIBLE.setdefault(_role, lambda p: float(_is_id(p)))
for _role in _THINGS:
    # A handful of words that come again and again are a kind of ticket, not tickets.
    _COMPATIBLE[_role] = lambda p: float(_is_id(p) and not (p.shape == "word" and p.distinct_count <= 3 and p.row_count >= 10))
for _role in ("campaign_source", "campaign_medium", "campaign_content", "campaign_term"):
    _COMPATIBLE.setdefault(_role, lambda p: float(p.type == "text"))
for _role in vocabulary()["column"]:
    if _role.startswith(("time_", "technical_time")):
        _COMPATIBLE.setdefault(_role, _time)

_IDENTITIES = frozenset(
    {"email", "phone", "person", "login", "customer_number", "cookie", "external_person", "full_name"}
)
# Words of the company's own people: what identifies them identifies no customer.
_OWN_PEOPLE = frozenset(
    "agent agents owner assignee employee staff admin operator salesperson submitter created modified updated creator responsible "
    "sdr medewerker behandelaar verkoper medarbejder saelger mitarbeiter bearbeiter vendeur employe approver".split()
)

_ID_WORDS = frozenset("id nr no number nummer num key uuid guid code ref reference sid identifiant".split())

# Ties of equal words: the more particular role first.
_BEFORE = (
    "technical_time", "birth_date", "time_planned", "time_updated", "time_end", "time_created", "time_event", "email", "phone",
    "customer_number", "given_name", "family_name", "refusal_email", "refusal_phone",
)  # fmt: skip


def candidate_roles(profile: ColumnProfile) -> list[Meaning]:
    """The roles that a column's name suggests and its values allow, best first; values alone tell an e-mail address."""
    if _CASE.fullmatch(profile.name) and _is_id(profile):
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
        name = "agent" if item.name in _IDENTITIES and words & _OWN_PEOPLE else item.name
        score = item.score * weight
        if name in _THINGS and item.score < 0.45 and not words & _ID_WORDS:
            continue
        if name not in found or found[name].score < score:
            found[name] = Meaning(name, item.phrase, score)
    if profile.shape in ("email", "user_agent", "ip", "phone") and profile.shape not in found:
        shape = "agent" if profile.shape in _IDENTITIES and words & _OWN_PEOPLE else profile.shape
        found.setdefault(shape, Meaning(shape, f"values look like {profile.shape}", 0.35))
    rank = {name: at for at, name in enumerate(_BEFORE)}
    return sorted(found.values(), key=lambda item: (-round(item.score, 2), rank.get(item.name, 99)))


# --- the proposal -----------------------------------------------------------------------------------------------------------


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
    usable = {p.name: p for p in profiles if not _CONNECTOR.match(p.name)}
    draft = _Draft(system, export, table, usable)
    _give_roles(draft, str(dialect.read.get("record", "")))
    _roles_by_values(draft)
    key = _find_key(draft, export)
    topic, topic_why = _topic(draft, export, file_name, key)
    feeds, why = _feeds(draft, topic, key)
    if topic_why:
        why = f"{why}; {topic_why}"
    if feeds == "channel_cost":
        proposal = _cost(draft, topic)
    elif feeds == "identifier_link":
        proposal = _link(draft, topic)
    elif feeds == "party_record":
        proposal = _party(draft, topic, key)
    elif feeds == "touchpoint":
        proposal = _touchpoint(draft, topic, key, file_name)
    else:
        proposal = _empty(draft, topic)
    return _finish(replace(proposal, feeds=feeds, evidence=why), draft, dialect, key, file_name, time_zone, currency)


def _empty(draft: _Draft, topic: str) -> Proposal:
    return Proposal(draft.system, draft.export, "lookup", topic, "", {}, {}, (), (), (), (), ())


def _give_roles(draft: _Draft, record: str) -> None:
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


def _roles_by_values(draft: _Draft) -> None:
    """A column whose name says nothing, but whose few words are those of a direction or of a result."""
    for role, table in (("direction", "direction"), ("status", "outcome")):
        if draft.of(role):
            continue
        for name, profile in draft.profiles.items():
            if name in draft.roles or profile.shape != "word" or profile.filled_count < 5 or profile.distinct_count > 12:
                continue
            known = sum(
                count for value, count in profile.words
                if (found := meanings(value, vocabulary()[table])) and found[0].score >= SURE_LABEL
            )  # fmt: skip
            if known >= 0.8 * profile.filled_count:
                draft.give(name, role, f"{known:,} of {profile.filled_count:,} values are words of it", True)
                break


def _find_key(draft: _Draft, export: str) -> tuple[str, ...]:
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
        is_thing = role in _OBJECTS or role in ("person", "customer_number")
        has_id = bool(
            {"id", "nr", "no", "number", "nummer", "key", "uuid", "guid", "code", "sid", "ref", "reference", "identifiant", "kennung", "nøgle"}
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
            in (*_OBJECTS, "person", "customer_number", "campaign_id", "product", "type", "login")
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


def _topic(draft: _Draft, export: str, file_name: str, key: Sequence[str]) -> tuple[str, str]:
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
    if any(_CASE.fullmatch(name) for name in draft.profiles):
        add("case", 2.5)
    found = [item for item in topics(texts) if item.score >= 0.25]
    if not found:
        return "", ""
    best = found[0]
    return best.name, f"its words speak of {best.phrase!r} ({best.name})"


def _feeds(draft: _Draft, topic: str, key: Sequence[str]) -> tuple[str, str]:
    """Which canonical table the export feeds, and why."""
    has = set(draft.roles.values())
    event_time = has & {"time_event", "time_created"}
    person = has & {"person", "email", "phone", "customer_number", "cookie", "login"}
    if "cost" in has and has & {"impressions", "clicks"} and _has_time(draft):
        return "channel_cost", f"cost and {'clicks' if 'clicks' in has else 'impressions'} per day and no person"
    left, right = draft.of("link_left") or draft.of("person"), draft.of("link_right")
    about_merge = any("merge" in "".join(words_of(text)) for text in (draft.export, *draft.profiles))
    if left and right and about_merge:
        return "identifier_link", f"two ids of one row that were merged: {left}, {right}"
    named = has & {"full_name", "given_name", "family_name"}
    described = bool(named) or len(has & {"street", "postal_code", "city", "country"}) >= 2 or "email" in has
    acts = has & {"type", "amount", "duration", "score", "waiting", "page", "direction", *_THINGS} - {"type"}
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
    things = [name for name, role in draft.roles.items() if role in _THINGS]
    if things:
        return "lookup", (
            f"no time of its own; another export of {draft.system} with {things[0]} may look it up "
            f"(lookups: {{{draft.export}: {things[0]}}}) and map it"
        )
    return "lookup", "neither a time at which something happened, nor a person, nor cost"


def _has_time(draft: _Draft) -> bool:
    return any(
        p.shape == "time" and draft.roles.get(p.name) not in ("birth_date", "technical_time")
        for p in draft.profiles.values()
    )


# --- touchpoints ------------------------------------------------------------------------------------------------------------


def _row_type(draft: _Draft, topic: str, usual: str, file_name: str) -> str:
    """The type of a row where no column says it: that of the topic, or what the export's own name says in it."""
    means = vocabulary()["topic"].get(topic, {}).get("means", {})
    for text, least in ((draft.export, 0.5), (file_name.rpartition(".")[0], 0.2)):
        found = next(iter(meanings(text, means)), None)
        if usual and found is not None and found.score >= least:
            return found.name
    return usual


def _touchpoint(draft: _Draft, topic: str, key: Sequence[str], file_name: str) -> Proposal:
    words = vocabulary()["topic"].get(topic, {})
    row_type = _row_type(draft, topic, words.get("row", ""), file_name)
    type_column, labels = _type_column(draft, topic, row_type)
    occurred = _occurred(draft, topic, bool(type_column))
    moments: tuple[Moment, ...] = ()
    if not type_column:
        moments = _moments(draft, topic, row_type, occurred)
        first = draft.of("occurred_at")
        own = _time_type(first, topic) if first else None
        if own and own.name != row_type and own.score > 0.55 and topic and not moments:
            draft.note("touchpoint_type", f"{first} sounds like {own.name} ({own.phrase}), the export like {row_type}")
    if occurred and not type_column:
        _thing_by_structure(draft, topic, occurred)
    directions = _values(draft, "direction", "direction")
    if topic == "call" and not type_column:
        row_type = "call_inbound"
        if directions and all(value == "outbound" for _, value in directions):
            row_type = "call_outbound"
    _objects(draft, topic, key)
    _identifiers(draft, moments)
    _measures(draft, topic, labels)
    scores = _scores(draft, topic)
    status = draft.of("status")
    outcomes: tuple[tuple[str, str], ...] = ()
    if status and status != type_column:
        outcomes = _values(draft, "status", "outcome")
        if words.get("means") and not words.get("status_is_event") and not moments and not type_column:
            states = [
                f"{value} {count:,}"
                for value, count in draft.profiles[status].words[:8]
                if (found := type_meanings(value, topic)) and found[0].score >= SURE and found[0].name != row_type
            ]
            if states:
                draft.note("status", f"states that have no time of their own are no touchpoints: {', '.join(states)}")
    if not row_type and not type_column:
        type_column, labels = _type_by_channel(draft)
    if not row_type and not type_column:
        row_type = "unmapped"
        draft.note("touchpoint_type", "nothing says what a row is; put a type of the catalogue (models/touchpoint_types.csv) here")
    elif not type_column and row_type:
        named = topic and any(
            find_phrase(words_of(text), phrase) for phrase in words.get("words", ()) for text in (draft.export,)
        )
        if not named:
            draft.note("touchpoint_type", f"no column has types; the words of the columns speak of {topic}")
    return replace(
        _empty(draft, topic),
        row_type=row_type,
        type_column=type_column,
        labels=labels,
        moments=moments,
        outcomes=outcomes,
        directions=directions,
        channels=_values(draft, "channel", "channel_value"),
        scores=scores,
    )


def _thing_by_structure(draft: _Draft, topic: str, occurred: str) -> None:
    """A column with one value per row that has a time, and the same value on the rows below: the order with its lines."""
    thing = _TOPIC_KEYS.get(topic, "")
    when = draft.profiles[occurred]
    if not thing or draft.of(thing) or when.filled_count == when.row_count:
        return
    for name, profile in draft.profiles.items():
        role = draft.roles.get(name, "")
        if role in _IDENTITIES and role != "full_name" or profile.shape in ("email", "phone", "time", "free"):
            continue
        if (
            profile.filled_count == profile.row_count
            and profile.distinct_count == when.filled_count
            and _is_id(profile)
        ):
            draft.give(
                name, thing, f"{profile.distinct_count:,} different values, as many as rows with {occurred}", True
            )
            return


_TIME_PREFERENCE = {
    "time_event": 3.0,
    "time_created": 2.0,
    "time_end": 1.2,
    "time_updated": 1.0,
    "time_planned": 0.2,
    "technical_time": 0.1,
}


def _occurred(draft: _Draft, topic: str, has_types: bool) -> str:
    """The time at which the row happened; a date and a clock in two columns become one."""
    times = [p for p in draft.profiles.values() if p.shape == "time" and draft.roles.get(p.name) != "birth_date"]
    if not times:
        return ""

    def rank(profile: ColumnProfile) -> tuple[float, float, float]:
        role = draft.roles.get(profile.name, "")
        base = _TIME_PREFERENCE.get(role, 0.8)
        if role in ("time_event", "time_created") and draft.scores.get(profile.name, 1.0) < SURE:
            base /= 2
        if _CONNECTOR.match(profile.name):
            base = 0.05
        if profile.name.casefold().startswith("case:"):
            base -= 1.0
        meaning = None if has_types else _time_type(profile.name, topic)
        row = vocabulary()["topic"].get(topic, {}).get("row", "")
        if meaning and meaning.name == row and role not in ("time_planned", "time_updated"):
            base += 1.0 if role != "time_end" else 2.0
        elif meaning and role not in ("time_event", "time_created"):
            base -= 0.5
        elif meaning and meaning.name != row and meaning.score > 0.5 and row:
            base -= 1.0
        return (
            base + min(profile.fill_share, 0.999),
            float(profile.type == "timestamp"),
            -list(draft.profiles).index(profile.name),
        )

    ranked = sorted(times, key=rank, reverse=True)
    best = ranked[0]
    clock = draft.of("time_of_day")
    others = [p.name for p in ranked[1:] if draft.roles.get(p.name) in ("time_event", "time_created")]
    is_unsure = draft.roles.get(best.name) not in ("time_event", "time_created") or best.fill_share < 1
    why = f"{best.filled_count:,} of {best.row_count:,} rows have it"
    if others:
        why += f"; also times: {', '.join(others[:3])}"
        is_unsure = is_unsure or (draft.profiles[others[0]].fill_share >= best.fill_share > 0 and best.type == "date")
    if best.type == "date" and clock:
        draft.give(best.name, "occurred_day", why, is_unsure)
        draft.give(clock, "occurred_clock", "the clock of the same moment", True)
    else:
        draft.give(best.name, "occurred_at", why, is_unsure)
    return best.name


def _time_type(name: str, topic: str) -> Meaning | None:
    """The touchpoint type that the name of a time column speaks of."""
    words = [
        word
        for word in words_of(name)
        if word not in ("at", "date", "time", "timestamp", "on", "datum", "dato", "tid", "utc")
    ]
    table = vocabulary()["topic"].get(topic, {}).get("means", {})
    own = [*meanings(name, table), *(meanings(" ".join(words), table) if words else ())]
    return max((item for item in own if item.score >= 0.3), key=lambda item: item.score, default=None)


def _moments(draft: _Draft, topic: str, row_type: str, occurred: str) -> tuple[Moment, ...]:
    """Further times of the row that are touchpoints: shipped, delivered, resolved."""
    found: dict[str, Moment] = {}
    for name, profile in draft.profiles.items():
        role = draft.roles.get(name, "")
        if (
            profile.shape != "time"
            or name == occurred
            or role in ("time_planned", "time_updated", "technical_time", "birth_date")
        ):
            continue
        meaning = _time_type(name, topic)
        if meaning is None or meaning.name == row_type:
            continue
        if find_phrase(words_of(name), "estimated") or find_phrase(words_of(name), "assigned"):
            continue
        other = found.get(meaning.name)
        if other is None or draft.profiles[other.column].filled_count < profile.filled_count:
            found[meaning.name] = Moment(meaning.name, name, meaning.phrase, meaning.score < 0.5)
    for moment in found.values():
        draft.give(
            moment.column, f"moment:{moment.touchpoint_type}", f"its name says {moment.phrase!r}", moment.is_unsure
        )
    return tuple(found.values())


def _type_column(draft: _Draft, topic: str, row_type: str) -> tuple[str, tuple[LabelPlan, ...]]:
    """The column whose values say what happened, and each value's touchpoint type."""
    is_event = bool(vocabulary()["topic"].get(topic, {}).get("status_is_event"))
    best: tuple[float, str, tuple[LabelPlan, ...]] = (0.0, "", ())
    for name, profile in draft.profiles.items():
        role = draft.roles.get(name, "")
        candidates = {item.name: item.score for item in candidate_roles(profile)}
        named = candidates.get("type", 0.0)
        if role == "status" and is_event:
            named = max(named, 0.6)
        if not named or role in ("direction", "channel", "currency", "device", "country", "language"):
            continue
        labels = map_labels(profile, topic)
        mapped = sum(item.row_count for item in labels if item.touchpoint_type != "unmapped") / max(
            1, profile.filled_count
        )
        worth = named + 2 * mapped
        if role == "type":
            worth += 0.5
        if mapped < 0.3 and not (role == "type" and named >= 0.5 and _is_event_name(name)):
            continue
        if profile.fill_share < 0.5:
            continue
        if worth > best[0]:
            best = (worth, name, labels)
    _, name, labels = best
    if name:
        mapped = sum(item.row_count for item in labels if item.touchpoint_type != "unmapped")
        draft.give(
            name,
            "type",
            f"{mapped:,} of {draft.profiles[name].row_count:,} rows have a label that is a touchpoint type",
            mapped < 0.9 * draft.profiles[name].row_count,
        )
    return name, labels


_TYPE_OF_CHANNEL = {
    "phone": "call_inbound", "email": "email_received", "chat": "chat", "store": "store_visit", "social_media": "social_message",
    "app": "app_opened", "website": "page_view", "webshop": "page_view",
}  # fmt: skip


def _type_by_channel(draft: _Draft) -> tuple[str, tuple[LabelPlan, ...]]:
    """Where nothing else says what happened, the channel does: a row of the channel phone is a call."""
    column = draft.of("channel")
    ways = dict(_values(draft, "channel", "channel_value"))
    if not ways:
        return "", ()
    labels = tuple(
        LabelPlan(value, count, _TYPE_OF_CHANNEL.get(ways.get(value, ""), "unmapped"), ways.get(value, ""), True)
        for value, count in draft.profiles[column].words[:MAX_LABELS]
    )
    draft.note("touchpoint_type", f"no column has types; the channel ({column}) is taken for one")
    return column, labels


def _is_event_name(name: str) -> bool:
    """Whether a column's name speaks of events, not of kinds of things."""
    return any(
        find_phrase(words_of(name), word)
        for word in (
            "event",
            "activity",
            "action",
            "concept name",
            "metric",
            "gebeurtenis",
            "haendelse",
            "ereignis",
            "aktivitet",
            "activiteit",
            "interaction",
        )
    )


def map_labels(profile: ColumnProfile, topic: str) -> tuple[LabelPlan, ...]:
    """Each value of a type column with the touchpoint type that its words say, most frequent first."""
    plans: list[LabelPlan] = []
    scores: dict[str, float] = {}
    for value, count in profile.words[:MAX_LABELS]:
        found = type_meanings(value, topic)
        if not found or found[0].score < 0.34:
            plans.append(LabelPlan(value, count, "unmapped"))
            continue
        best = found[0]
        rival = next((item for item in found[1:] if best.score - item.score < 0.05 and item.name != best.name), None)
        is_unsure = best.score < SURE_LABEL or (rival is not None and best.score < 1)
        plans.append(LabelPlan(value, count, best.name, best.phrase, is_unsure))
        scores[value] = best.score
    # Where one label is a type word for word, others that only hold its words are other things: T02 Check confirmation
    # of receipt beside Confirmation of receipt.
    exact = {plan.touchpoint_type for plan in plans if scores.get(plan.label, 0.0) >= 0.95}
    return tuple(
        replace(plan, touchpoint_type="unmapped", phrase=f"perhaps {plan.touchpoint_type}: {plan.phrase}")
        if plan.touchpoint_type in exact and scores[plan.label] < SURE_LABEL
        else plan
        for plan in plans
    )


def _values(draft: _Draft, role: str, table: str) -> tuple[tuple[str, str], ...]:
    """Values of a column as words of a list: directions, outcomes, channels."""
    column = draft.of(role)
    if not column:
        return ()
    found = []
    for value, _ in draft.profiles[column].words[:MAX_LABELS]:
        item = next(iter(meanings(value, vocabulary()[table])), None)
        if item is not None and item.score >= 0.5:
            found.append((value, item.name))
    return tuple(found)


def _objects(draft: _Draft, topic: str, key: Sequence[str]) -> None:
    """The things a touchpoint concerns; the key of the export is one."""
    for name, role in list(draft.roles.items()):
        if role in _OBJECTS:
            why, unsure = draft.why[name]
            draft.give(name, f"object:{_OBJECTS[role]}", why, unsure)
    if (
        len(key) == 1
        and not draft.roles.get(key[0], "").startswith("object:")
        and draft.roles.get(key[0]) in (None, "text", "subject", "person")
    ):
        kind = _OBJECTS.get(_TOPIC_KEYS.get(topic, ""), "") or re.sub(r"s$", "", draft.export)
        if any(role == f"object:{kind}" for role in draft.roles.values()):
            # Another column is the ticket: this export is about parts of it.
            kind = re.sub(r"(?<=[a-z]{3})s$", "", draft.export)
        words = words_of(key[0])
        if draft.roles.get(key[0]) != "person" and (
            set(words) <= {"id", "record", "row", "guid", "uuid", "nr", "no", "key"} or not words
        ):
            draft.give(key[0], f"object:{kind}", "the key of the export")


def _identifiers(draft: _Draft, moments: Sequence[Moment]) -> None:
    """Who it was. Where no column says, the one thing the row is about leads to the person through other exports."""
    people = 0
    pair = draft.of("party_from") and draft.of("party_to")
    if pair:
        # The number of the pair says who it was; the same number written for people is left out.
        for name, role in list(draft.roles.items()):
            if role == "phone":
                del draft.roles[name]
    for name, role in list(draft.roles.items()):
        why, unsure = draft.why[name]
        profile = draft.profiles[name]
        if role in ("party_from", "party_to") and not pair:
            role = "email" if profile.shape == "email" else "phone"
        if role == "email":
            draft.give(name, "identifier:email_md5" if profile.shape == "md5" else "identifier:email", why, unsure)
        elif role in ("phone", "cookie", "login"):
            draft.give(name, f"identifier:{role}", why, unsure)
        elif role in ("party_from", "party_to"):
            kind = "email" if profile.shape == "email" else "phone"
            draft.give(name, f"{role}:{kind}", why, unsure)
        elif role == "customer_number":
            draft.give(name, "identifier:customer_number", why, unsure)
        elif role == "external_person":
            draft.give(name, "identifier:customer_number", f"{why}; perhaps the number of another system", True)
        elif role == "person":
            if (
                _is_name(profile)
                and profile.mean_length > 5
                and profile.shape != "code"
                and any(" " in v for v, _ in profile.words)
            ):
                draft.give(name, "full_name", "its values look like names: no identifier", True)
                continue
            kind = identifier_type(draft.system, name)
            draft.give(name, f"identifier:{kind}", why, unsure)
        else:
            continue
        people += 1
    if people:
        return
    for thing in _THINGS:
        column = next((name for name, role in draft.roles.items() if role == f"object:{_OBJECTS[thing]}"), "")
        if column:
            draft.note(
                "identifiers",
                f"no column names a person; {column} is one where each belongs to exactly one person and another export "
                f"of {draft.system} says to whom",
            )
            return
    draft.note("identifiers", "no column names a person: these touchpoints belong to nobody")


def identifier_type(system: str, column: str) -> str:
    """The type of a system's own id by the name of its column: `contact_id` of crm is `crm.contact`."""
    words = [
        word
        for word in words_of(column)
        if word not in ("id", "nr", "no", "number", "nummer", "uuid", "key", "unique", "code", "sid")
    ]
    noun = "_".join(words) or "person"
    noun = re.sub(r"(?<=[a-z]{3})id$", "", noun)
    return f"{system}.{noun}"


_PAYING = ("order_placed", "pos_purchase", "payment_received", "invoice_sent", "invoice_paid", "refund_paid", "checkout_started")


def _measures(draft: _Draft, topic: str, labels: Sequence[LabelPlan]) -> None:
    amount, currency = draft.of("amount"), draft.of("currency")
    if amount:
        profile = draft.profiles[amount]
        paying = any(label.touchpoint_type in _PAYING for label in labels)
        if topic in ("call", "message", "survey", "email", "web") and not paying:
            draft.give(amount, "", "")
            draft.note("amount", f"{amount} is left out: in an export of this kind it is rarely what the customer pays")
        else:
            why, unsure = draft.why[amount]
            if profile.type == "integer" and (profile.minimum or 0) >= 100:
                why, unsure = (
                    f"whole numbers from {profile.minimum:,.0f} to {profile.maximum:,.0f}: perhaps cents",
                    True,
                )
            draft.give(amount, "amount", why, unsure)
    if currency and not draft.of("amount"):
        draft.roles.pop(currency)
    for role in ("duration", "waiting"):
        column = draft.of(role)
        if column:
            unit, sure = _unit(draft.profiles[column])
            why = f"in {unit}" + ("" if sure else " (assumed)")
            draft.give(column, f"{role}:{unit}", why, not sure)


def _unit(profile: ColumnProfile) -> tuple[str, bool]:
    words = set(words_of(profile.name))
    if profile.shape == "clock":
        return "clock", True
    for unit, names in (
        ("milliseconds", {"ms", "millis", "milliseconds", "msec"}),
        ("minutes", {"minutes", "min", "mins", "minuten", "minutter", "minute"}),
        ("hours", {"hours", "uren", "timer", "stunden", "heures"}),
        ("seconds", {"seconds", "sec", "secs", "s", "seconden", "sekunder", "sekunden", "secondes", "billsec"}),
    ):
        if words & names:
            return unit, True
    return "seconds", False


_SCORE_WORDS = {
    "good": 1, "bad": 0, "satisfied": 1, "dissatisfied": 0, "positive": 1, "negative": 0, "tevreden": 1, "ontevreden": 0,
    "goed": 1, "slecht": 0, "tilfreds": 1, "utilfreds": 0, "gut": 1, "schlecht": 0,
}  # fmt: skip


def _scores(draft: _Draft, topic: str) -> tuple[ScorePlan, ...]:
    """Score columns with kind and scale; further questions with small whole numbers in a survey."""
    plans = []
    for name, role in list(draft.roles.items()):
        if role != "score":
            continue
        profile = draft.profiles[name]
        kind = next((item for item in meanings(name, vocabulary()["score_kind"])), None)
        kind_name = kind.name if kind else "rating"
        if profile.type not in ("integer", "decimal"):
            words = tuple(
                (value, _SCORE_WORDS[value.lower()]) for value, _ in profile.words if value.lower() in _SCORE_WORDS
            )
            if not words:
                draft.give(name, "attribute", "its name says score, its values are words")
                continue
            draft.give(name, "score", "words as numbers", True)
            plans.append(ScorePlan(name, "csat", 0, 1, "words; those not listed give no score", True, words))
            continue
        low, high, why, unsure = scale_of(kind_name, profile)
        if low is None:
            draft.give(name, "attribute", why, True)
            continue
        draft.give(name, "score", why, unsure)
        plans.append(ScorePlan(name, kind_name, low, high, why, unsure))
    return tuple(plans[:4])


def scale_of(kind: str, profile: ColumnProfile) -> tuple[int | None, int, str, bool]:
    """(low, high, evidence, unsure) of a score's scale: usual scales of its kind that hold its values."""
    low, high = profile.minimum or 0.0, profile.maximum or 0.0
    values = f"values from {low:g} to {high:g}"
    scales = {
        "nps": [(0, 10)],
        "ces": [(1, 7), (1, 5), (1, 10)],
        "csat": [(1, 5), (1, 10), (0, 100)],
        "rating": [(1, 5), (1, 10), (0, 100)],
    }[kind]
    if kind == "nps":
        outside = sum(count for value, count in profile.words if _outside(value, 0, 10))
        why = f"an NPS is 0 to 10; {values}"
        return 0, 10, why + (f", {outside:,} outside it go to quarantine" if outside else ""), bool(outside)
    for bottom, top in scales:
        if bottom <= low and high <= top:
            return bottom, top, f"{values}: the scale may be {bottom} to {top}", high < top or kind == "ces"
        if low == 0 and bottom == 1 and high <= top:
            return 0, top, f"{values}: the scale may be 0 to {top}", True
    return None, 0, f"{values}: no scale that is known for {kind}", True


def _outside(value: str, low: int, high: int) -> bool:
    try:
        return not low <= float(value.replace(",", ".")) <= high
    except ValueError:
        return False


# --- other feeds --------------------------------------------------------------------------------------------------------------


def _party(draft: _Draft, topic: str, key: Sequence[str]) -> Proposal:
    _identifiers_of_party(draft)
    valid = draft.of("time_updated") or draft.of("time_created") or draft.of("time_event")
    if valid:
        draft.give(valid, "valid_from", "since then the system says so", draft.roles[valid] == "time_event")
    party_type = _party_type(draft)
    own = None
    if len(key) == 1 and not draft.roles.get(key[0], "").startswith("identifier:"):
        noun = re.sub(r"(?<=[a-z]{3})s$", "", draft.export)
        own = (f"{draft.system}.{noun}", key[0])
        draft.give(key[0], "own", "the key of the export")
    return replace(_empty(draft, topic), party_type=party_type, own_identifier=own)


_PARTIES = {
    "household": ("household", "huishouden", "husstand", "haushalt", "foyer"),
    "organisation": (
        "company", "companies", "organization", "organizations", "organisation", "organisations", "account", "accounts",
        "seller", "sellers", "supplier", "suppliers", "bedrijf", "bedrijven", "firma", "virksomhed", "virksomheder", "unternehmen",
        "entreprise", "societe",
    ),
}  # fmt: skip


def _party_type(draft: _Draft) -> str:
    """Person, unless the export is named after organisations and no column has the name of a person."""
    if draft.of("given_name") or draft.of("family_name"):
        return "person"
    words = words_of(draft.export)
    found = next(
        (kind for kind, names in _PARTIES.items() if any(find_phrase(words, name) for name in names)), "person"
    )
    if found != "person":
        draft.note("party_type", f"the export is called {draft.export} and no column holds a first or last name")
    return found


def _identifiers_of_party(draft: _Draft) -> None:
    for name, role in list(draft.roles.items()):
        why, unsure = draft.why[name]
        if role == "email":
            draft.give(
                name, "identifier:email_md5" if draft.profiles[name].shape == "md5" else "identifier:email", why, unsure
            )
        elif role in ("phone", "login", "cookie"):
            draft.give(name, f"identifier:{role}", why, unsure)
        elif role in ("customer_number", "external_person"):
            draft.give(name, "identifier:customer_number", why, unsure or role == "external_person")
        elif role == "person" and not (_is_name(draft.profiles[name]) and draft.profiles[name].shape != "code"):
            draft.give(name, f"identifier:{identifier_type(draft.system, name)}", why, unsure)
        elif role == "organisation_id":
            draft.give(name, "attribute", "many people share it: no identifier")


def _cost(draft: _Draft, topic: str) -> Proposal:
    day = draft.of("time_event") or next(p.name for p in draft.profiles.values() if p.shape == "time")
    draft.give(day, "cost_date", "the day of the spend")
    cost = draft.of("cost")
    draft.give(cost, "cost:micros" if "micros" in words_of(cost) else "cost", draft.why[cost][0], draft.why[cost][1])
    named = re.search(r"\(([A-Z]{3})\)", cost)
    if named and not draft.of("currency"):
        draft.note("currency", f"{named[1]} stands in the name of {cost}")
    return replace(_empty(draft, topic), currency=named[1] if named else "")


def _link(draft: _Draft, topic: str) -> Proposal:
    if not draft.of("link_left"):
        draft.give(draft.of("person"), "link_left", "the person who stays", True)
    for role in ("link_left", "link_right"):
        column = draft.of(role)
        draft.give(column, role, draft.why[column][0], True)
    when = next(
        (p.name for p in draft.profiles.values() if p.shape == "time" and draft.roles.get(p.name) != "technical_time"),
        "",
    )
    if when:
        draft.give(when, "linked_at", "when it happened")
    words = [word for text in (draft.export, *draft.profiles) for word in words_of(text)]
    nouns = (
        "contact",
        "customer",
        "lead",
        "person",
        "profile",
        "member",
        "user",
        "account",
        "klant",
        "kunde",
        "relatie",
    )
    noun = next((word for word in words if word in nouns), "person")
    is_list = draft.profiles[draft.of("link_right")].type == "json"
    return replace(_empty(draft, topic), link_type=f"{draft.system}.{noun}", link_is_list=is_list)


# --- the spec around it -----------------------------------------------------------------------------------------------------


def _finish(
    proposal: Proposal,
    draft: _Draft,
    dialect: Dialect,
    key: tuple[str, ...],
    file_name: str,
    time_zone: str,
    currency: str,
) -> Proposal:
    read = dict(dialect.read)
    notes = [*dialect.notes, *draft.notes]
    used = _used(proposal, draft, key)
    plans, spelled = _plans(proposal, draft, used, notes)
    key, version, skip = _key_and_version(proposal, draft, key, notes)
    _styles(read, plans, draft, notes)
    proposal = _day_and_clock(proposal, draft, plans)
    nothing = sorted({word for name in used for word in draft.profiles[name].nothing})
    if nothing:
        read["empty"] = nothing
        notes.append(Note("read.empty", "words that mean no value"))
    zone = _zone(draft, used, time_zone, notes)
    if zone:
        read["time_zone"] = zone
    money = proposal.currency or currency
    needs = proposal.role("amount") or draft.of("amount") or draft.of("cost") or draft.of("cost:micros")
    if needs and not draft.of("currency") and not money:
        money = _sign_currency(draft.profiles[needs])
        notes.append(
            Note(
                "currency",
                f"by the sign in {needs}" if money else f"{needs} has no currency; add `currency: EUR`",
                True,
            )
        )
    elif draft.of("currency"):
        money = ""
    proposal = replace(
        proposal,
        read=read,
        key=tuple(spelled[name] for name in key),
        version=tuple(spelled[name] for name in version),
        skip=tuple(
            (rule, when.replace("{0}", quote_name(spelled[column])), because) for rule, column, when, because in skip
        ),
        columns=tuple(plans),
        notes=tuple(notes),
        type_column=spelled.get(proposal.type_column, ""),
        moments=tuple(replace(item, column=spelled[item.column]) for item in proposal.moments),
        scores=tuple(replace(item, column=spelled[item.column]) for item in proposal.scores),
        currency=money,
        time_zone=zone,
        unmapped_columns=tuple(
            name for name, profile in draft.profiles.items() if name not in used and not profile.is_empty
        ),
    )
    return replace(proposal, recognise=_recognise(proposal, draft, dialect, file_name, notes))


_ATTRIBUTE_SHAPES = ("word", "boolean", "number")
_MOST_ATTRIBUTES = 10


def _used(proposal: Proposal, draft: _Draft, key: Sequence[str]) -> list[str]:
    """The columns that the spec declares, in the order of the file."""
    mapped_roles = {
        "touchpoint": ("occurred", "type", "status", "direction", "channel", "amount", "currency", "score", "duration:",
                       "waiting:", "agent", "subject", "campaign_", "page", "referrer", "device", "identifier:", "object:",
                       "moment:", "party_", "attribute", "quantity", "user_agent", "time_updated"),
        "party_record": ("identifier:", "valid_from", "consent_", "refusal_", *_PERSONAL_ROLES),
        "channel_cost": ("cost", "currency", "impressions", "clicks", "conversions", "campaign_", "channel"),
        "identifier_link": ("link_", "linked_at"),
        "lookup": ("",),
    }[proposal.feeds]  # fmt: skip
    used = [
        name for name, role in draft.roles.items()
        if role and role.startswith(mapped_roles) and not draft.profiles[name].is_empty
    ]  # fmt: skip
    if proposal.feeds == "touchpoint":
        taken = set(used)
        extra = [
            p.name for p in draft.profiles.values()
            if p.name not in taken and p.shape in _ATTRIBUTE_SHAPES and not p.is_empty
            and draft.roles.get(p.name, "attribute") in ("attribute", "", "product", "quantity", "survey_key")
            and p.distinct_count > 1
        ]  # fmt: skip
        for name in extra[:_MOST_ATTRIBUTES]:
            draft.give(name, "attribute", draft.why.get(name, ("", False))[0])
        used += extra[:_MOST_ATTRIBUTES]
    used += [name for name in key if name not in used]
    order = {name: at for at, name in enumerate(draft.profiles)}
    return sorted(dict.fromkeys(used), key=lambda name: order[name])


def _plans(
    proposal: Proposal, draft: _Draft, used: Sequence[str], notes: list[Note]
) -> tuple[list[ColumnPlan], dict[str, str]]:
    """Declarations of the used columns; names that are no good in SQL become short ones with the old one as alias."""
    plans = []
    spelled: dict[str, str] = {}
    for name in used:
        profile = draft.profiles[name]
        role = draft.roles.get(name, "")
        short = short_name(name)
        if short in spelled.values():
            short = f"{short}_{len(spelled)}"
        spelled[name] = short
        declaration: dict[str, Any] = {}
        if short != name:
            declaration["aliases"] = [name]
        declaration |= _declaration(profile, role, proposal, draft)
        why, unsure = draft.why.get(name, ("", False))
        if profile.misfit_count and "type" in declaration:
            fits = f"{profile.misfit_count:,} of {profile.filled_count:,} values are no {declaration['type']}"
            why = f"{fits}; {why}" if why else fits
            unsure = True
            if role not in ("occurred_at", "occurred_day", "cost_date"):
                declaration["optional"] = True
        if profile.order in ("day", "month", "unknown") and role and profile.shape == "time":
            why = f"{why}; {profile.order_evidence}" if why else profile.order_evidence
            unsure = unsure or profile.order == "unknown"
        if profile.order_evidence and profile.shape == "number":
            why, unsure = profile.order_evidence, True
        plans.append(ColumnPlan(short, name, declaration, role, why, unsure))
    for name in draft.roles:
        spelled.setdefault(name, name)
    return plans, spelled


def short_name(name: str) -> str:
    """The name a column has in the spec: its own, unless that is hard to write or lost in a night."""
    if name.startswith("_") or len(name) > 40 or "\n" in name or '"' in name:
        words = re.findall(r"\w+", name.lower())
        return "_".join(words[:6]).strip("_") or "column"
    return name


def _declaration(profile: ColumnProfile, role: str, proposal: Proposal, draft: _Draft) -> dict[str, Any]:
    """Keys of a column in the spec."""
    if role in ("identifier:email",) and profile.shape == "email":
        return {"type": "email"}
    if role in ("identifier:phone", "party_from:phone", "party_to:phone"):
        return {"type": "phone"}
    if role in ("party_from:email", "party_to:email"):
        return {"type": "email"}
    if role.startswith(("identifier:", "object:")) or role in (
        "type",
        "agent",
        "campaign_id",
        "occurred_clock",
        "house_number",
        "postal_code",
        "link_left",
        "link_right",
    ):
        return {}
    if profile.shape == "time":
        if role == "occurred_day":
            return {}
        required = role in ("occurred_at", "cost_date")
        wants_date = role in ("cost_date", "birth_date")
        kind = (
            "date"
            if wants_date or (profile.type == "date" and role != "occurred_at" and role != "valid_from")
            else "timestamp"
        )
        if (profile.type == "date" and role in ("valid_from", "linked_at", "occurred_at")) or role.startswith(
            "moment:"
        ):
            kind = "timestamp"
        result: dict[str, Any] = {"type": kind}
        if required and profile.fill_share >= 0.5:
            result["required"] = True
        if profile.formats:
            result["format"] = profile.formats[0] if len(profile.formats) == 1 else list(profile.formats)
        return result
    if profile.type in ("integer", "decimal"):
        if role == "attribute" and profile.type == "integer":
            return {}
        numeric = ("amount", "cost", "score", "duration", "waiting", "impressions", "clicks", "conversions", "quantity")
        if role.startswith(numeric):
            result = {
                "type": "decimal" if role.startswith(("amount", "cost", "conversions", "score")) else profile.type
            }
            if profile.strip:
                result["strip"] = list(profile.strip)
            if profile.trailing_minus:
                result["trailing_minus"] = True
            return result
        return {}
    if profile.type == "boolean" and role.startswith(("consent", "refusal")):
        return {"type": "boolean"}
    return {}


def _styles(read: dict[str, Any], plans: Sequence[ColumnPlan], draft: _Draft, notes: list[Note]) -> None:
    """Number and month style at the top where all columns agree, else per column."""
    months = {draft.profiles[plan.source].style for plan in plans if draft.profiles[plan.source].style}
    if len(months) == 1:
        read["style"] = next(iter(months))
        notes.append(Note("read.style", f"month names are {read['style']}"))
    numbers = [plan for plan in plans if plan.declaration.get("type") in ("decimal", "integer")]
    written = [(draft.profiles[plan.source].decimal, draft.profiles[plan.source].thousands) for plan in numbers]
    decimals = {decimal for decimal, _ in written if decimal}
    thousands = {sign for _, sign in written if sign}
    if len(decimals) <= 1 and len(thousands) <= 1 and "style" not in read:
        if decimals == {","}:
            read["decimal"] = ","
        if thousands:
            read["thousands"] = next(iter(thousands))
        return
    for plan, (decimal, sign) in zip(numbers, written, strict=True):
        if decimal:
            plan.declaration["decimal"] = decimal
        if sign:
            plan.declaration["thousands"] = sign


def _day_and_clock(proposal: Proposal, draft: _Draft, plans: Sequence[ColumnPlan]) -> Proposal:
    """Whether the time is a day only; the formats of a moment whose day and clock stand in two columns."""
    day = draft.profiles.get(draft.of("occurred_day"))
    clock = draft.profiles.get(draft.of("occurred_clock"))
    if day is None or clock is None:
        when = draft.profiles.get(draft.of("occurred_at"))
        return replace(proposal, is_day_only=when is not None and (when.type == "date" or when.precision == "day"))
    clocks: dict[str, None] = {}
    for value, _ in clock.words:
        if value.isdigit():
            clocks.setdefault("%H%M%S")
        else:
            clocks.setdefault("%H:%M:%S" if value.count(":") == 2 else "%H:%M")
    formats = [f"{date} {time}" for date in day.formats or ("%Y-%m-%d",) for time in clocks]
    return replace(proposal, clock_formats=tuple(formats))


def _zone(draft: _Draft, used: Sequence[str], given: str, notes: list[Note]) -> str:
    naive = [
        name for name in used
        if draft.profiles[name].shape == "time" and draft.profiles[name].zone != "in the value"
        and draft.profiles[name].type == "timestamp" and not ({"utc", "gmt"} & set(words_of(name)))
    ]  # fmt: skip
    naive += [name for name in used if draft.roles.get(name) == "occurred_day"]
    if given:
        return given
    if naive:
        notes.append(
            Note(
                "read.time_zone",
                f"the times in {', '.join(naive[:4])} have no zone and are taken for UTC; give theirs",
                True,
            )
        )
        return "UTC"
    return ""


def _sign_currency(profile: ColumnProfile) -> str:
    return next(({"€": "EUR", "$": "USD", "£": "GBP"}.get(sign, sign) for sign in profile.strip
                 if sign in ("€", "$", "£") or re.fullmatch("[A-Z]{3}", sign)), "")  # fmt: skip


def _key_and_version(
    proposal: Proposal, draft: _Draft, key: tuple[str, ...], notes: list[Note]
) -> tuple[tuple[str, ...], tuple[str, ...], list[tuple[str, str, str, str]]]:
    rows = draft.table.num_rows
    skip: list[tuple[str, str, str, str]] = []
    version = draft.of("time_updated")
    if proposal.feeds == "touchpoint":
        for role in ("object:order", "object:invoice"):
            column = draft.of(role)
            if not column or proposal.type_column:
                continue
            profile = draft.profiles[column]
            when = draft.of("occurred_at") or draft.of("occurred_day")
            lines = draft.profiles[when].filled_count < rows if when else False
            lines = lines or any(
                draft.roles.get(name) in ("product", "quantity", "object:product")
                or draft.why.get(name, ("",))[0].find("product") >= 0
                for name in draft.roles
            )
            if profile.filled_count == rows and profile.distinct_count < rows and lines and when:
                if not _one_amount(draft, column):
                    notes.append(
                        Note("key", f"the amounts of the rows of one {column} differ: each line is a touchpoint of its own", True)
                    )
                    continue
                notes.append(
                    Note(
                        "key",
                        f"{rows:,} rows, {profile.distinct_count:,} different {column}: lines of one become one",
                        True,
                    )
                )
                if draft.profiles[when].filled_count < rows:
                    skip.append(
                        (
                            "further_line",
                            when,
                            "{0} is null",
                            "Only the first line of it has its time; the others are its products.",
                        )
                    )
                key = (column,)
            elif profile.filled_count == profile.distinct_count < rows:
                notes.append(
                    Note(
                        "skip",
                        f"{rows - profile.filled_count:,} of {rows:,} rows have no {column}: lines of the one above",
                        True,
                    )
                )
                skip.append(
                    (
                        "further_line",
                        column,
                        "{0} is null",
                        "A further line of the one above; its columns are empty here.",
                    )
                )
                key = (column,)
    if proposal.feeds == "channel_cost":
        key = _cost_key(draft)
    if not key and proposal.feeds == "party_record":
        column = draft.of("identifier:email") or draft.of("identifier:email_md5")
        if column and draft.profiles[column].is_unique:
            key = (column,)
            notes.append(Note("key", f"{column} is different in every row and nothing else is a key", True))
    if proposal.feeds == "identifier_link" and not proposal.link_is_list:
        key = (draft.of("link_left"), draft.of("link_right"))
    if proposal.link_is_list:
        skip.append(("nothing_merged", draft.of("link_right"), "{0} is null", "The row names no second person."))
    if not key:
        texts = list(zip(*draft.table.to_pydict().values(), strict=True)) if rows <= 500_000 else []
        again = len(texts) - len(set(texts))
        notes.append(
            Note("key", "no column, nor two or three ids together, tells the rows apart: their whole content does"
                 + (f"; {again:,} rows are exact copies of another and count once (repeats: true counts them all)" if again else ""), True)
        )  # fmt: skip
    elif len(key) > 1:
        notes.append(Note("key", f"together different in all {rows:,} rows", rows < 50))
    if not version or version in key or not key:
        return key, (), skip
    return key, (version,), skip


def _one_amount(draft: _Draft, thing: str) -> bool:
    """Whether all rows of one order have one amount: that of the order, not of its lines."""
    amount = draft.of("amount")
    if not amount:
        return True
    seen: dict[str, set[str]] = {}
    for key, value in zip(draft.table[thing].to_pylist(), draft.table[amount].to_pylist(), strict=True):
        if value is not None:
            seen.setdefault(key, set()).add(value)
    return all(len(values) == 1 for values in seen.values())


def _cost_key(draft: _Draft) -> tuple[str, ...]:
    """The day and the names and ids beside it that together tell the rows of spend apart."""
    day = draft.of("cost_date")
    texts = draft.table.to_pydict()
    rows = draft.table.num_rows
    chosen = [day]
    for name, profile in draft.profiles.items():
        distinct = len(set(zip(*(texts[item] for item in chosen), strict=True)))
        is_label = profile.shape in ("word", "text", "code") or profile.type == "integer" and "id" in words_of(name)
        if name == day or not is_label or profile.fill_share < 1 or draft.roles.get(name) == "currency":
            continue
        more = len(set(zip(*(texts[item] for item in [*chosen, name]), strict=True)))
        if distinct < rows and more > distinct or draft.roles.get(name) == "campaign_id":
            chosen.append(name)
    return tuple(chosen)


def _recognise(
    proposal: Proposal, draft: _Draft, dialect: Dialect, file_name: str, notes: list[Note]
) -> dict[str, Any]:
    """What tells a file of this export: the columns that are used, or the shape of a line without a header."""
    kind = proposal.read["format"]
    if proposal.read.get("header_rows") == 0:
        # The number of its columns counts too, but any file with as many would fit without a name.
        notes.append(Note("recognise", "without a header a file is told by its name and the number of its columns", True))
        return {"path": re.sub(r"\d+", "*", file_name)}
    if dialect.content:
        plain = [n for n in dialect.names if "." not in n and not n.startswith("@") and n in draft.profiles]
        return {"content": dialect.content, **({"columns": plain[:6]} if plain else {})}
    names = [plan.name for plan in proposal.columns if plan.source in dialect.names or not dialect.names]
    if kind in ("json", "ndjson"):
        names = [plan.name for plan in proposal.columns if plan.source in dialect.names]
        names += [name for name in dialect.names if name in draft.profiles and name not in names][
            : max(0, 3 - len(names))
        ]
    else:
        # A file with a few columns only is told by all of them, so that its neighbours are not taken for it.
        wanted = 4 if len(draft.profiles) > 6 else 20
        names += [n for n in draft.profiles if n not in {p.source for p in proposal.columns}][
            : max(0, wanted - len(names))
        ]
    preferred = [*proposal.key, *(plan.name for plan in proposal.columns if plan.role not in ("attribute", ""))]
    chosen = sorted(dict.fromkeys(names), key=lambda n: (n not in preferred, names.index(n)))[:10]
    order = {name: at for at, name in enumerate(names)}
    return {"columns": sorted(chosen, key=lambda n: order[n])}


_RESERVED: frozenset[str] | None = None


def quote_name(name: str) -> str:
    """A column name for SQL: quoted only where it must be."""
    global _RESERVED
    if _RESERVED is None:
        words = duckdb.execute(
            "select keyword_name from duckdb_keywords() where keyword_category <> 'unreserved'"
        ).fetchall()
        _RESERVED = frozenset(word for (word,) in words)
    if re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in _RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'
