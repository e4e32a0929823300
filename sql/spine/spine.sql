-- spine: the narrow table on which all ordered work runs: one row per touchpoint that can take part in a journey.
-- kind: per_customer
-- grain: touchpoint_id
-- Left out: touchpoints without a customer, made by robots, or after the data date.
-- Total order of a customer's touchpoints, everywhere: occurred_at, sort_rank, touchpoint_id. sort_rank packs the tie
-- rules into one number: precision (a bare date before a minute before a second), catalogue rank, number of the row in
-- its export file (a log is written in order).
-- A session ends after a pause; where the configuration says so, another campaign opens the next one without any; and one
-- that goes on longer than the configured length is cut into pieces of it, counted from its beginning.
-- Why words become codes here: 27 instead of 81 CPU-seconds on 20 million touchpoints. Why sessions are found on four columns and
-- joined back: sorting is what costs, and it costs by the width of a row (a third less, measured).
with

touchpoint_scope_import as (
    select
        touchpoint_id,
        customer_id,
        occurred_at,
        occurred_at_precision,
        touchpoint_type,
        channel,
        medium,
        outcome,
        waiting_seconds,
        amount_base,
        score_kind,
        score_scaled,
        is_bot,
        source_row_number,
        campaign_id,
        campaign_name,
        campaign_source,
        campaign_medium
    from touchpoint_scope
),

setting_import as (
    select
        data_date_at,
        session_gap_seconds,
        session_maximum_seconds,
        is_new_campaign_new_session
    from setting
),

touchpoint_type_import as (
    select
        touchpoint_type,
        touchpoint_type_code,
        sort_rank
    from touchpoint_type
),

channel_import as (
    select
        channel.channel,
        channel.channel_code,
        session_channel.channel is not null as has_sessions
    from channel
    left join session_channel on session_channel.channel = channel.channel
),

coded as (
    select
        touchpoint_scope_import.customer_id,
        touchpoint_scope_import.occurred_at,
        (
            case touchpoint_scope_import.occurred_at_precision when 'day' then 0 when 'minute' then 1 else 2 end * 10000
            + coalesce(touchpoint_type_import.sort_rank, 9999)
        ) * cast(2147483648 as bigint) + coalesce(touchpoint_scope_import.source_row_number, 0) as sort_rank,
        touchpoint_scope_import.touchpoint_id,
        coalesce(touchpoint_type_import.touchpoint_type_code, 0) as touchpoint_type_code,
        coalesce(channel_import.channel_code, 0) as channel_code,
        touchpoint_scope_import.medium = 'online' as is_online,
        touchpoint_scope_import.touchpoint_type in ('error_page', 'payment_failed', 'delivery_failed')
        or coalesce(touchpoint_scope_import.outcome in ('failure', 'no_answer', 'abandoned'), false) as is_failure,
        touchpoint_scope_import.waiting_seconds,
        touchpoint_scope_import.amount_base,
        touchpoint_scope_import.score_kind,
        touchpoint_scope_import.score_scaled,
        -- A bare date has no time of day, so it can say nothing about a pause of minutes.
        coalesce(channel_import.has_sessions, false)
        and touchpoint_scope_import.occurred_at_precision <> 'day' as is_in_session,
        case
            when setting_import.is_new_campaign_new_session
                and (
                    touchpoint_scope_import.campaign_source is not null
                    or touchpoint_scope_import.campaign_name is not null
                    or touchpoint_scope_import.campaign_id is not null
                )
                then concat_ws(
                    '|',
                    coalesce(touchpoint_scope_import.campaign_source, ''),
                    coalesce(touchpoint_scope_import.campaign_medium, ''),
                    coalesce(touchpoint_scope_import.campaign_name, ''),
                    coalesce(touchpoint_scope_import.campaign_id, '')
                )
        end as campaign
    from touchpoint_scope_import
    cross join setting_import
    left join touchpoint_type_import on touchpoint_type_import.touchpoint_type = touchpoint_scope_import.touchpoint_type
    left join channel_import on channel_import.channel = touchpoint_scope_import.channel
    where touchpoint_scope_import.customer_id is not null
        and not touchpoint_scope_import.is_bot
        and touchpoint_scope_import.occurred_at <= setting_import.data_date_at
),

