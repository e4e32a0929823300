-- channel_weekly: what happened per channel and week, with what it cost and what it brought.
-- kind: aggregate
-- grain: week_date, channel, channel_detail, channel_group, campaign_name, medium, journey_phase, direction
-- Made by `python -m models.metrics` from models/metrics.yaml: change a metric there.
-- Weeks begin on Monday (UTC); people and visits are counted anew, for they do not add up.
-- Costs stand on the day the advertising account says, in the channel group their visits come from; goals in the channel
-- they were reached in and the channel group of the visit that led to them. Ratios of spend take the visits and goals of
-- the same campaign and day, wherever they stand (brought_ in channel_activity); credit for the whole way is in
-- channel_attribution.
select
    cast(date_trunc('week', activity_date) as date) as week_date,
    cast(channel as varchar) as channel,
    cast(channel_detail as varchar) as channel_detail,
    cast(channel_group as varchar) as channel_group,
    cast(campaign_name as varchar) as campaign_name,
    cast(medium as varchar) as medium,
    cast(journey_phase as varchar) as journey_phase,
    cast(direction as varchar) as direction,
    cast(coalesce(sum(touchpoint_count), 0) as bigint) as touchpoint_count,
    cast(coalesce(sum(identified_touchpoint_count), 0) as bigint) as identified_touchpoint_count,
    cast(coalesce(sum(bot_touchpoint_count), 0) as bigint) as bot_touchpoint_count,
    cast(count(distinct customer_id) as bigint) as customer_count,
    cast(count(distinct session_id) as bigint) as session_count,
    cast(coalesce(sum(visit_count), 0) as bigint) as visit_count,
    cast(coalesce(sum(inbound_count), 0) as bigint) as inbound_count,
    cast(coalesce(sum(outbound_count), 0) as bigint) as outbound_count,
    cast(coalesce(sum(failure_count), 0) as bigint) as failure_count,
    cast(coalesce(sum(journey_conversion_count), 0) as bigint) as journey_conversion_count,
    cast(coalesce(sum(value_amount_base), 0) as double) as value_amount_base,
    cast(sum(waiting_seconds) / nullif(sum(waiting_count), 0) as double) as mean_waiting_seconds,
    cast(sum(response_seconds) / nullif(sum(response_count), 0) as double) as mean_response_seconds,
    cast(cast(sum(score_sum) as double) / nullif(sum(score_count), 0) as double) as mean_score_scaled,
    cast(
        cast(100 as double) * (sum(nps_promoter_count) - sum(nps_detractor_count)) / nullif(sum(nps_count), 0)
        as double
    ) as nps,
    cast(coalesce(sum(nps_count), 0) as bigint) as nps_count,
    cast(cast(sum(ces_sum) as double) / nullif(sum(ces_count), 0) as double) as mean_ces_scaled,
    cast(coalesce(sum(ces_count), 0) as bigint) as ces_count,
    cast(cast(sum(csat_satisfied_count) as double) / nullif(sum(csat_count), 0) as double) as csat_satisfied_share,
    cast(coalesce(sum(csat_count), 0) as bigint) as csat_count,
    cast(coalesce(sum(impression_count), 0) as bigint) as impression_count,
    cast(coalesce(sum(click_count), 0) as bigint) as click_count,
    cast(coalesce(sum(cost_amount_base), 0) as double) as cost_amount_base,
    cast(
        case
            when sum(cost_amount_base) > 0
                then cast(sum(cost_amount_base) as double) / nullif(cast(sum(brought_visit_count) as double), 0)
        end
        as double
    ) as cost_per_visit_amount_base,
    cast(
        case
            when sum(cost_amount_base) > 0
                then cast(sum(cost_amount_base) as double) / nullif(cast(sum(brought_conversion_count) as double), 0)
        end
        as double
    ) as cost_per_conversion_amount_base,
    cast(
        cast(sum(brought_value_amount_base) as double) / nullif(cast(sum(cost_amount_base) as double), 0)
        as double
    ) as return_on_spend_ratio
from channel_activity
group by
    cast(date_trunc('week', activity_date) as date),
    channel,
    channel_detail,
    channel_group,
    campaign_name,
    medium,
    journey_phase,
    direction
