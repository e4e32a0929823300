"""Who is who: the identifiers of the demo company's people, and which of them the exports connect.

What was planted besides (causes, effects, defects) belongs to `truth_tables`.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipelines.demo.behaviour import Behaviour
from pipelines.demo.people import People


def identifiers(people: People, behaviour: Behaviour, contacts: pl.DataFrame) -> pl.DataFrame:
    """Every identifier that an export row gives a person, in normal form.

    Columns: `person_id`, `identifier_type`, `identifier_value`, `is_shared`, `identity_group`, `export` (the first that
    has it). Identifiers of one person with the same `identity_group` (from 1) are connected by export rows that name
    several of them; different groups of one person are known to nobody as one person.
    """
    f = people.frame
    order = behaviour.order["person"].unique().sort()
    in_contact = contacts["person"].unique().sort()
    ticket = behaviour.ticket["person"].unique().sort()
    member = behaviour.member["person"].unique().sort()
    lead = behaviour.lead["person"].unique().sort()
    form, survey = behaviour.form["person"].unique().sort(), behaviour.survey["person"].unique().sort()
    caller = behaviour.call.filter(~pl.col("landline"))["person"].unique().sort()
    home = behaviour.call.filter("landline")["person"].unique().sort()
    till = behaviour.till.filter("is_named")["person"].unique().sort()
    login = behaviour.hit.filter("is_logged_in")["person"].unique().sort()
    writer = behaviour.form.filter("has_phone")["person"].unique().sort()
    commenter = behaviour.comment["person"].unique().sort()
    master = pl.concat([order, till]).unique().sort()
    with_order = behaviour.survey.filter(pl.col("order") >= 0)["person"].unique().sort()
    converted = lead.filter(lead.is_in(order.implode()) & lead.is_in(in_contact.implode()))
    parts = []

    def add(kind: str, column: str, persons: pl.Series, export: str) -> None:
        rows = f[persons.cast(pl.UInt32)]
        parts.append(
            rows.filter(pl.col(column).is_not_null()).select(
                person_id=pl.col("person") + 1,
                identifier_type=pl.lit(kind),
                identifier_value=pl.col(column),
                export=pl.lit(export),
            )
        )

    for export, persons in (
        ("salesforce.contact", in_contact),
        ("salesforce.lead", lead),
        ("flamingo.inbound", form),
        ("wordpress.comment", commenter),
        ("qualtrics.response", survey),
    ):
        add("email", "email", persons, export)
    add("email", "contact_email", ticket, "zendesk.user")
    add("email", "mail_email", member, "mailchimp.member")
    for export, persons in (
        ("salesforce.contact", in_contact),
        ("sap.kna1", master),
        ("salesforce.lead", lead),
        ("zendesk.user", ticket),
        ("flamingo.inbound", writer),
        ("twilio.call", caller),
    ):
        add("phone", "mobile", persons, export)
    for export, persons in (("salesforce.contact", in_contact), ("sap.kna1", master), ("twilio.call", home)):
        add("phone", "landline", persons, export)
    add("customer_number", "customer_number", master, "sap.kna1")
    add("customer_number", "customer_number", till, "square.transaction")
    add("customer_number", "customer_number", ticket.filter(ticket.is_in(order.implode())), "zendesk.user")
    add("customer_number", "customer_number", with_order, "qualtrics.response")
    add("salesforce.contact", "salesforce_contact", converted, "salesforce.lead")
    add("login", "login", login, "access_log.request")
    add("login", "login", in_contact, "salesforce.contact")
    add("email_md5", "email_md5", member, "mailchimp.member")
    add("mailchimp.unique_email_id", "unique_email_id", member, "mailchimp.member")
    add("zendesk.user", "zendesk_user", ticket, "zendesk.user")
    add("salesforce.lead", "salesforce_lead", lead, "salesforce.lead")
    add("square.customer", "square_customer", till, "square.transaction")
    parts.append(
        contacts.select(
            person_id=pl.col("person") + 1,
            identifier_type=pl.lit("salesforce.contact"),
            identifier_value="salesforce_contact",
            export=pl.lit("salesforce.contact"),
        )
    )
    rows = pl.concat(parts)
    name = ["person_id", "identifier_type", "identifier_value"]
    shared = pl.col("person_id").n_unique().over("identifier_type", "identifier_value") > 1
    table = rows.unique(name, keep="first", maintain_order=True).with_columns(is_shared=shared).with_row_index("node")
    return (
        table.with_columns(
            identity_group=_groups(rows.join(table, on=name, how="left", maintain_order="left"), len(table))
        )
        .with_columns(pl.col("identity_group").rank("dense").over("person_id"))
        .select("person_id", "identifier_type", "identifier_value", "is_shared", "identity_group", "export")
        .sort("person_id", "identifier_type", "identifier_value")
    )


def _groups(rows: pl.DataFrame, size: int) -> pl.Series:
    """Component of each identifier (`node`) when every record joins its own identifiers that nobody else has."""
    # Calls come from one number each: two calls of one person do not join the two numbers.
    links = rows.filter(~pl.col("is_shared") & (pl.col("export") != "twilio.call")).with_columns(
        record=pl.struct("person_id", "export").rank("dense").cast(pl.Int64) - 1
    )
    total = size + int(links["record"].max() or 0) + 1  # type: ignore[arg-type]
    ends = links["node"].to_numpy(), links["record"].to_numpy() + size
    graph = coo_array((np.ones(len(links), dtype=np.int8), ends), shape=(total, total))
    return pl.Series(connected_components(graph, directed=False)[1][:size])
