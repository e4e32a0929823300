-- The touchpoint map: every type of the catalogue, seen or not.
select
    touchpoint_inventory.*
from touchpoint_inventory
order by journey_phase, category, customer_count desc, touchpoint_type
