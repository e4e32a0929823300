-- The 360 degree view of one customer.
from customer_360
where customer_id = $customer_id
