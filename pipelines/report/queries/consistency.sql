-- Online beside offline for the same purpose.
select
    measure,
    dimension,
    dimension_value,
    online_count,
    offline_count,
    online_mean,
    offline_mean,
    difference,
    difference_low,
    difference_high,
    is_marked
from omnichannel_consistency
where online_mean is not null and offline_mean is not null
order by measure, dimension, dimension_value
