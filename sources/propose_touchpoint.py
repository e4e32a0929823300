"""The touchpoints of an unknown export: when, what, who, how it went; each with its evidence.

Does not belong here: exports of people, spend and merges (`propose_feeds.py`), the rest of the spec (`complete_spec.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from sources.column_roles import IDENTITIES, OBJECTS, THINGS, candidate_roles, is_id, is_name
from sources.profile import ColumnProfile
from sources.proposal import (
    CONNECTOR,
    MAX_LABELS,
    SURE,
    SURE_LABEL,
    Draft,
    LabelPlan,
    Moment,
    Proposal,
    ScorePlan,
    nothing_proposed,
)
from sources.propose_feeds import identifier_type
from sources.vocabulary import (
    Meaning,
    find_phrase,
    meanings,
    type_meanings,
    vocabulary,
    words_of,
)

_TOPIC_KEYS = {
    "order": "order_key", "till": "order_key", "cart": "order_key", "ticket": "ticket_key", "chat": "ticket_key",
    "invoice": "invoice_key", "opportunity": "opportunity_key", "quote": "opportunity_key", "contract": "subscription_key",
    "call": "call_key",
}  # fmt: skip


def _row_type(draft: Draft, topic: str, usual: str, file_name: str) -> str:
    """The type of a row where no column says it: that of the topic, or what the export's own name says in it."""
    means = vocabulary()["topic"].get(topic, {}).get("means", {})
    for text, least in ((draft.export, 0.5), (file_name.rpartition(".")[0], 0.2)):
        found = next(iter(meanings(text, means)), None)
        if usual and found is not None and found.score >= least:
            return found.name
    return usual


def propose_touchpoint(draft: Draft, topic: str, key: Sequence[str], file_name: str) -> Proposal:
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
        draft.note(
            "touchpoint_type",
            "nothing says what a row is; put a type of the catalogue (models/touchpoint_types.csv) here",
        )
    elif not type_column and row_type:
        named = topic and any(
            find_phrase(words_of(text), phrase) for phrase in words.get("words", ()) for text in (draft.export,)
        )
        if not named:
            draft.note("touchpoint_type", f"no column has types; the words of the columns speak of {topic}")
    return replace(
        nothing_proposed(draft, topic),
        row_type=row_type,
        type_column=type_column,
        labels=labels,
        moments=moments,
        outcomes=outcomes,
        directions=directions,
        channels=_values(draft, "channel", "channel_value"),
        scores=scores,
    )


def _thing_by_structure(draft: Draft, topic: str, occurred: str) -> None:
    """A column with one value per row that has a time, and the same value on the rows below: the order with its lines."""
    thing = _TOPIC_KEYS.get(topic, "")
    when = draft.profiles[occurred]
    if not thing or draft.of(thing) or when.filled_count == when.row_count:
        return
    for name, profile in draft.profiles.items():
        role = draft.roles.get(name, "")
        if (role in IDENTITIES and role != "full_name") or profile.shape in ("email", "phone", "time", "free"):
            continue
        if profile.filled_count == profile.row_count and profile.distinct_count == when.filled_count and is_id(profile):
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


def _occurred(draft: Draft, topic: str, has_types: bool) -> str:
    """The time at which the row happened; a date and a clock in two columns become one."""
    times = [p for p in draft.profiles.values() if p.shape == "time" and draft.roles.get(p.name) != "birth_date"]
    if not times:
        return ""

    def rank(profile: ColumnProfile) -> tuple[float, float, float]:
        role = draft.roles.get(profile.name, "")
        base = _TIME_PREFERENCE.get(role, 0.8)
        if role in ("time_event", "time_created") and draft.scores.get(profile.name, 1.0) < SURE:
            base /= 2
        if CONNECTOR.match(profile.name):
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


def _moments(draft: Draft, topic: str, row_type: str, occurred: str) -> tuple[Moment, ...]:
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


def _type_column(draft: Draft, topic: str, row_type: str) -> tuple[str, tuple[LabelPlan, ...]]:
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


def _type_by_channel(draft: Draft) -> tuple[str, tuple[LabelPlan, ...]]:
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


def _values(draft: Draft, role: str, table: str) -> tuple[tuple[str, str], ...]:
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


def _objects(draft: Draft, topic: str, key: Sequence[str]) -> None:
    """The things a touchpoint concerns; the key of the export is one."""
    for name, role in list(draft.roles.items()):
        if role in OBJECTS:
            why, unsure = draft.why[name]
            draft.give(name, f"object:{OBJECTS[role]}", why, unsure)
    if (
        len(key) == 1
        and not draft.roles.get(key[0], "").startswith("object:")
        and draft.roles.get(key[0]) in (None, "text", "subject", "person")
    ):
        kind = OBJECTS.get(_TOPIC_KEYS.get(topic, ""), "") or re.sub(r"s$", "", draft.export)
        if any(role == f"object:{kind}" for role in draft.roles.values()):
            # Another column is the ticket: this export is about parts of it.
            kind = re.sub(r"(?<=[a-z]{3})s$", "", draft.export)
        words = words_of(key[0])
        if draft.roles.get(key[0]) != "person" and (
            set(words) <= {"id", "record", "row", "guid", "uuid", "nr", "no", "key"} or not words
        ):
            draft.give(key[0], f"object:{kind}", "the key of the export")


def _identifiers(draft: Draft, moments: Sequence[Moment]) -> None:
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
                is_name(profile)
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
    for thing in THINGS:
        column = next((name for name, role in draft.roles.items() if role == f"object:{OBJECTS[thing]}"), "")
        if column:
            draft.note(
                "identifiers",
                f"no column names a person; {column} is one where each belongs to exactly one person and another export "
                f"of {draft.system} says to whom",
            )
            return
    draft.note("identifiers", "no column names a person: these touchpoints belong to nobody")


_PAYING = (
    "order_placed",
    "pos_purchase",
    "payment_received",
    "invoice_sent",
    "invoice_paid",
    "refund_paid",
    "checkout_started",
)


def _measures(draft: Draft, topic: str, labels: Sequence[LabelPlan]) -> None:
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


def _scores(draft: Draft, topic: str) -> tuple[ScorePlan, ...]:
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
