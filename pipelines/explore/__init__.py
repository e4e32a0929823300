"""The explorer: a local web app on the current release, for what static pages cannot do.

Belongs here: addresses, forms, answers, the connection to the release. Does not belong here: how a chart is drawn
(`pipelines/drawing/`), what a table means.
"""
