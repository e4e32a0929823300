"""Charts as SVG and HTML tables, made in Python: what the report and the explorer draw with.

Does not belong here: queries, texts in a language, pages.
"""
