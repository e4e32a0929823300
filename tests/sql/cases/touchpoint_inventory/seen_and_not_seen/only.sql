touchpoint_type in ('call_inbound', 'error_page', 'chat', 'unmapped')
