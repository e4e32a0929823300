"""The probabilistic tier of identity resolution: people whom no identifier joins, by names, birth dates, addresses and
mistyped values.

One record per deterministic cluster goes in, never events. `record` takes records apart, `blocking` says which pairs
are compared, `model` what is compared and with which stored weights, `score` weighs by Splink, `veto` keeps households
apart, `group` holds groups of more than two together, `find` puts it together, `train` estimates a model. Does not
belong here: identifiers (`models/identity.py`), storage, Dagster.
"""

from models.matching.find import MatchResult, find_links, fingerprint, group_clusters

__all__ = ["MatchResult", "find_links", "fingerprint", "group_clusters"]
