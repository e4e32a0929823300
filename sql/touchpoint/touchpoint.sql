-- touchpoint: every touchpoint with its customer and session, as published.
-- kind: per_customer
-- grain: touchpoint_id
-- Everything is kept: bots and touchpoints without a customer have no session and take part in no journey, but count.
-- touchpoint_scope is read as it is (no import CTE): it is the widest table, and only here
-- is all of it needed.
with

session_import as (
    select
        touchpoint_id,
        session_id
    from spine
    where session_id is not null
)

select
    cast(touchpoint_scope.touchpoint_id as bigint) as touchpoint_id,
    cast(touchpoint_scope.customer_id as bigint) as customer_id,
    cast(session_import.session_id as bigint) as session_id,
    cast(touchpoint_scope.occurred_at as timestamp) as occurred_at,
    cast(touchpoint_scope.occurred_at_precision as varchar) as occurred_at_precision,
    cast(touchpoint_scope.touchpoint_type as varchar) as touchpoint_type,
    cast(touchpoint_scope.raw_type as varchar) as raw_type,
    cast(touchpoint_scope.channel as varchar) as channel,
    cast(touchpoint_scope.channel_detail as varchar) as channel_detail,
    cast(touchpoint_scope.direction as varchar) as direction,
    cast(touchpoint_scope.medium as varchar) as medium,
    cast(touchpoint_scope.journey_phase as varchar) as journey_phase,
    cast(touchpoint_scope.category as varchar) as category,
    cast(touchpoint_scope.campaign_id as varchar) as campaign_id,
    cast(touchpoint_scope.campaign_name as varchar) as campaign_name,
    cast(touchpoint_scope.campaign_source as varchar) as campaign_source,
    cast(touchpoint_scope.campaign_medium as varchar) as campaign_medium,
    cast(touchpoint_scope.campaign_content as varchar) as campaign_content,
    cast(touchpoint_scope.campaign_term as varchar) as campaign_term,
    cast(touchpoint_scope.click_id_type as varchar) as click_id_type,
    cast(touchpoint_scope.outcome as varchar) as outcome,
    cast(touchpoint_scope.duration_seconds as integer) as duration_seconds,
    cast(touchpoint_scope.waiting_seconds as integer) as waiting_seconds,
    cast(touchpoint_scope.amount as double) as amount,
    cast(touchpoint_scope.currency as varchar) as currency,
    cast(touchpoint_scope.amount_base as double) as amount_base,
    cast(touchpoint_scope.score_kind as varchar) as score_kind,
    cast(touchpoint_scope.score_raw as double) as score_raw,
    cast(touchpoint_scope.score_scaled as double) as score_scaled,
    cast(touchpoint_scope.agent_id as varchar) as agent_id,
    cast(touchpoint_scope.page_path as varchar) as page_path,
    cast(touchpoint_scope.referrer_host as varchar) as referrer_host,
    cast(touchpoint_scope.device as varchar) as device,
    cast(touchpoint_scope.browser as varchar) as browser,
    cast(touchpoint_scope.operating_system as varchar) as operating_system,
    cast(touchpoint_scope.is_bot as boolean) as is_bot,
    cast(touchpoint_scope.bot_reason as varchar) as bot_reason,
    cast(touchpoint_scope.subject as varchar) as subject,
    cast(touchpoint_scope.identifiers as STRUCT("type" VARCHAR, "value" VARCHAR)[]) as identifiers,
    cast(touchpoint_scope.objects as STRUCT("type" VARCHAR, "id" VARCHAR, "qualifier" VARCHAR)[]) as objects,
    cast(touchpoint_scope.attributes as varchar) as attributes,
    cast(touchpoint_scope.source_system as varchar) as source_system,
    cast(touchpoint_scope.source_export as varchar) as source_export,
    cast(touchpoint_scope.source_file_id as varchar) as source_file_id,
    cast(touchpoint_scope.source_row_number as integer) as source_row_number,
    cast(touchpoint_scope.source_row_id as bigint) as source_row_id
from touchpoint_scope
left join session_import on session_import.touchpoint_id = touchpoint_scope.touchpoint_id
