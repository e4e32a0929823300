-- customer_360: everything about a customer in one row, as of the data date, the golden record included.
-- kind: aggregate
-- grain: customer_id
-- Not per customer: every row moves with the data date, whether its customer did anything or not.
-- Windows are that many times 24 hours back from the data date, inclusive. lifecycle_stage: prospect (never ordered), new
-- (first order in the last 90 days), active (an order in the last 365 days), lapsed.
-- preferred_channel and _hour: where and when (UTC) the customer, not the company, acted most in the last 365 days.
-- Recency, frequency and monetary scores are fifths of the customers who ever ordered (5 the best; equal customers get equal
-- scores); the ten segments are the usual ones over recency and frequency. Expected purchases come from purchase_prediction;
-- who has a contract gets the chance that it ends instead (contract_prediction).
-- Sums of money and scores run over decimals: a sum of doubles depends on the order in which threads add them.
with

setting_import as (
    select
        data_date_at,
        cast(86400000000 as bigint) as day_microseconds
    from setting
),

touchpoint_type_import as (
    select
        touchpoint_type_code,
        touchpoint_type,
        direction,
        journey_phase
    from touchpoint_type
),

aged as (
    select
        spine.customer_id,
        spine.occurred_at,
        spine.touchpoint_id,
        spine.session_id,
        spine.channel_code,
        spine.is_online,
        spine.is_failure,
        spine.amount_base,
        spine.score_scaled,
        touchpoint_type_import.touchpoint_type,
        touchpoint_type_import.direction,
        touchpoint_type_import.journey_phase,
        -- A bare date (sort_rank begins with the precision) has no hour.
        spine.sort_rank >= cast(10000 as bigint) * 2147483648 as has_hour,
        touchpoint_type_import.touchpoint_type in ('order_placed', 'pos_purchase') as is_order,
        date_diff('microsecond', spine.occurred_at, setting_import.data_date_at)
        <= 7 * setting_import.day_microseconds as in_7_days,
        date_diff('microsecond', spine.occurred_at, setting_import.data_date_at)
        <= 30 * setting_import.day_microseconds as in_30_days,
        date_diff('microsecond', spine.occurred_at, setting_import.data_date_at)
        <= 90 * setting_import.day_microseconds as in_90_days,
        date_diff('microsecond', spine.occurred_at, setting_import.data_date_at)
        <= 365 * setting_import.day_microseconds as in_365_days
    from spine
    cross join setting_import
    inner join touchpoint_type_import
        on touchpoint_type_import.touchpoint_type_code = spine.touchpoint_type_code
),

