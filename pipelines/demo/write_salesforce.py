"""CRM: contacts, leads, calls (tasks), meetings (events) and cases as Salesforce objects in a warehouse.

Times are UTC without zone. Contacts and leads come as overlapping dumps of changed rows, so a later night replaces
rows of an earlier one; a few contacts exist twice under different ids and spellings.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo import company as co
from pipelines.demo.behaviour import Behaviour
from pipelines.demo.company import DAY, END
from pipelines.demo.kinds import LANDING
from pipelines.demo.people import People
from pipelines.demo.sink import Broken, Sink, choose, in_window, layout, repeated_count, utc
from pipelines.demo.truth import Truth

_SYNCED = "2026-04-01 01:05:00"
_MIDNIGHT = "%Y-%m-%d 00:00:00"
_ORIGINS = ("Phone", "Email", "Web")
_MEETINGS = (("Meeting", "Test ride"), ("Demo", "Demonstration in the store"), ("Service visit", "On-site service"))


def gclid(session: pl.Expr) -> pl.Expr:
    """Click id of an advertisement, one per visit."""
    return pl.concat_str(pl.lit("EAIaIQobDEMO"), session.cast(pl.String).str.zfill(9), pl.lit("BwE"))


def agent(index: pl.Expr) -> pl.Expr:
    """Salesforce id of a member of the staff."""
    return pl.concat_str(pl.lit("0053700000000"), (index + 10).cast(pl.String), pl.lit("AAA"))


def twin(people: People) -> np.ndarray:
    """Contacts that were typed in twice."""
    index = np.arange(people.customer_count)
    return people.in_crm & (index % 34 == 5)


def _spaced_phone(number: pl.Expr) -> pl.Expr:
    """`+31 6 00123456` and `+45 10 12 34 56`."""
    dutch = pl.concat_str(number.str.slice(0, 3), pl.lit(" "), number.str.slice(3, 1), pl.lit(" "), number.str.slice(4))
    danish = pl.concat_str(
        number.str.slice(0, 3), *[x for i in range(4) for x in (pl.lit(" "), number.str.slice(3 + 2 * i, 2))]
    )
    return pl.when(number.str.starts_with("+45")).then(danish).otherwise(dutch)


def _contacts(people: People, behaviour: Behaviour) -> pl.DataFrame:
    """Contacts with `person`, `at` (created) and everything that never changes; twins behind the others."""
    n = people.customer_count
    episode = behaviour.episode.filter(~pl.col("is_anonymous") & (pl.col("no") == 0))
    created = np.full(n, END, dtype=np.int64)
    created[episode["person"].to_numpy()] = episode["start_at"].to_numpy() + 900
    clicks = behaviour.hit.filter((pl.col("kind") == LANDING) & (pl.col("entry_channel") == co.PAID_SEARCH))
    first = clicks.group_by("person").agg(pl.col("session").first())
    channel = np.full(n, co.DIRECT, dtype=np.int64)
    channel[episode["person"].to_numpy()] = episode["channel"].to_numpy()
    frame = people.frame.with_columns(
        at=pl.Series(created),
        channel=pl.Series(channel),
        is_out=pl.Series(people.frame["person"]).is_in(
            behaviour.member.filter(pl.col("unsubscribe_at") > 0)["person"].implode()
        ),
    ).join(first, on="person", how="left", maintain_order="left")
    contacts = frame.filter(pl.Series(people.in_crm) & (pl.col("at") < END))
    doubles = (
        frame.filter(pl.Series(twin(people)) & (pl.col("at") < END))
        .with_columns(
            salesforce_contact=pl.concat_str(
                pl.lit("003370"), (pl.col("person") + 200_000_000).cast(pl.String), pl.lit("AAA")
            ),
            given_name=pl.concat_str(pl.col("given_name").str.slice(0, 1), pl.lit(".")),
            email=pl.col("email").str.to_uppercase(),
            at=pl.col("at") + 9 * DAY,
            session=pl.lit(None, dtype=pl.Int32),
        )
        .filter(pl.col("at") < END)
    )
    return pl.concat([contacts, doubles])


def write_salesforce(people: People, behaviour: Behaviour, sink: Sink, truth: Truth) -> pl.DataFrame:
    """Write contact, lead, task, event and case of every night; returns the contacts (with twins) for the truth."""
    contacts = _contacts(people, behaviour)
    orders = behaviour.order.select("person", order_at="at")
    f = people.frame
    lead = behaviour.lead.join(
        orders.group_by("person").agg(pl.col("order_at").min()), on="person", how="left", maintain_order="left"
    )
    contact_at = dict(contacts.select("person", "at").unique("person", keep="first").iter_rows())
    lead = lead.with_columns(
        contact_at=pl.Series([contact_at.get(p) for p in lead["person"].to_list()], dtype=pl.Int64)
    )
    for night, cut in enumerate(sink.nights.cuts):
        since = sink.nights.since(night)
        window3 = sink.nights.window(night, overlap_days=3)
        bought = orders.filter(pl.col("order_at") < cut).group_by("person").agg(pl.col("order_at").max())
        rows = (
            contacts.filter(pl.col("at") < cut)
            .join(bought, on="person", how="left", maintain_order="left")
            .with_columns(changed=pl.max_horizontal("at", "order_at"))
        )
        rows = in_window(rows, "changed", window3)
        sink.csv(
            "salesforce/contact",
            night,
            (_contact_rows(part) for part in rows.iter_slices(100_000)),
            repeated=repeated_count(rows["changed"], since),
            note="changed rows, three days overlap",
        )

        leads = lead.filter(pl.col("at") < cut).with_columns(
            converted=pl.when((pl.col("order_at") < cut) & (pl.col("contact_at") < cut)).then(
                pl.max_horizontal("order_at", "at", "contact_at")
            )
        )
        leads = in_window(leads.with_columns(changed=pl.max_horizontal("at", "converted")), "changed", window3)
        sink.csv(
            "salesforce/lead",
            night,
            (_lead_rows(part, f) for part in leads.iter_slices(100_000)),
            repeated=repeated_count(leads["changed"], since),
            note="changed rows, three days overlap",
        )

        window2 = sink.nights.window(night, overlap_days=2)
        task = in_window(behaviour.task.with_row_index("n"), "at", window2)
        sink.csv(
            "salesforce/task",
            night,
            _task_rows(task, f),
            repeated=repeated_count(task["at"], since),
            broken=_broken_tasks() if night == 0 else (),
            note="new rows, two days overlap",
        )
        # An appointment is in the export once it has been held.
        meeting = in_window(
            behaviour.meeting.with_row_index("n").with_columns(end=pl.col("at") + pl.col("minutes") * 60),
            "end",
            window2,
        )
        sink.csv(
            "salesforce/event",
            night,
            _event_rows(meeting, f),
            repeated=repeated_count(meeting["end"], since),
            note="new rows, two days overlap",
        )
        case = (
            behaviour.case.with_row_index("n")
            .filter(pl.col("at") < cut)
            .with_columns(is_closed=pl.col("closed_at") < cut)
        )
        case = case.with_columns(changed=pl.when("is_closed").then("closed_at").otherwise("at"))
        case = in_window(case, "changed", sink.nights.window(night))
        sink.csv("salesforce/case", night, _case_rows(case, f), note="changed rows")

    truth.touchpoint(lead, "lead_created", "salesforce/lead")
    truth.touchpoint(behaviour.task.filter("is_inbound"), "call_inbound", "salesforce/task")
    truth.touchpoint(behaviour.task.filter(~pl.col("is_inbound")), "call_outbound", "salesforce/task")
    for kind, name in enumerate(("appointment_held", "demo_given", "service_visit")):
        truth.touchpoint(behaviour.meeting.filter(pl.col("kind") == kind), name, "salesforce/event")
    truth.touchpoint(behaviour.case, "complaint", "salesforce/case")
    truth.touchpoint(behaviour.case, "ticket_resolved", "salesforce/case", "closed_at")
    return contacts


def _contact_rows(rows: pl.DataFrame) -> pl.DataFrame:
    danish = pl.col("country") == "DK"
    # A tenth of the Danish numbers stand without country code, as they are said in Denmark.
    short = danish & (pl.col("person") % 10 == 3)
    mobile = (
        pl.when(short).then(_spaced_phone(pl.col("mobile")).str.slice(4)).otherwise(_spaced_phone(pl.col("mobile")))
    )
    created, changed = utc("at"), utc("changed")
    return rows.select(
        id="salesforce_contact",
        _fivetran_synced=pl.lit(_SYNCED),
        account_id="salesforce_account",
        cbit_clearbit_ready_c=pl.lit("FALSE"),
        created_by_id=agent(pl.col("person") % co.AGENT_COUNT),
        created_date=created,
        # Typed by people: every seventh address starts with a capital.
        email=pl.when(pl.col("person") % 7 == 2)
        .then(pl.concat_str(pl.col("email").str.slice(0, 1).str.to_uppercase(), pl.col("email").str.slice(1)))
        .otherwise("email"),
        first_name="given_name",
        is_deleted=pl.lit("FALSE"),
        is_email_bounced=pl.lit("FALSE"),
        last_activity_date=utc("changed", _MIDNIGHT),
        last_modified_by_id=agent(pl.col("person") % co.AGENT_COUNT),
        last_modified_date=changed,
        last_name="family_name",
        mailing_city="city",
        mailing_country=pl.when(danish).then(pl.lit("Denmark")).otherwise(pl.lit("Netherlands")),
        mailing_country_code="country",
        mailing_postal_code="postal_code",
        mailing_street=pl.concat_str("street", pl.lit(" "), "house_number"),
        mobile_phone=mobile,
        name=pl.concat_str("given_name", pl.lit(" "), "family_name"),
        owner_id=agent(pl.col("person") % co.AGENT_COUNT),
        phone="landline",
        home_phone="landline",
        system_modstamp=changed,
        has_opted_out_of_email=pl.when("is_out").then(pl.lit("TRUE")).otherwise(pl.lit("FALSE")),
        gclid_c=gclid(pl.col("session")),
        lead_source=choose(co.CHANNELS, "channel"),
        contact_status_c=pl.when(pl.col("order_at").is_null()).then(pl.lit("Prospect")).otherwise(pl.lit("Customer")),
        is_eu_resident_c=pl.lit("TRUE"),
        do_not_call=pl.lit("FALSE"),
        username_c="login",
        _fivetran_active=pl.lit("TRUE"),
    )


def _lead_rows(rows: pl.DataFrame, f: pl.DataFrame) -> pl.DataFrame:
    p = f[rows["person"].cast(pl.UInt32)].with_columns(rows.select("at", "converted", "changed"))
    is_converted = pl.col("converted").is_not_null()
    return p.select(
        country="country",
        owner_id=agent(pl.col("person") % co.AGENT_COUNT),
        lead_source=pl.lit("Website"),
        converted_date=utc("converted"),
        last_modified_date=utc("changed"),
        system_modstamp=utc("changed"),
        converted_contact_id=pl.when(is_converted).then("salesforce_contact"),
        id="salesforce_lead",
        phone=pl.when(pl.col("person") % 3 == 0).then(_spaced_phone(pl.col("mobile"))).otherwise(None),
        name="full_name",
        is_converted=pl.when(is_converted).then(pl.lit("TRUE")).otherwise(pl.lit("FALSE")),
        status=pl.when(is_converted).then(pl.lit("Converted")).otherwise(pl.lit("Working")),
        city="city",
        _fivetran_synced=pl.lit(_SYNCED),
        is_deleted=pl.lit("FALSE"),
        street=pl.concat_str("street", pl.lit(" "), "house_number"),
        company=pl.when(pl.col("mailbox") >= 0)
        .then(pl.format("Fietsbedrijf {}", pl.col("mailbox").cast(pl.String)))
        .otherwise(pl.lit("[not provided]")),
        first_name="given_name",
        email="email",
        last_name="family_name",
        created_date=utc("at"),
        postal_code="postal_code",
        has_opted_out_of_email=pl.lit("FALSE"),
        converted_account_id=pl.when(is_converted).then("salesforce_account"),
        mobile_phone=_spaced_phone(pl.col("mobile")),
        _fivetran_active=pl.lit("TRUE"),
    )


def _task_rows(rows: pl.DataFrame, f: pl.DataFrame) -> pl.DataFrame:
    who = f["salesforce_contact"].gather(rows["person"].cast(pl.UInt32))
    account = f["salesforce_account"].gather(rows["person"].cast(pl.UInt32))
    return rows.with_columns(who=who, account=account).select(
        who_id="who",
        owner_id=agent(pl.col("agent")),
        subject=pl.when("is_inbound").then(pl.lit("Call: question before buying")).otherwise(pl.lit("Call: follow-up")),
        last_modified_date=utc("at"),
        is_recurrence=pl.lit("FALSE"),
        what_count=pl.lit("0"),
        _fivetran_synced=pl.lit(_SYNCED),
        is_deleted=pl.lit("FALSE"),
        last_modified_by_id=agent(pl.col("agent")),
        system_modstamp=utc("at"),
        id=pl.concat_str(pl.lit("00T370"), (pl.col("n") + 100_000_000).cast(pl.String), pl.lit("CAA")),
        call_type=pl.when("is_inbound").then(pl.lit("Inbound")).otherwise(pl.lit("Outbound")),
        is_high_priority=pl.lit("FALSE"),
        is_closed=pl.lit("TRUE"),
        is_reminder_set=pl.lit("FALSE"),
        activity_date=utc("at", _MIDNIGHT),
        priority=pl.lit("Normal"),
        who_count=pl.lit("1"),
        account_id="account",
        call_duration_in_seconds=pl.when("is_reached").then(pl.col("talk").cast(pl.String)).otherwise(pl.lit("0")),
        call_disposition=pl.when("is_reached").then(pl.lit("Reached")).otherwise(pl.lit("No answer")),
        created_by_id=agent(pl.col("agent")),
        created_date=utc("at"),
        task_subtype=pl.lit("Call"),
        status=pl.lit("Completed"),
        type=pl.lit("Call"),
        completed_date_time=utc("at"),
        is_archived=pl.lit("FALSE"),
        _fivetran_active=pl.lit("TRUE"),
    )


def _event_rows(rows: pl.DataFrame, f: pl.DataFrame) -> pl.DataFrame:
    who = f["salesforce_contact"].gather(rows["person"].cast(pl.UInt32))
    account = f["salesforce_account"].gather(rows["person"].cast(pl.UInt32))
    booked = utc(pl.col("at") - 3 * DAY)
    return rows.with_columns(who=who, account=account).select(
        id=pl.concat_str(pl.lit("00U370"), (pl.col("n") + 100_000_000).cast(pl.String), pl.lit("CAA")),
        _fivetran_synced=pl.lit(_SYNCED),
        account_id="account",
        activity_date=utc("at", _MIDNIGHT),
        activity_date_time=utc("at"),
        created_by_id=agent(pl.col("agent")),
        created_date=booked,
        duration_in_minutes=pl.col("minutes").cast(pl.String),
        end_date_time=utc("end"),
        event_subtype=pl.lit("Event"),
        is_child=pl.lit("FALSE"),
        is_deleted=pl.lit("FALSE"),
        is_group_event=pl.lit("FALSE"),
        is_private=pl.lit("FALSE"),
        is_recurrence=pl.lit("FALSE"),
        is_reminder_set=pl.lit("FALSE"),
        last_modified_by_id=agent(pl.col("agent")),
        last_modified_date=utc("end"),
        location=pl.when(pl.col("kind") == 2).then(pl.lit("At the customer")).otherwise(pl.lit("Store")),
        no_show_c=pl.lit("FALSE"),
        owner_id=agent(pl.col("agent")),
        show_as=pl.lit("Busy"),
        start_date_time=utc("at"),
        subject=choose([s for _, s in _MEETINGS], "kind"),
        system_modstamp=utc("end"),
        type=choose([t for t, _ in _MEETINGS], "kind"),
        what_count=pl.lit("0"),
        who_count=pl.lit("1"),
        who_id="who",
        is_archived=pl.lit("FALSE"),
        _fivetran_active=pl.lit("TRUE"),
    )


def _case_rows(rows: pl.DataFrame, f: pl.DataFrame) -> pl.DataFrame:
    who = f["salesforce_contact"].gather(rows["person"].cast(pl.UInt32))
    account = f["salesforce_account"].gather(rows["person"].cast(pl.UInt32))
    return rows.with_columns(who=who, account=account).select(
        id=pl.concat_str(pl.lit("500370"), (pl.col("n") + 100_000_000).cast(pl.String), pl.lit("AAA")),
        case_number=(pl.col("n") + 1001).cast(pl.String).str.zfill(8),
        contact_id="who",
        account_id="account",
        created_date=utc("at"),
        closed_date=pl.when("is_closed").then(utc("closed_at")).otherwise(None),
        status=pl.when("is_closed").then(pl.lit("Closed")).otherwise(pl.lit("New")),
        origin=choose(_ORIGINS, "origin"),
        priority=pl.lit("High"),
        type=pl.lit("Complaint"),
        reason=pl.when("is_late").then(pl.lit("Late delivery")).otherwise(pl.lit("Product")),
        subject=pl.when("is_late").then(pl.lit("Klacht: bezorging te laat")).otherwise(pl.lit("Klage over produkt")),
        is_deleted=pl.lit("FALSE"),
        is_closed=pl.when("is_closed").then(pl.lit("TRUE")).otherwise(pl.lit("FALSE")),
        last_modified_date=utc("changed"),
    )


def _broken_tasks() -> list[Broken]:
    columns = layout("salesforce/task")
    values = {
        "id": "00T370999999901CAA",
        "who_id": "003370100000001AAA",
        "created_date": "yesterday afternoon",
        "status": "Completed",
        "task_subtype": "Call",
        "call_type": "Outbound",
        "is_closed": "TRUE",
    }
    wrong_date = ",".join(values.get(c, "") for c in columns).encode()
    return [
        Broken(wrong_date, "invalid_date", "created_date", "yesterday afternoon"),
        Broken(b",003370100000002AAA,,,0053700000000", "truncated_line", "", ""),
    ]
