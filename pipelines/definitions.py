"""What Dagster loads: the definitions of the environment's and the current folder's configuration.

Belongs here: `defs`, and nothing else; they are built in `pipelines/nightly.py`.
"""

from __future__ import annotations

import dagster as dg

from models.configuration import load_configuration
from pipelines.assets.resource import NightResource
from pipelines.configured import configuration_file, configured_catalog
from pipelines.nightly import build_definitions


def default_definitions() -> dg.Definitions:
    """Definitions from the environment and the configuration file of the current folder."""
    path = configuration_file()
    configuration = load_configuration(path)
    return build_definitions(configuration, configured_catalog(configuration, path), NightResource())


defs = default_definitions()
