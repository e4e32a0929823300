-- What the forms offer: journey definitions.
select journey_definition
from journey_definition
order by journey_definition
