-- The golden record of one customer.
from customer
where customer_id = $customer_id
