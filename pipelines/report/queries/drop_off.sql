-- Drop-off points of a definition by touchpoint type, the most people lost first, each with what stands out most before it.
with

seen_before as (
    -- the bad experience that those who were lost met most often beyond those who went on; the marked ones first
    select
        touchpoint_type,
        friction,
        dropped_with_share,
        went_on_with_share,
        is_marked
    from drop_off_evidence
    where drop_off_level = 'touchpoint'
        and journey_definition = $definition
        and dropped_with_share > went_on_with_share
    qualify row_number() over (
        partition by touchpoint_type
        order by is_marked desc, dropped_with_share - went_on_with_share desc, friction
    ) = 1
)

select
    drop_off_point.touchpoint_type,
    drop_off_point.reached_count,
    drop_off_point.dropped_count,
    drop_off_point.open_count,
    drop_off_point.dropped_share,
    drop_off_point.dropped_share_low,
    drop_off_point.dropped_share_high,
    drop_off_point.baseline_share,
    drop_off_point.p_value_adjusted,
    drop_off_point.is_marked,
    seen_before.friction as evidence,
    seen_before.dropped_with_share as evidence_dropped_share,
    seen_before.went_on_with_share as evidence_went_on_share,
    seen_before.is_marked as evidence_is_marked
from drop_off_point
left join seen_before on seen_before.touchpoint_type = drop_off_point.touchpoint_type
where drop_off_point.drop_off_level = 'touchpoint' and drop_off_point.journey_definition = $definition
order by drop_off_point.is_marked desc, drop_off_point.dropped_count desc, drop_off_point.touchpoint_type
