"""Contact suggestions as tasks that a CRM imports: one CSV layout per system.

Belongs here: which column of which system holds what. Does not belong here: who is suggested and why
(`sql/customer/contact_suggestion.sql`), where a file goes. Names, values and lengths are those of the systems' references
(docs/measures.md names them): Salesforce's Task by API names, for Data Loader; HubSpot's import of tasks with their contact;
Dynamics 365's import wizard, which maps columns by display name.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.query import query_release

# What a task needs of a suggestion; the identifiers are the systems' own, where the person has one.
QUERY = """
select
    suggestion.contact_rank, suggestion.contact_rule, suggestion.reason, suggestion.priority, suggestion.suggested_channel,
    suggestion.triggered_at, suggestion.due_until_at, suggestion.value_amount_base, setting.base_currency, setting.data_date_at,
    customer.full_name, customer.email, customer.phone, customer.customer_id,
    identifier.salesforce_contact, identifier.salesforce_lead, identifier.hubspot_contact, identifier.dynamics365_contact
from contact_suggestion as suggestion
cross join setting
join customer using (customer_id)
left join (
    select
        customer_id,
        min(identifier_value) filter (where identifier_type = 'salesforce.contact') as salesforce_contact,
        min(identifier_value) filter (where identifier_type = 'salesforce.lead') as salesforce_lead,
        min(identifier_value) filter (where identifier_type = 'hubspot.contact') as hubspot_contact,
        min(identifier_value) filter (where identifier_type = 'dynamics365.contact') as dynamics365_contact
    from customer_identifier
    where identifier_type in ('salesforce.contact', 'salesforce.lead', 'hubspot.contact', 'dynamics365.contact')
    group by customer_id
) as identifier using (customer_id)
order by suggestion.contact_rank
"""
Row = dict[str, Any]
VERBS = {"phone": "Call", "email": "Write to", "post": "Send a letter to"}


def subject(row: Row) -> str:
    """What the task is, on one line."""
    return f"{VERBS[row['suggested_channel']]} {row['full_name'] or 'customer'}: {row['reason']}"


def body(row: Row) -> str:
    """Why, and by when."""
    lines = [
        f"{row['reason']} (since {row['triggered_at']:%Y-%m-%d %H:%M} UTC).",
        f"Permitted channel: {row['suggested_channel']}.",
    ]
    reach = {"phone": row["phone"], "email": row["email"]}.get(row["suggested_channel"])
    if reach:
        lines.append(f"Reach: {reach}.")
    if row["value_amount_base"]:
        lines.append(f"Orders of the last year: {row['value_amount_base']:,.2f} {row['base_currency']}.")
    return " ".join([*lines, f"Customer {row['customer_id']}."])


def salesforce(row: Row) -> dict[str, str]:
    """A Task for Data Loader; WhoId is the contact, else the lead, else empty."""
    return {
        "Subject": subject(row)[:255],
        "ActivityDate": f"{row['due_until_at']:%Y-%m-%d}",
        "Status": "Not Started",
        "Priority": "High" if row["contact_rank"] <= 10 else "Normal",
        "TaskSubtype": {"phone": "Call", "email": "Email"}.get(row["suggested_channel"], "Task"),
        "WhoId": row["salesforce_contact"] or row["salesforce_lead"] or "",
        "Description": body(row)[:32_000],
    }


def hubspot(row: Row) -> dict[str, str]:
    """A task with its contact, found by e-mail address or record id; choices by internal values, alike in every language."""
    return {
        "Task Title": subject(row),
        "Task Type": {"phone": "CALL", "email": "EMAIL"}.get(row["suggested_channel"], "TODO"),
        "Due Date": f"{row['due_until_at']:%Y-%m-%d}",
        "Priority": "HIGH" if row["contact_rank"] <= 10 else "MEDIUM",
        "Task Status": "NOT_STARTED",
        "Task Notes": body(row),
        "Email": row["email"] or "",
        "Contact Record ID": row["hubspot_contact"] or "",
    }


def dynamics(row: Row) -> dict[str, str]:
    """A task for the import wizard; Regarding is the contact's id, or the name to look it up by.

    The wizard reads dates by the settings of who imports; year first cannot be misread. Longer texts fail the row.
    """
    return {
        "Subject": subject(row)[:200],
        "Description": body(row)[:2000],
        "Regarding": row["dynamics365_contact"] or row["full_name"] or "",
        "Due Date": f"{row['due_until_at']:%Y-%m-%d %H:%M}",
        "Priority": "High" if row["contact_rank"] <= 10 else "Normal",
        "Activity Status": "Open",
        "Category": row["contact_rule"][:250],
    }


LAYOUTS: dict[str, Callable[[Row], dict[str, str]]] = {
    "salesforce": salesforce,
    "hubspot": hubspot,
    "dynamics": dynamics,
}
# Gives the header, also of a file without tasks.
EXAMPLE: Row = dict.fromkeys(
    ("contact_rule", "reason", "base_currency", "full_name", "email", "phone", "salesforce_contact", "salesforce_lead"),
    "",
) | {
    "contact_rank": 1,
    "priority": 1,
    "suggested_channel": "phone",
    "triggered_at": datetime(2000, 1, 1),
    "due_until_at": datetime(2000, 1, 1),
    "value_amount_base": 0.0,
    "customer_id": 0,
    "hubspot_contact": "",
    "dynamics365_contact": "",
}


def suggestions(warehouse: Path, limit: int) -> list[Row]:
    """The suggestions of the current release with what a task needs, the most worthwhile first."""
    names, rows, _ = query_release(warehouse, QUERY, limit)
    return [dict(zip(names, row, strict=True)) for row in rows]


def task_csv(rows: Sequence[Row], system: str) -> str:
    """A CSV file (UTF-8, commas, CRLF) of tasks for `system`, one of LAYOUTS."""
    layout = LAYOUTS[system]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(layout(EXAMPLE)), lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _harmless(value) for name, value in layout(row).items()})
    return text.getvalue()


def _harmless(value: str) -> str:
    """A value that a spreadsheet would run as a formula begins with an apostrophe; a telephone number alone stays."""
    starts = value[:1] in ("=", "@", "-", "+", "\t", "\r")
    return "'" + value if starts and not value[1:].replace(" ", "").isdigit() else value