activity as (
    select
        customer_id,
        count(*) filter (where in_7_days) as touchpoint_count_7_days,
        count(*) filter (where in_30_days) as touchpoint_count_30_days,
        count(*) filter (where in_90_days) as touchpoint_count_90_days,
        count(*) filter (where in_365_days) as touchpoint_count_365_days,
        count(*) as touchpoint_count,
        count(*) filter (where session_id = touchpoint_id and in_7_days) as session_count_7_days,
        count(*) filter (where session_id = touchpoint_id and in_30_days) as session_count_30_days,
        count(*) filter (where session_id = touchpoint_id and in_90_days) as session_count_90_days,
        count(*) filter (where session_id = touchpoint_id and in_365_days) as session_count_365_days,
        count(*) filter (where session_id = touchpoint_id) as session_count,
        count(*) filter (where is_order and in_7_days) as order_count_7_days,
        count(*) filter (where is_order and in_30_days) as order_count_30_days,
        count(*) filter (where is_order and in_90_days) as order_count_90_days,
        count(*) filter (where is_order and in_365_days) as order_count_365_days,
        count(*) filter (where is_order) as order_count,
        cast(
            sum(cast(case when is_order and in_30_days then amount_base end as decimal(38, 4)))
            as double
        ) as order_amount_base_30_days,
        cast(
            sum(cast(case when is_order and in_90_days then amount_base end as decimal(38, 4)))
            as double
        ) as order_amount_base_90_days,
        cast(
            sum(cast(case when is_order and in_365_days then amount_base end as decimal(38, 4)))
            as double
        ) as order_amount_base_365_days,
        cast(sum(cast(case when is_order then amount_base end as decimal(38, 4))) as double) as order_amount_base,
        count(*) filter (where touchpoint_type = 'return_requested' and in_90_days) as return_count_90_days,
        count(*) filter (where touchpoint_type = 'return_requested' and in_365_days) as return_count_365_days,
        count(*) filter (where touchpoint_type = 'return_requested') as return_count,
        count(*) filter (where touchpoint_type = 'complaint' and in_30_days) as complaint_count_30_days,
        count(*) filter (where touchpoint_type = 'complaint' and in_90_days) as complaint_count_90_days,
        count(*) filter (where touchpoint_type = 'complaint' and in_365_days) as complaint_count_365_days,
        count(*) filter (where touchpoint_type = 'complaint') as complaint_count,
        count(*) filter (where touchpoint_type in ('ticket_opened', 'ticket_reopened') and in_30_days) as ticket_count_30_days,
        count(*) filter (where touchpoint_type in ('ticket_opened', 'ticket_reopened') and in_90_days) as ticket_count_90_days,
        count(*) filter (where touchpoint_type in ('ticket_opened', 'ticket_reopened') and in_365_days) as ticket_count_365_days,
        count(*) filter (where touchpoint_type in ('ticket_opened', 'ticket_reopened')) as ticket_count,
        count(*) filter (where is_failure and in_7_days) as failure_count_7_days,
        count(*) filter (where is_failure and in_30_days) as failure_count_30_days,
        count(*) filter (where is_failure and in_90_days) as failure_count_90_days,
        count(*) filter (where is_failure and in_365_days) as failure_count_365_days,
        count(*) filter (where touchpoint_type = 'email_sent' and in_90_days) as email_sent_count_90_days,
        count(*) filter (where touchpoint_type = 'email_opened' and in_90_days) as email_opened_count_90_days,
        count(*) filter (where touchpoint_type = 'email_clicked' and in_90_days) as email_clicked_count_90_days,
        min(case when is_order then occurred_at end) as first_order_at,
        max(case when is_order then occurred_at end) as last_order_at,
        max(case when journey_phase = 'before' then occurred_at end) as before_at,
        max(case when journey_phase = 'during' then occurred_at end) as during_at,
        max(case when journey_phase = 'after' then occurred_at end) as after_at,
        max(case when touchpoint_type in ('ticket_opened', 'ticket_reopened') then occurred_at end) as ticket_opened_at,
        max(case when touchpoint_type = 'ticket_resolved' then occurred_at end) as ticket_closed_at,
        max(case when touchpoint_type = 'invoice_overdue' then occurred_at end) as last_invoice_overdue_at,
        max(case when touchpoint_type = 'invoice_paid' then occurred_at end) as last_invoice_paid_at,
        count(*) filter (where is_online) as online_count,
        max(case when direction in ('inbound', 'self_service') then occurred_at end) as last_inbound_at,
        max(case when direction = 'outbound' then occurred_at end) as last_outbound_at,
        cast(
            sum(cast(case when in_365_days then score_scaled end as decimal(38, 9)))
            as double
        ) as score_sum,
        count(case when in_365_days then score_scaled end) as score_count
    from aged
    group by customer_id
),

used_channel as (
    select
        customer_id,
        channel_code,
        count(*) as touchpoint_count,
        max(occurred_at) as last_at
    from aged
    where direction in ('inbound', 'self_service')
        and in_365_days
    group by
        customer_id,
        channel_code
),

preferred as (
    select
        customer_id,
        channel_code
    from used_channel
    qualify row_number() over (
        partition by customer_id
        order by touchpoint_count desc, last_at desc, channel_code
    ) = 1
),

