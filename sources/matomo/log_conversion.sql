-- matomo.log_conversion: goal 0 is an order, goal -1 a cart that was left; other goals are known by number only.
select
  row_id,
  case idgoal when 0 then 'order_placed' when -1 then 'cart_updated' else 'unmapped' end as touchpoint_type,
  case idgoal when 0 then 'ecommerceOrder' when -1 then 'ecommerceAbandonedCart' else 'goal ' || idgoal end as raw_type,
  server_time as occurred_at,
  case when idgoal > 0 then 'website' end as channel,
  'site ' || idsite as channel_detail,
  [
    {'type': 'cookie', 'value': lower(idvisitor)},
    {'type': 'login', 'value': user_id},
    {'type': 'order_reference', 'value': case when idgoal = 0 then idorder end}
  ] as identifiers,
  [{'type': 'order', 'id': idorder, 'qualifier': 'subject'}] as objects,
  case when idgoal = -1 then 'abandoned' end as outcome,
  case when idgoal in (0, -1) then revenue end as amount,
  web_without_address(web_path(url)) as page_path,
  {'session': idvisit, 'site': idsite, 'item_count': items} as attributes
from export_row
