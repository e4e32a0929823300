-- Contacts suggested, by rule and channel; the people stand in contact_suggestion.
select
    contact_rule,
    suggested_channel,
    count(*) as customer_count,
    min(due_until_at) as first_due_until_at
from contact_suggestion
group by all
order by contact_rule, suggested_channel
