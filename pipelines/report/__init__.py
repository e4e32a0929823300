"""The report of a release: static pages that open from disk.

Belongs here: which pages and figures there are, what they query, what they say in each language. Does not belong here: how a
chart is drawn (`pipelines/drawing/`), what a table means (`models/`, `sql/`).
"""
