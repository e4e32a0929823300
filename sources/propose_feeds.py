"""People, spend and merged ids in an unknown export.

Does not belong here: touchpoints (`propose_touchpoint.py`), the rest of the spec (`complete_spec.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from sources.column_roles import is_name
from sources.proposal import Draft, Proposal, nothing_proposed
from sources.vocabulary import (
    find_phrase,
    words_of,
)


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


def propose_party(draft: Draft, topic: str, key: Sequence[str]) -> Proposal:
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
    return replace(nothing_proposed(draft, topic), party_type=party_type, own_identifier=own)


_PARTIES = {
    "household": ("household", "huishouden", "husstand", "haushalt", "foyer"),
    "organisation": (
        "company", "companies", "organization", "organizations", "organisation", "organisations", "account", "accounts",
        "seller", "sellers", "supplier", "suppliers", "bedrijf", "bedrijven", "firma", "virksomhed", "virksomheder",
        "unternehmen", "entreprise", "societe",
    ),
}  # fmt: skip


def _party_type(draft: Draft) -> str:
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


def _identifiers_of_party(draft: Draft) -> None:
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
        elif role == "person" and not (is_name(draft.profiles[name]) and draft.profiles[name].shape != "code"):
            draft.give(name, f"identifier:{identifier_type(draft.system, name)}", why, unsure)
        elif role == "organisation_id":
            draft.give(name, "attribute", "many people share it: no identifier")


def propose_cost(draft: Draft, topic: str) -> Proposal:
    day = draft.of("time_event") or next(p.name for p in draft.profiles.values() if p.shape == "time")
    draft.give(day, "cost_date", "the day of the spend")
    cost = draft.of("cost")
    draft.give(cost, "cost:micros" if "micros" in words_of(cost) else "cost", draft.why[cost][0], draft.why[cost][1])
    named = re.search(r"\(([A-Z]{3})\)", cost)
    if named and not draft.of("currency"):
        draft.note("currency", f"{named[1]} stands in the name of {cost}")
    return replace(nothing_proposed(draft, topic), currency=named[1] if named else "")


def propose_link(draft: Draft, topic: str) -> Proposal:
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
    return replace(nothing_proposed(draft, topic), link_type=f"{draft.system}.{noun}", link_is_list=is_list)
