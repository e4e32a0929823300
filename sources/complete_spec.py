"""The rest of a proposed spec: declared columns, styles, zone, key, and what recognises the export.

Does not belong here: what a column means (`column_roles.py`), the text of the file (`write_spec.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sources.dialect import Dialect, Note
from sources.profile import ColumnProfile
from sources.proposal import ColumnPlan, Draft, Proposal, quote_name, short_name
from sources.vocabulary import (
    words_of,
)

_PERSONAL_ROLES = (
    "full_name", "given_name", "family_name", "organisation", "street", "house_number", "postal_code", "city", "country",
    "birth_date", "language",
)  # fmt: skip


def complete(
    proposal: Proposal,
    draft: Draft,
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


def _used(proposal: Proposal, draft: Draft, key: Sequence[str]) -> list[str]:
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
    proposal: Proposal, draft: Draft, used: Sequence[str], notes: list[Note]
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


def _declaration(profile: ColumnProfile, role: str, proposal: Proposal, draft: Draft) -> dict[str, Any]:
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


def _styles(read: dict[str, Any], plans: Sequence[ColumnPlan], draft: Draft, notes: list[Note]) -> None:
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


def _day_and_clock(proposal: Proposal, draft: Draft, plans: Sequence[ColumnPlan]) -> Proposal:
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


def _zone(draft: Draft, used: Sequence[str], given: str, notes: list[Note]) -> str:
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
    proposal: Proposal, draft: Draft, key: tuple[str, ...], notes: list[Note]
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
                        Note(
                            "key",
                            f"the amounts of the rows of one {column} differ: each line is a touchpoint of its own",
                            True,
                        )
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
        skip.append(
            ("nothing_merged", draft.of("link_right"), "{0} is null or {0} = '[]'", "The row names no second person.")
        )
    if not key:
        texts = list(zip(*draft.table.to_pydict().values(), strict=True)) if rows <= 500_000 else []
        again = len(texts) - len(set(texts))
        why = "no column, nor two or three ids together, tells the rows apart: their whole content does"
        if again:
            why += f"; {again:,} rows are exact copies of another and count once (repeats: true counts them all)"
        notes.append(Note("key", why, True))
    elif len(key) > 1:
        notes.append(Note("key", f"together different in all {rows:,} rows", rows < 50))
    if not version or version in key or not key:
        return key, (), skip
    return key, (version,), skip


def _one_amount(draft: Draft, thing: str) -> bool:
    """Whether all rows of one order have one amount: that of the order, not of its lines."""
    amount = draft.of("amount")
    if not amount:
        return True
    seen: dict[str, set[str]] = {}
    for key, value in zip(draft.table[thing].to_pylist(), draft.table[amount].to_pylist(), strict=True):
        if value is not None:
            seen.setdefault(key, set()).add(value)
    return all(len(values) == 1 for values in seen.values())


def _cost_key(draft: Draft) -> tuple[str, ...]:
    """The day and the names and ids beside it that together tell the rows of spend apart."""
    day = draft.of("cost_date")
    texts = draft.table.to_pydict()
    rows = draft.table.num_rows
    chosen = [day]
    for name, profile in draft.profiles.items():
        distinct = len(set(zip(*(texts[item] for item in chosen), strict=True)))
        is_label = profile.shape in ("word", "text", "code") or (profile.type == "integer" and "id" in words_of(name))
        if name == day or not is_label or profile.fill_share < 1 or draft.roles.get(name) == "currency":
            continue
        more = len(set(zip(*(texts[item] for item in [*chosen, name]), strict=True)))
        if (distinct < rows and more > distinct) or draft.roles.get(name) == "campaign_id":
            chosen.append(name)
    return tuple(chosen)


def _recognise(proposal: Proposal, draft: Draft, dialect: Dialect, file_name: str, notes: list[Note]) -> dict[str, Any]:
    """What tells a file of this export: the columns that are used, or the shape of a line without a header."""
    kind = proposal.read["format"]
    if proposal.read.get("header_rows") == 0:
        # The number of its columns counts too, but any file with as many would fit without a name.
        notes.append(
            Note("recognise", "without a header a file is told by its name and the number of its columns", True)
        )
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
