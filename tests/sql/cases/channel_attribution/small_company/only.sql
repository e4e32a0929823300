conversion_credit > 0 or channel = 'print'