-- Where a visitor arrives by another campaign than before; few rows carry one.
rerouted as (
    select
        touchpoint_id,
        campaign,
        lag(campaign) over (
            partition by customer_id
            order by occurred_at, sort_rank, touchpoint_id
        ) as previous_campaign
    from coded
    where is_in_session
        and campaign is not null
),

other_campaign as (
    select touchpoint_id
    from rerouted
    where campaign <> coalesce(previous_campaign, '')
),

paused as (
    select
        customer_id,
        occurred_at,
        sort_rank,
        touchpoint_id,
        row_number() over ordered as position,
        lag(occurred_at) over ordered as previous_at
    from coded
    where is_in_session
    window ordered as (
        partition by customer_id
        order by occurred_at, sort_rank, touchpoint_id
    )
),

opened as (
    select
        paused.customer_id,
        paused.occurred_at,
        paused.sort_rank,
        paused.touchpoint_id,
        paused.position,
        paused.previous_at is null
        or date_diff('microsecond', paused.previous_at, paused.occurred_at) > setting_import.session_gap_seconds * 1000000
        or other_campaign.touchpoint_id is not null as is_opening
    from paused
    cross join setting_import
    left join other_campaign on other_campaign.touchpoint_id = paused.touchpoint_id
),

run as (
    select
        occurred_at,
        sort_rank,
        touchpoint_id,
        last_value(case when is_opening then touchpoint_id end ignore nulls) over until_here as run_id,
        last_value(case when is_opening then occurred_at end ignore nulls) over until_here as run_at
    from opened
    window until_here as (
        partition by customer_id
        order by position
        rows between unbounded preceding and current row
    )
),

-- Hardly any session is so long: only those are cut.
long_run as (
    select run.run_id
    from run
    cross join setting_import
    where date_diff('microsecond', run.run_at, run.occurred_at) >= setting_import.session_maximum_seconds * 1000000
),

piece as (
    select
        run.touchpoint_id,
        run.run_id,
        run.occurred_at,
        run.sort_rank,
        date_diff('microsecond', run.run_at, run.occurred_at)
        - date_diff('microsecond', run.run_at, run.occurred_at) % (setting_import.session_maximum_seconds * 1000000)
            as piece_start
    from run
    cross join setting_import
    where run.run_id in (select run_id from long_run)
),

cut as (
    select
        touchpoint_id,
        first_value(touchpoint_id) over (
            partition by run_id, piece_start
            order by occurred_at, sort_rank, touchpoint_id
            rows between unbounded preceding and current row
        ) as session_id
    from piece
)

select
    cast(coded.customer_id as bigint) as customer_id,
    cast(coded.occurred_at as timestamp) as occurred_at,
    cast(coded.sort_rank as bigint) as sort_rank,
    cast(coded.touchpoint_id as bigint) as touchpoint_id,
    cast(coded.touchpoint_type_code as smallint) as touchpoint_type_code,
    cast(coded.channel_code as smallint) as channel_code,
    cast(coded.is_online as boolean) as is_online,
    cast(coded.is_failure as boolean) as is_failure,
    cast(coalesce(cut.session_id, run.run_id) as bigint) as session_id,
    cast(case when run.run_id is not null then cut.session_id is not null end as boolean) as is_capped,
    cast(coded.waiting_seconds as integer) as waiting_seconds,
    cast(coded.amount_base as double) as amount_base,
    cast(coded.score_kind as varchar) as score_kind,
    cast(coded.score_scaled as double) as score_scaled
from coded
left join run on run.touchpoint_id = coded.touchpoint_id
left join cut on cut.touchpoint_id = coded.touchpoint_id
-- Customers side by side: what groups by customer later finds them in the cache, and on disk they compress.
order by coded.customer_id
