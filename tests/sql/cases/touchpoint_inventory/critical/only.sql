touchpoint_type in ('call_inbound', 'service_visit', 'error_page', 'chat', 'email_opened', 'page_view')
