"""Asset factories: one asset per source export, canonical table, SQL model, book and release step.

Belongs here: how the steps of a night look to Dagster. Does not belong here: what a step does (`pipelines/night/`).
"""
