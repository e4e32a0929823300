-- session_source: where each visit came from, by which rule, and the last source of the customer that was not direct.
-- kind: per_customer
-- grain: session_id
-- Source and medium, the first that tells: campaign parameters (utm), click id, referring host by the lists, (direct)/(none).
-- The company's own hosts tell nothing; a payment provider gives the visit back to the source of the visit before. The group
-- follows from channel_rule, asked top down. Everything is decided once per distinct combination; a pattern is tried once per
-- distinct value. docs/web.md explains the table.
with

-- The first touchpoint of the visit; of several in its first second, the one that tells where it came from.
opening as (
    select
        touchpoint.session_id,
        touchpoint.customer_id,
        entry_point.occurred_at as started_at,
        lower(trim(touchpoint.campaign_source)) as campaign_source,
        lower(trim(touchpoint.campaign_medium)) as campaign_medium,
        touchpoint.campaign_name,
        touchpoint.click_id_type,
        regexp_replace(lower(trim(touchpoint.referrer_host)), '^www[.]', '') as referrer_host
    from touchpoint
    inner join spine as entry_point on entry_point.touchpoint_id = touchpoint.session_id
    where touchpoint.session_id is not null
        and date_trunc('second', touchpoint.occurred_at) = date_trunc('second', entry_point.occurred_at)
    qualify row_number() over (
        partition by touchpoint.session_id
        order by
            touchpoint.campaign_source is null and touchpoint.campaign_medium is null and touchpoint.campaign_name is null,
            touchpoint.click_id_type is null,
            touchpoint.referrer_host is null,
            touchpoint.touchpoint_id <> touchpoint.session_id,
            touchpoint.touchpoint_id
    ) = 1
),

combination as (
    select distinct
        campaign_source,
        campaign_medium,
        campaign_name,
        click_id_type,
        referrer_host
    from opening
),

-- What the lists say about a name: it, its parent domains, and both with a star for the top-level domain.
name as (
    select campaign_source as name
    from combination
    where campaign_source is not null
    union
    select referrer_host
    from combination
    where referrer_host is not null
),

parent as (
    select
        name,
        0 as depth,
        regexp_replace(name, '^www[.]', '') as host
    from name
    union all
    select
        name,
        1,
        regexp_replace(name, '^[^.]+[.]', '')
    from name
    where name like '%.%.%'
    union all
    select
        name,
        2,
        regexp_replace(name, '^[^.]+[.][^.]+[.]', '')
    from name
    where name like '%.%.%.%'
    union all
    select
        name,
        3,
        regexp_replace(name, '^[^.]+[.][^.]+[.][^.]+[.]', '')
    from name
    where name like '%.%.%.%.%'
),

spelling as (
    select
        name,
        depth,
        host,
        0 as is_wildcard
    from parent
    union all
    select
        name,
        depth,
        regexp_replace(host, '[.]((co|com|org|net|gov|edu|ac)[.][a-z][a-z]|[a-z]+)$', '.*'),
        1
    from parent
    where host like '%.%'
),

known_name as (
    select
        spelling.name,
        traffic_source_host.traffic_source,
        traffic_source_host.source_kind
    from spelling
    inner join traffic_source_host on traffic_source_host.host = spelling.host
    where spelling.depth = 0
        or traffic_source_host.is_suffix
    qualify row_number() over (
        partition by spelling.name
        -- what the company says about its own hosts and payment providers comes before all lists, then the nearest name
        order by
            case when traffic_source_host.source_kind in ('own', 'payment') then 0 else 1 end,
            spelling.depth,
            spelling.is_wildcard,
            traffic_source_host.source_rank,
            traffic_source_host.host
    ) = 1
),