used_hour as (
    select
        customer_id,
        extract(hour from occurred_at) as occurred_hour,
        count(*) as touchpoint_count
    from aged
    where direction in ('inbound', 'self_service')
        and in_365_days
        and has_hour
    group by
        customer_id,
        extract(hour from occurred_at)
),

preferred_hour as (
    select
        customer_id,
        occurred_hour
    from used_hour
    qualify row_number() over (
        partition by customer_id
        order by touchpoint_count desc, occurred_hour
    ) = 1
),

active_day as (
    select
        customer_id,
        cast(date_trunc('day', occurred_at) as date) as active_date,
        bool_or(in_7_days) as in_7_days,
        bool_or(in_30_days) as in_30_days,
        bool_or(in_90_days) as in_90_days,
        bool_or(in_365_days) as in_365_days
    from aged
    group by
        customer_id,
        cast(date_trunc('day', occurred_at) as date)
),

active as (
    select
        customer_id,
        count(*) filter (where in_7_days) as active_day_count_7_days,
        count(*) filter (where in_30_days) as active_day_count_30_days,
        count(*) filter (where in_90_days) as active_day_count_90_days,
        count(*) filter (where in_365_days) as active_day_count_365_days,
        count(*) as active_day_count
    from active_day
    group by customer_id
),

campaign_touch as (
    select
        touchpoint.customer_id,
        touchpoint.campaign_name,
        row_number() over (
            partition by touchpoint.customer_id
            order by touchpoint.occurred_at, touchpoint.touchpoint_id
        ) as from_first,
        row_number() over (
            partition by touchpoint.customer_id
            order by touchpoint.occurred_at desc, touchpoint.touchpoint_id
        ) as from_last
    from touchpoint
    cross join setting_import
    where touchpoint.campaign_name is not null
        and touchpoint.customer_id is not null
        and not touchpoint.is_bot
        and touchpoint.occurred_at <= setting_import.data_date_at
),

campaign as (
    select
        customer_id,
        max(case when from_first = 1 then campaign_name end) as first_campaign_name,
        max(case when from_last = 1 then campaign_name end) as last_campaign_name
    from campaign_touch
    where from_first = 1
        or from_last = 1
    group by customer_id
),

visit as (
    select
        customer_id,
        channel_group,
        traffic_source,
        device,
        row_number() over (
            partition by customer_id
            order by started_at, session_id
        ) as from_first,
        row_number() over (
            partition by customer_id
            order by started_at desc, session_id
        ) as from_last
    from session
),

visited as (
    select
        customer_id,
        max(case when from_first = 1 then channel_group end) as first_channel_group,
        max(case when from_last = 1 then channel_group end) as last_channel_group,
        max(case when from_first = 1 then traffic_source end) as first_traffic_source,
        max(case when from_last = 1 then traffic_source end) as last_traffic_source
    from visit
    where from_first = 1
        or from_last = 1
    group by customer_id
),

used_device as (
    select
        customer_id,
        device,
        count(*) as visit_count
    from visit
    where device is not null
    group by
        customer_id,
        device
),

preferred_device as (
    select
        customer_id,
        device
    from used_device
    qualify row_number() over (
        partition by customer_id
        order by visit_count desc, device
    ) = 1
),

-- Tickets by their own numbers: a customer may have several, and the one that is open need not be the last.
ticket as (
    select
        touchpoint.customer_id,
        ticket_object.object.id as ticket_id,
        max(case when touchpoint.touchpoint_type <> 'ticket_resolved' then touchpoint.occurred_at end) as opened_at,
        max(case when touchpoint.touchpoint_type = 'ticket_resolved' then touchpoint.occurred_at end) as resolved_at
    from touchpoint
    cross join setting_import
    cross join unnest(touchpoint.objects) as ticket_object (object)
    where touchpoint.touchpoint_type in ('ticket_opened', 'ticket_reopened', 'ticket_resolved')
        and touchpoint.customer_id is not null
        and touchpoint.occurred_at <= setting_import.data_date_at
        and ticket_object.object.type in ('ticket', 'case', 'conversation')
    group by
        touchpoint.customer_id,
        ticket_object.object.id
),

