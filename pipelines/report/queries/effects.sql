-- What goes with a touchpoint: difference of the outcome with and without it, marked ones first.
select
    measure,
    scope,
    touchpoint_type,
    with_count,
    without_count,
    difference,
    difference_low,
    difference_high,
    p_value_adjusted,
    is_marked,
    method
from touchpoint_effect
where difference_low is not null
order by measure, scope, is_marked desc, difference, touchpoint_type
