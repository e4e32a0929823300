-- contact_outcome: what became of every contact a customer made: resolved, asked again, asked again elsewhere.
-- kind: aggregate
-- grain: touchpoint_id
-- A contact is a touchpoint the customer started towards the company (inbound) in a journey family in which something is asked:
-- service, visit, administrative, product use, or a form. Resolved: a solution (ticket resolved, refund, the meeting held, the
-- invoice paid, the start finished) within seven days. Repeated: the customer made another contact of the family within seven days, of
-- which the touchpoint that opens a ticket within an hour of a call or mail is the same contact. Broken hand-over: repeated in
-- another channel, and nothing resolved in between: the customer had to ask again elsewhere.
-- Contacts younger than seven days at the data date are left out: nobody knows yet.
with

setting_import as (
    select
        data_date_at,
        cast(7 as bigint) * 86400000000 as week_microseconds,
        cast(3600000000 as bigint) as hour_microseconds
    from setting
),

typed as (
    select
        spine.customer_id,
        spine.occurred_at,
        spine.sort_rank,
        spine.touchpoint_id,
        spine.channel_code,
        spine.is_online,
        spine.is_failure,
        spine.waiting_seconds,
        touchpoint_type.touchpoint_type,
        touchpoint_type.journey_family,
        touchpoint_type.direction = 'inbound'
        and touchpoint_type.touchpoint_type in (
            'call_inbound', 'chat', 'chatbot', 'email_received', 'social_message', 'ticket_opened', 'ticket_reopened', 'complaint',
            'form_submitted', 'return_requested', 'store_visit', 'appointment_booked', 'reception'
        ) as is_contact,
        touchpoint_type.touchpoint_type in (
            'ticket_resolved', 'refund_paid', 'appointment_held', 'invoice_paid', 'onboarding_completed', 'service_visit'
        ) as is_solution
    from spine
    inner join touchpoint_type on touchpoint_type.touchpoint_type_code = spine.touchpoint_type_code
),

relevant as (
    select
        customer_id,
        occurred_at,
        sort_rank,
        touchpoint_id,
        channel_code,
        is_online,
        is_failure,
        waiting_seconds,
        touchpoint_type,
        journey_family,
        is_contact,
        is_solution
    from typed
    where is_contact
        or is_solution
),

-- A call that makes a ticket is one contact: what follows within the hour belongs to it.
opened as (
    select
        customer_id,
        occurred_at,
        sort_rank,
        touchpoint_id,
        channel_code,
        is_online,
        is_failure,
        waiting_seconds,
        touchpoint_type,
        journey_family,
        lag(occurred_at) over (
            partition by customer_id, journey_family
            order by occurred_at, sort_rank, touchpoint_id
        ) as previous_at
    from relevant
    where is_contact
),

contact as (
    select
        opened.customer_id,
        opened.occurred_at,
        opened.sort_rank,
        opened.touchpoint_id,
        opened.channel_code,
        opened.is_online,
        opened.is_failure,
        opened.waiting_seconds,
        opened.touchpoint_type,
        opened.journey_family,
        lead(opened.occurred_at) over ordered as next_at,
        lead(opened.channel_code) over ordered as next_channel_code
    from opened
    cross join setting_import
    where opened.previous_at is null
        or date_diff('microsecond', opened.previous_at, opened.occurred_at) > setting_import.hour_microseconds
    window ordered as (
        partition by opened.customer_id, opened.journey_family
        order by opened.occurred_at, opened.sort_rank, opened.touchpoint_id
    )
),

solved as (
    select
        contact.touchpoint_id,
        min(relevant.occurred_at) as solved_at
    from contact
    cross join setting_import
    inner join relevant
        on relevant.customer_id = contact.customer_id
        and relevant.is_solution
        and relevant.occurred_at >= contact.occurred_at
        and date_diff('microsecond', contact.occurred_at, relevant.occurred_at) <= setting_import.week_microseconds
    group by contact.touchpoint_id
)

select
    cast(contact.touchpoint_id as bigint) as touchpoint_id,
    cast(contact.customer_id as bigint) as customer_id,
    cast(contact.occurred_at as timestamp) as occurred_at,
    cast(contact.touchpoint_type as varchar) as touchpoint_type,
    cast(contact.journey_family as varchar) as journey_family,
    cast(channel.channel as varchar) as channel,
    cast(contact.is_online as boolean) as is_online,
    cast(contact.is_failure as boolean) as is_failure,
    cast(contact.waiting_seconds as integer) as waiting_seconds,
    cast(solved.solved_at is not null as boolean) as is_resolved,
    cast(
        contact.next_at is not null
        and date_diff('microsecond', contact.occurred_at, contact.next_at) <= setting_import.week_microseconds as boolean
    ) as is_repeated,
    cast(
        contact.next_at is not null
        and date_diff('microsecond', contact.occurred_at, contact.next_at) <= setting_import.week_microseconds
        and contact.next_channel_code <> contact.channel_code
        and (solved.solved_at is null or solved.solved_at > contact.next_at) as boolean
    ) as is_broken_hand_over
from contact
cross join setting_import
inner join channel on channel.channel_code = contact.channel_code
left join solved on solved.touchpoint_id = contact.touchpoint_id
where date_diff('microsecond', contact.occurred_at, setting_import.data_date_at) >= setting_import.week_microseconds