open_ticket as (
    select
        customer_id,
        count(*) as open_ticket_count
    from ticket
    where opened_at is not null
        and (resolved_at is null or resolved_at < opened_at)
    group by customer_id
),

ordering as (
    select
        customer_id,
        percent_rank() over (order by last_order_at) as recency_rank,
        percent_rank() over (order by order_count) as frequency_rank,
        percent_rank() over (order by coalesce(order_amount_base, 0)) as monetary_rank
    from activity
    where order_count > 0
),

-- Fifths by rank; the very best has rank 1, which would be a sixth fifth.
scored as (
    select
        customer_id,
        case
            when recency_rank >= 0.8 then 5 when recency_rank >= 0.6 then 4 when recency_rank >= 0.4 then 3
            when recency_rank >= 0.2 then 2 else 1
        end as recency_score,
        case
            when frequency_rank >= 0.8 then 5 when frequency_rank >= 0.6 then 4 when frequency_rank >= 0.4 then 3
            when frequency_rank >= 0.2 then 2 else 1
        end as frequency_score,
        case
            when monetary_rank >= 0.8 then 5 when monetary_rank >= 0.6 then 4 when monetary_rank >= 0.4 then 3
            when monetary_rank >= 0.2 then 2 else 1
        end as monetary_score
    from ordering
),

latest_score as (
    select
        customer_id,
        score_kind,
        score_scaled,
        occurred_at
    from spine
    where score_scaled is not null
        and score_kind is not null
    qualify row_number() over (
        partition by customer_id, score_kind
        order by occurred_at desc, sort_rank desc, touchpoint_id desc
    ) = 1
),

score as (
    select
        customer_id,
        max(case when score_kind = 'nps' then score_scaled end) as last_nps_scaled,
        max(case when score_kind = 'nps' then occurred_at end) as last_nps_at,
        max(case when score_kind = 'ces' then score_scaled end) as last_ces_scaled,
        max(case when score_kind = 'ces' then occurred_at end) as last_ces_at,
        max(case when score_kind = 'csat' then score_scaled end) as last_csat_scaled,
        max(case when score_kind = 'csat' then occurred_at end) as last_csat_at,
        max(case when score_kind = 'rating' then score_scaled end) as last_rating_scaled,
        max(case when score_kind = 'rating' then occurred_at end) as last_rating_at
    from latest_score
    group by customer_id
),

walked as (
    select
        customer_id,
        count(*) filter (where status = 'open') as open_journey_count,
        count(*) filter (where status = 'converted') as converted_journey_count,
        count(*) filter (where status = 'dropped') as dropped_journey_count,
        max(case when status = 'dropped' then ended_at end) as last_dropped_at
    from journey
    group by customer_id
),

open_definition as (
    select distinct
        customer_id,
        journey_definition
    from journey
    where status = 'open'
),

open_journey as (
    select
        customer_id,
        string_agg(journey_definition, ', ' order by journey_definition) as open_journey_definitions
    from open_definition
    group by customer_id
)

