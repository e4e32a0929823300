-- The channels of one customer, for the timeline's filter.
select
    channel,
    count(*) as touchpoint_count
from touchpoint
where customer_id = $customer_id
group by channel
order by touchpoint_count desc, channel
