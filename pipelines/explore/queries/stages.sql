-- What the forms offer: lifecycle stages.
select distinct lifecycle_stage
from customer_360
order by lifecycle_stage