told as (
    select
        combination.campaign_source,
        combination.campaign_medium,
        combination.campaign_name,
        combination.click_id_type,
        combination.referrer_host,
        case
            when combination.campaign_source is not null
                or combination.campaign_medium is not null
                or combination.campaign_name is not null
                then 'campaign'
            when click_id.click_id_type is not null
                then 'click_id'
            when referrer.source_kind = 'payment'
                then 'payment'
            when combination.referrer_host is null
                or referrer.source_kind = 'own'
                then 'direct'
            else 'referrer'
        end as told_by,
        by_campaign.source_kind as campaign_kind,
        referrer.source_kind as referrer_kind,
        by_click.source_kind as click_kind,
        referrer.traffic_source as referrer_source,
        click_id.traffic_source as click_source,
        click_id.traffic_medium as click_medium
    from combination
    left join click_id on click_id.click_id_type = lower(combination.click_id_type)
    left join traffic_source_host as by_click on by_click.host = click_id.traffic_source
    left join known_name as by_campaign on by_campaign.name = combination.campaign_source
    left join known_name as referrer on referrer.name = combination.referrer_host
),

sourced as (
    select
        campaign_source,
        campaign_medium,
        campaign_name,
        click_id_type,
        referrer_host,
        told_by,
        case
            when told_by = 'campaign'
                then coalesce(campaign_source, click_source, case when referrer_kind <> 'own' then referrer_source end, '(not set)')
            when told_by = 'click_id'
                then click_source
            when told_by = 'referrer'
                then coalesce(referrer_source, referrer_host)
            else '(direct)'
        end as traffic_source,
        case
            when told_by = 'campaign'
                then coalesce(campaign_medium, click_medium, '(not set)')
            when told_by = 'click_id'
                then click_medium
            when told_by = 'referrer' and referrer_kind = 'search'
                then 'organic'
            when told_by = 'referrer' and referrer_kind = 'mail'
                then 'email'
            when told_by = 'referrer'
                then 'referral'
            else '(none)'
        end as traffic_medium,
        case
            when told_by = 'campaign' and campaign_source is not null
                then campaign_kind
            when told_by in ('campaign', 'click_id') and click_source is not null
                then click_kind
            when told_by in ('campaign', 'referrer')
                then referrer_kind
        end as source_kind
    from told
),

pattern_value as (
    select 'source' as part, traffic_source as value from sourced
    union
    select 'medium', traffic_medium from sourced
    union
    select 'campaign', lower(campaign_name) from sourced where campaign_name is not null
    union
    select 'referrer', referrer_host from sourced where referrer_host is not null
),

pattern as (
    select 'source' as part, source_pattern as pattern from channel_rule where source_pattern is not null
    union
    select 'medium', medium_pattern from channel_rule where medium_pattern is not null
    union
    select 'campaign', campaign_pattern from channel_rule where campaign_pattern is not null
    union
    select 'referrer', referrer_pattern from channel_rule where referrer_pattern is not null
),

fitting as (
    select
        pattern.part,
        pattern.pattern,
        pattern_value.value
    from pattern
    inner join pattern_value on pattern_value.part = pattern.part
    where regexp_matches(pattern_value.value, concat('(?i)^(', pattern.pattern, ')$'))
),

decided as (
    select
        sourced.campaign_source,
        sourced.campaign_medium,
        sourced.campaign_name,
        sourced.click_id_type,
        sourced.referrer_host,
        sourced.told_by,
        sourced.traffic_source,
        sourced.traffic_medium,
        sourced.source_kind,
        channel_rule.channel_group,
        channel_rule.channel_rule,
        channel_rule.list_version
    from sourced
    cross join channel_rule
    left join fitting as source_fit on source_fit.part = 'source'
        and source_fit.pattern = channel_rule.source_pattern
        and source_fit.value = sourced.traffic_source
    left join fitting as medium_fit on medium_fit.part = 'medium'
        and medium_fit.pattern = channel_rule.medium_pattern
        and medium_fit.value = sourced.traffic_medium
    left join fitting as campaign_fit on campaign_fit.part = 'campaign'
        and campaign_fit.pattern = channel_rule.campaign_pattern
        and campaign_fit.value = lower(sourced.campaign_name)
    left join fitting as referrer_fit on referrer_fit.part = 'referrer'
        and referrer_fit.pattern = channel_rule.referrer_pattern
        and referrer_fit.value = sourced.referrer_host
    where (channel_rule.source_pattern is null or source_fit.value is not null)
        and (channel_rule.medium_pattern is null or medium_fit.value is not null)
        and (channel_rule.campaign_pattern is null or campaign_fit.value is not null)
        and (channel_rule.referrer_pattern is null or referrer_fit.value is not null)
        and (channel_rule.source_kind is null or coalesce(channel_rule.source_kind = sourced.source_kind, false))
        and (channel_rule.click_id_type is null or coalesce(channel_rule.click_id_type = sourced.click_id_type, false))
    qualify row_number() over (
        partition by
            sourced.campaign_source,
            sourced.campaign_medium,
            sourced.campaign_name,
            sourced.click_id_type,
            sourced.referrer_host
        order by channel_rule.rule_number
    ) = 1
),