select
    cast(customer.customer_id as bigint) as customer_id,
    cast(customer.party_type as varchar) as party_type,
    cast(customer.full_name as varchar) as full_name,
    cast(customer.organisation_name as varchar) as organisation_name,
    cast(customer.email as varchar) as email,
    cast(customer.phone as varchar) as phone,
    cast(customer.street as varchar) as street,
    cast(customer.house_number as varchar) as house_number,
    cast(customer.postal_code as varchar) as postal_code,
    cast(customer.city as varchar) as city,
    cast(customer.birth_date as date) as birth_date,
    cast(customer.country as varchar) as country,
    cast(customer.language as varchar) as language,
    cast(customer.consent_email as boolean) as consent_email,
    cast(customer.consent_phone as boolean) as consent_phone,
    cast(customer.consent_post as boolean) as consent_post,
    cast(
        case
            when activity.first_order_at is null then 'prospect'
            when date_diff('microsecond', activity.first_order_at, setting_import.data_date_at)
                <= 90 * setting_import.day_microseconds then 'new'
            when date_diff('microsecond', activity.last_order_at, setting_import.data_date_at)
                <= 365 * setting_import.day_microseconds then 'active'
            else 'lapsed'
        end as varchar
    ) as lifecycle_stage,
    cast(
        case
            when greatest(activity.before_at, activity.during_at, activity.after_at) is null then null
            when greatest(activity.before_at, activity.during_at, activity.after_at) = activity.after_at then 'after'
            when greatest(activity.before_at, activity.during_at, activity.after_at) = activity.during_at then 'during'
            else 'before'
        end as varchar
    ) as journey_phase,
    cast(scored.recency_score as smallint) as recency_score,
    cast(scored.frequency_score as smallint) as frequency_score,
    cast(scored.monetary_score as smallint) as monetary_score,
    cast(
        case
            when scored.recency_score is null then null
            when scored.recency_score <= 2 and scored.frequency_score <= 2 then 'hibernating'
            when scored.recency_score <= 2 and scored.frequency_score <= 4 then 'at_risk'
            when scored.recency_score <= 2 then 'cannot_lose'
            when scored.recency_score = 3 and scored.frequency_score <= 2 then 'about_to_sleep'
            when scored.recency_score = 3 and scored.frequency_score = 3 then 'need_attention'
            when scored.recency_score <= 4 and scored.frequency_score >= 4 then 'loyal'
            when scored.recency_score = 4 and scored.frequency_score = 1 then 'promising'
            when scored.recency_score = 5 and scored.frequency_score = 1 then 'new_customer'
            when scored.frequency_score <= 3 then 'potential_loyalist'
            else 'champion'
        end as varchar
    ) as rfm_segment,
    cast(contract_prediction.customer_id is not null as boolean) as is_contractual,
    cast(
        case when contract_prediction.customer_id is null then purchase_prediction.expected_purchase_count end as double
    ) as expected_purchase_count,
    cast(
        case when contract_prediction.customer_id is null then purchase_prediction.purchase_probability end as double
    ) as purchase_probability,
    cast(
        case when contract_prediction.customer_id is null then purchase_prediction.expected_order_amount_base end as double
    ) as expected_order_amount_base,
    cast(
        case when contract_prediction.customer_id is null then purchase_prediction.expected_value_amount_base end as double
    ) as expected_value_amount_base,
    cast(contract_prediction.contract_end_probability as double) as contract_end_probability,
    cast(household.household_id as bigint) as household_id,
    cast(household.member_count as integer) as household_member_count,
    cast(customer.first_seen_at as timestamp) as first_seen_at,
    cast(customer.last_seen_at as timestamp) as last_seen_at,
    cast(activity.last_inbound_at as timestamp) as last_inbound_at,
    cast(activity.last_outbound_at as timestamp) as last_outbound_at,
    cast(activity.first_order_at as timestamp) as first_order_at,
    cast(activity.last_order_at as timestamp) as last_order_at,
    cast(
        date_diff('day', cast(customer.last_seen_at as date), cast(setting_import.data_date_at as date)) as integer
    ) as days_since_last_seen,
    cast(
        date_diff('day', cast(activity.last_order_at as date), cast(setting_import.data_date_at as date)) as integer
    ) as days_since_last_order,
    cast(
        case
            when activity.order_count > 1
                then cast(
                    date_diff('day', cast(activity.first_order_at as date), cast(activity.last_order_at as date)) as double
                ) / (activity.order_count - 1)
        end as double
    ) as mean_days_between_orders,
    cast(customer.source_system_count as integer) as source_system_count,
    cast(customer.identifier_count as bigint) as identifier_count,
    cast(campaign.first_campaign_name as varchar) as first_campaign_name,
    cast(campaign.last_campaign_name as varchar) as last_campaign_name,
    cast(visited.first_channel_group as varchar) as first_channel_group,
    cast(visited.last_channel_group as varchar) as last_channel_group,
    cast(visited.first_traffic_source as varchar) as first_traffic_source,
    cast(visited.last_traffic_source as varchar) as last_traffic_source,
    cast(channel.channel as varchar) as preferred_channel,
    cast(preferred_device.device as varchar) as preferred_device,
    cast(preferred_hour.occurred_hour as smallint) as preferred_hour,
    cast(
        case
            when activity.touchpoint_count > 0 then cast(activity.online_count as double) / activity.touchpoint_count
        end as double
    ) as online_share,
    cast(coalesce(active.active_day_count_7_days, 0) as integer) as active_day_count_7_days,
    cast(coalesce(active.active_day_count_30_days, 0) as integer) as active_day_count_30_days,
    cast(coalesce(active.active_day_count_90_days, 0) as integer) as active_day_count_90_days,
    cast(coalesce(active.active_day_count_365_days, 0) as integer) as active_day_count_365_days,
    cast(coalesce(active.active_day_count, 0) as integer) as active_day_count,
    cast(coalesce(activity.touchpoint_count_7_days, 0) as integer) as touchpoint_count_7_days,
    cast(coalesce(activity.touchpoint_count_30_days, 0) as integer) as touchpoint_count_30_days,
    cast(coalesce(activity.touchpoint_count_90_days, 0) as integer) as touchpoint_count_90_days,
    cast(coalesce(activity.touchpoint_count_365_days, 0) as integer) as touchpoint_count_365_days,
    cast(coalesce(activity.touchpoint_count, 0) as bigint) as touchpoint_count,
    cast(coalesce(activity.session_count_7_days, 0) as integer) as session_count_7_days,
    cast(coalesce(activity.session_count_30_days, 0) as integer) as session_count_30_days,
    cast(coalesce(activity.session_count_90_days, 0) as integer) as session_count_90_days,
    cast(coalesce(activity.session_count_365_days, 0) as integer) as session_count_365_days,
    cast(coalesce(activity.session_count, 0) as bigint) as session_count,
    cast(coalesce(activity.order_count_7_days, 0) as integer) as order_count_7_days,
    cast(coalesce(activity.order_count_30_days, 0) as integer) as order_count_30_days,
    cast(coalesce(activity.order_count_90_days, 0) as integer) as order_count_90_days,
    cast(coalesce(activity.order_count_365_days, 0) as integer) as order_count_365_days,
    cast(coalesce(activity.order_count, 0) as integer) as order_count,
    cast(coalesce(activity.order_amount_base_30_days, 0) as double) as order_amount_base_30_days,
    cast(coalesce(activity.order_amount_base_90_days, 0) as double) as order_amount_base_90_days,
    cast(coalesce(activity.order_amount_base_365_days, 0) as double) as order_amount_base_365_days,
    cast(coalesce(activity.order_amount_base, 0) as double) as order_amount_base,
    cast(coalesce(activity.return_count_90_days, 0) as integer) as return_count_90_days,
    cast(coalesce(activity.return_count_365_days, 0) as integer) as return_count_365_days,
    cast(coalesce(activity.return_count, 0) as integer) as return_count,
    cast(coalesce(activity.complaint_count_30_days, 0) as integer) as complaint_count_30_days,
    cast(coalesce(activity.complaint_count_90_days, 0) as integer) as complaint_count_90_days,
    cast(coalesce(activity.complaint_count_365_days, 0) as integer) as complaint_count_365_days,
    cast(coalesce(activity.complaint_count, 0) as integer) as complaint_count,
    cast(coalesce(activity.ticket_count_30_days, 0) as integer) as ticket_count_30_days,
    cast(coalesce(activity.ticket_count_90_days, 0) as integer) as ticket_count_90_days,
    cast(coalesce(activity.ticket_count_365_days, 0) as integer) as ticket_count_365_days,
    cast(coalesce(activity.ticket_count, 0) as integer) as ticket_count,
    cast(coalesce(activity.failure_count_7_days, 0) as integer) as failure_count_7_days,
    cast(coalesce(activity.failure_count_30_days, 0) as integer) as failure_count_30_days,
    cast(coalesce(activity.failure_count_90_days, 0) as integer) as failure_count_90_days,
    cast(coalesce(activity.failure_count_365_days, 0) as integer) as failure_count_365_days,
    cast(coalesce(activity.email_sent_count_90_days, 0) as integer) as email_sent_count_90_days,
    cast(coalesce(activity.email_opened_count_90_days, 0) as integer) as email_opened_count_90_days,
    cast(coalesce(activity.email_clicked_count_90_days, 0) as integer) as email_clicked_count_90_days,
    cast(
        case
            when activity.email_sent_count_90_days > 0
                then least(cast(activity.email_opened_count_90_days as double) / activity.email_sent_count_90_days, 1)
        end as double
    ) as email_opened_share_90_days,
    cast(
        case
            when activity.email_sent_count_90_days > 0
                then least(cast(activity.email_clicked_count_90_days as double) / activity.email_sent_count_90_days, 1)
        end as double
    ) as email_clicked_share_90_days,
    cast(
        case when activity.order_count > 0 then activity.order_amount_base / activity.order_count end as double
    ) as mean_order_amount_base,
    cast(coalesce(open_ticket.open_ticket_count, 0) as integer) as open_ticket_count,
    cast(
        activity.ticket_opened_at is not null
        and (activity.ticket_closed_at is null or activity.ticket_closed_at < activity.ticket_opened_at) as boolean
    ) as has_open_ticket,
    cast(
        activity.last_invoice_overdue_at is not null
        and (
            activity.last_invoice_paid_at is null
            or activity.last_invoice_paid_at < activity.last_invoice_overdue_at
        ) as boolean
    ) as has_overdue_invoice,
    cast(
        case when activity.score_count > 0 then activity.score_sum / activity.score_count end as double
    ) as mean_score_scaled_365_days,
    cast(score.last_nps_scaled as double) as last_nps_scaled,
    cast(score.last_nps_at as timestamp) as last_nps_at,
    cast(score.last_ces_scaled as double) as last_ces_scaled,
    cast(score.last_ces_at as timestamp) as last_ces_at,
    cast(score.last_csat_scaled as double) as last_csat_scaled,
    cast(score.last_csat_at as timestamp) as last_csat_at,
    cast(score.last_rating_scaled as double) as last_rating_scaled,
    cast(score.last_rating_at as timestamp) as last_rating_at,
    cast(coalesce(walked.open_journey_count, 0) as integer) as open_journey_count,
    cast(open_journey.open_journey_definitions as varchar) as open_journey_definitions,
    cast(coalesce(walked.converted_journey_count, 0) as integer) as converted_journey_count,
    cast(coalesce(walked.dropped_journey_count, 0) as integer) as dropped_journey_count,
    cast(walked.last_dropped_at as timestamp) as last_dropped_at
from customer
cross join setting_import
left join activity on activity.customer_id = customer.customer_id
left join household on household.customer_id = customer.customer_id
left join active on active.customer_id = customer.customer_id
left join campaign on campaign.customer_id = customer.customer_id
left join visited on visited.customer_id = customer.customer_id
left join preferred_device on preferred_device.customer_id = customer.customer_id
left join preferred_hour on preferred_hour.customer_id = customer.customer_id
left join open_ticket on open_ticket.customer_id = customer.customer_id
left join scored on scored.customer_id = customer.customer_id
left join purchase_prediction on purchase_prediction.customer_id = customer.customer_id
left join contract_prediction on contract_prediction.customer_id = customer.customer_id
left join preferred on preferred.customer_id = customer.customer_id
left join channel on channel.channel_code = preferred.channel_code
left join score on score.customer_id = customer.customer_id
left join walked on walked.customer_id = customer.customer_id
left join open_journey on open_journey.customer_id = customer.customer_id
