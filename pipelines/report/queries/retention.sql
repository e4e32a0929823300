-- Of the customers first seen in a month, the share that was active again so many months later; months not over are left out.
select
    cohort_month,
    period_number,
    customer_count,
    active_count,
    retained_share,
    retained_share_low,
    retained_share_high
from cohort_retention
where first_touch_channel = '(all)' and is_complete
order by cohort_month, period_number