visit as (
    select
        opening.session_id,
        opening.customer_id,
        opening.started_at,
        decided.told_by = 'payment' as is_payment_return,
        decided.told_by,
        decided.traffic_source,
        decided.traffic_medium,
        case when decided.told_by = 'campaign' then opening.campaign_name end as campaign_name,
        opening.click_id_type,
        decided.source_kind,
        decided.channel_group,
        decided.channel_rule,
        decided.list_version
    from opening
    inner join decided on decided.campaign_source is not distinct from opening.campaign_source
        and decided.campaign_medium is not distinct from opening.campaign_medium
        and decided.campaign_name is not distinct from opening.campaign_name
        and decided.click_id_type is not distinct from opening.click_id_type
        and decided.referrer_host is not distinct from opening.referrer_host
),

-- A visit that comes back from a payment provider goes on with the source of the one before; it has none to go on with when
-- the one before is out of reach.
carried as (
    select
        session_id,
        customer_id,
        started_at,
        is_payment_return,
        last_value(case when not is_payment_return then session_id end ignore nulls) over (
            partition by customer_id
            order by started_at, session_id
            rows between unbounded preceding and current row
        ) as source_session_id
    from visit
),

reached as (
    select
        carried.session_id,
        carried.customer_id,
        carried.started_at,
        carried.is_payment_return,
        case
            when date_diff('microsecond', source_visit.started_at, carried.started_at)
                <= setting.last_non_direct_seconds * cast(1000000 as bigint)
                then carried.source_session_id
            else carried.session_id
        end as source_session_id
    from carried
    cross join setting
    left join visit as source_visit on source_visit.session_id = carried.source_session_id
),

placed as (
    select
        reached.session_id,
        reached.customer_id,
        reached.started_at,
        reached.is_payment_return,
        reached.source_session_id,
        last_value(
            case when source_visit.told_by not in ('direct', 'payment') then reached.source_session_id end ignore nulls
        ) over (
            partition by reached.customer_id
            order by reached.started_at, reached.session_id
            rows between unbounded preceding and current row
        ) as last_non_direct_session_id
    from reached
    inner join visit as source_visit on source_visit.session_id = reached.source_session_id
)

select
    cast(placed.session_id as bigint) as session_id,
    cast(placed.customer_id as bigint) as customer_id,
    cast(placed.started_at as timestamp) as started_at,
    cast(source_visit.channel_group as varchar) as channel_group,
    cast(source_visit.channel_rule as varchar) as channel_rule,
    cast(source_visit.list_version as varchar) as list_version,
    cast(source_visit.traffic_source as varchar) as traffic_source,
    cast(source_visit.traffic_medium as varchar) as traffic_medium,
    cast(source_visit.campaign_name as varchar) as campaign_name,
    cast(source_visit.click_id_type as varchar) as click_id_type,
    cast(source_visit.source_kind as varchar) as source_kind,
    cast(placed.is_payment_return as boolean) as is_payment_return,
    cast(placed.source_session_id as bigint) as source_session_id,
    cast(non_direct.session_id as bigint) as last_non_direct_session_id,
    cast(coalesce(non_direct.channel_group, 'Direct') as varchar) as last_non_direct_channel_group,
    cast(coalesce(non_direct.traffic_source, '(direct)') as varchar) as last_non_direct_source,
    cast(coalesce(non_direct.traffic_medium, '(none)') as varchar) as last_non_direct_medium,
    cast(non_direct.campaign_name as varchar) as last_non_direct_campaign_name
from placed
cross join setting
inner join visit as source_visit on source_visit.session_id = placed.source_session_id
left join visit as non_direct on non_direct.session_id = placed.last_non_direct_session_id
    and date_diff('microsecond', non_direct.started_at, placed.started_at)
    <= setting.last_non_direct_seconds * cast(1000000 as bigint)
