"""The text of `touchpoint360 explain`: what `pipelines/explain.py` found, for a person, at most 100 columns wide.

Does not belong here: finding any of it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]
WIDTH = 100
# More rows of one kind are counted, not shown.
SHOWN = 40
# An identifier that is longer has a line of its own.
LABEL = 40


def explanation_text(answer: Row) -> str:
    """The answer for a person."""
    lines: list[str] = []
    for step in answer.get("became", []):
        lines += wrapped(f"customer {step['customer_id']} is {step['became']} now: {step['reason']}", 0)
    for shared in answer.get("shared", []):
        lines += shared_lines(shared)
    for customer in answer["customers"]:
        lines += customer_lines(customer)
    if "same_customer" in answer:
        lines.append("")
        lines += same_lines(answer) if answer["same_customer"] else apart_lines(answer)
    return "\n".join(lines)


def wrapped(text: str, indent: int = 4) -> list[str]:
    """A text that begins at `indent`, on as many lines as it needs; later lines stand two further in."""
    # A word longer than a line is broken, so that nothing is left out.
    return textwrap.wrap(
        text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2), break_on_hyphens=False
    ) or [""]


def same_lines(answer: Row) -> list[str]:
    """Why two ids are one customer."""
    lines = ["Both are one customer." + (" They are the same identifier." if answer["same_identifier"] else "")]
    for step in answer["path"]:
        lines += wrapped(f"{step['from']} -> {step['to']}: {link_text(step)}", 2)
    if not answer["path"] and not answer["same_identifier"] and answer.get("shared"):
        lines.append("  No link leads from one to the other: a shared identifier stands in the customer's records,")
        lines.append("  and joins nobody.")
    return lines


def apart_lines(answer: Row) -> list[str]:
    """What parts two customers."""
    lines = ["They are two customers."]
    for event in answer["between"]:
        lines += wrapped(event_text(event), 2)
    if not answer["between"]:
        lines.append("  No record names identifiers of both, and nothing was held back between them.")
    weighed = answer.get("weighed")
    if weighed is not None:
        lines += wrapped(weighed_text(weighed), 2)
    return lines


def weighed_text(weighed: Row) -> str:
    """How alike two customers are between whom nothing is written down."""
    weight, limit = weighed["match_weight"], weighed["review_weight"]
    verdict = f"vetoed: {weighed['veto_reason']}; " if weighed["veto_reason"] else ""
    below = f" (below {limit:g}, so not listed for review)" if weight < limit else " (no blocking rule compares them)"
    return f"likeness now: weight {weight:.1f} bit{below}: {verdict}{weighed['reason'] or 'nothing to compare'}"


def shared_lines(shared: Row) -> list[str]:
    """An identifier that joins nobody, and whose records show it."""
    count = shared["customer_count"]
    whose = f"in the records of {count:,} customers" if count > 1 else "in the records of one customer"
    lines = wrapped(
        f"{shared['identifier_type']}:{shared['identifier_value']} joins nobody: {shared['reason']}. It stands {whose}"
        + (":" if count > 1 else "."),
        0,
    )
    if count > 1:
        for row in shared["customers"][:SHOWN]:
            lines.append(f"    {row['customer_id']}  {row['full_name'] or ''}".rstrip()[:WIDTH])
        if count > SHOWN:
            lines.append(f"    … {count - SHOWN:,} more (up to a thousand with --json)")
    return lines


def customer_lines(customer: Row) -> list[str]:
    """One customer as lines of text."""
    name = f"  {customer['name']}" if customer["name"] else ""
    lines = [f"customer {customer['customer_id']}{name}"[:WIDTH]]
    for row in customer["identifiers"][:SHOWN]:
        lines += identifier_lines(row)
    lines += more(customer["identifiers"])
    if any(not row["is_link"] for row in customer["identifiers"]):
        lines.append("  (! joins nobody: shared, blocked, or somebody else's)")
    for title, rows, text in (
        ("links", customer["links"], pair_text),
        ("held back", customer["held_back"], event_text),
        ("golden record", customer["fields"], field_text),
        ("household", customer["household"], lambda row: f"{row['customer_id']}  {row['full_name'] or ''}".rstrip()),
        ("history of the id", customer["history"], history_text),
    ):
        if rows:
            lines.append(f"{title}:")
            lines += [line for row in rows[:SHOWN] for line in wrapped(text(row))] + more(rows)
    return lines


def identifier_lines(row: Row) -> list[str]:
    """An identifier with the time it was seen in, how often, and by whom; in columns."""
    mark = " " if row["is_link"] else "!"
    label = f"{row['identifier_type']}:{row['identifier_value']}"
    seen = f"{day(row['first_seen_at'])} to {day(row['last_seen_at'])}"
    lines = []
    if len(label) > LABEL:
        first, *rest = textwrap.wrap(label, WIDTH - 6, break_on_hyphens=False)
        lines = [f"  {mark} {first}", *(f"      {part}" for part in rest)]
        mark, label = " ", ""
    head = f"  {mark} {label:<{LABEL}} {seen} {row['record_count']:>5} x "
    systems = textwrap.wrap(row["source_systems"], WIDTH - len(head)) or [""]
    return [*lines, f"{head}{systems[0]}".rstrip(), *(" " * len(head) + more_systems for more_systems in systems[1:])]


def more(rows: Sequence[Row]) -> list[str]:
    """A line that says how many rows are not shown."""
    return [f"    … {len(rows) - SHOWN:,} more (all with --json)"] if len(rows) > SHOWN else []


def day(moment: Any) -> str:
    """A date, or as many blanks."""
    return f"{moment:%Y-%m-%d}" if moment is not None else "unknown   "


def link_text(link: Row) -> str:
    """What a link rests on."""
    if link["link_rule"] == "likeness":
        return f"likeness, weight {link['match_weight']:.1f} bit" + (f": {link['reason']}" if link["reason"] else "")
    if link["link_rule"] == "digest":
        return "digest: one is the MD5 of the other"
    if link["link_rule"] == "decision":
        return "decision of a person"
    what = "link recorded by" if link["link_rule"] == "system_link" else "record of"
    seen = f"{day(link['first_seen_at'])} to {day(link['last_seen_at'])}"
    return f"{link['record_count']} x {what} {link['source_systems']}, {seen}"


def pair_text(link: Row) -> str:
    """A link with both its ends."""
    ends = (f"{link[f'{side}_type']}:{link[f'{side}_value']}" for side in ("left", "right"))
    return f"{' - '.join(ends)}: {link_text(link)}"


def event_text(event: Row) -> str:
    """A guard, refused pair, veto, review or decision in one line."""
    ends = [f"{event[f'{side}_type']}:{event[f'{side}_value']}" for side in ("left", "right") if event[f"{side}_type"]]
    weight = f", weight {event['match_weight']:.1f} bit" if event["match_weight"] is not None else ""
    return f"{event['identity_event']}: {' - '.join(ends)}{weight}: {event['reason']}"


def field_text(row: Row) -> str:
    """A field of the golden record with its source."""
    others = f", {row['other_value_count']} other" if row["other_value_count"] else ""
    invalid = "" if row["is_valid"] else " (not valid)"
    source = f"{row['source_system']}, {day(row['valid_from']).strip()}"
    return f"{row['field']:<14} {row['value']}{invalid}  <- {source}: {row['reason']}{others}"


def history_text(row: Row) -> str:
    """One row of the history of an id."""
    until = f" to {day(row['valid_to'])} ({row['ended_release_id']})" if row["valid_to"] else ""
    into = f" -> {row['merged_into']}" if row["merged_into"] else ""
    origin = f" <- {row['split_from']}" if row["split_from"] else ""
    return f"{row['customer_id']}{into}{origin}: from {day(row['valid_from'])} ({row['release_id']}){until}: {row['reason']}"
