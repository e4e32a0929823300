"""One night: registering, ingesting, identity, models, checks and release as plain functions over one DuckDB session.

Belongs here: the order of work inside a step. Does not belong here: Dagster, the command line, column logic (that is in
the specs, the contracts and `sql/`).
"""
