-- journeys_on_path(definition, way): the journeys that walked a variant of journey_path, in any of its six forms.
-- example: from journeys_on_path('purchase', 'page_view > cart_updated > order_placed')
create or replace macro journeys_on_path(definition, way, form := 'touchpoint_type', collapsed := true) as table
select
    journey.*
from journey_variant
join journey using (journey_id)
where journey_variant.journey_definition = definition
    and way = case
        when form = 'touchpoint_type' and collapsed then journey_variant.touchpoint_path
        when form = 'touchpoint_type' then journey_variant.touchpoint_path_full
        when form = 'channel' and collapsed then journey_variant.channel_path
        when form = 'channel' then journey_variant.channel_path_full
        when form = 'page_group' and collapsed then journey_variant.page_group_path
        when form = 'page_group' then journey_variant.page_group_path_full
        else error('form is touchpoint_type, channel or page_group, not ' || form)
    end
