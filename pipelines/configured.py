"""Which configuration file holds, and the sources that it adds to the shipped ones.

Does not belong here: what the configuration says (`models/configuration.py`); Dagster, so that a command that only asks a release
does not wait for it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from models.configuration import Configuration, ConfigurationError
from sources.spec import SourceCatalog, load_catalog, with_log_settings

CONFIGURATION_VARIABLE = "TOUCHPOINT360_CONFIG"
DEFAULT_CONFIGURATION = "touchpoint360.yaml"


def configuration_file() -> Path | None:
    """The configuration file named in the environment, else touchpoint360.yaml in the current folder if there is one."""
    named = os.environ.get(CONFIGURATION_VARIABLE)
    if named:
        return Path(named)
    default = Path(DEFAULT_CONFIGURATION)
    return default if default.is_file() else None


def configured_catalog(configuration: Configuration, path: Path | None) -> SourceCatalog:
    """The shipped sources and those in the folders the configuration names (relative to its file)."""
    base = path.parent if path else Path()
    catalog = load_catalog([base / folder for folder in configuration.source_folders])
    try:
        return with_log_settings(catalog, log_settings(configuration))
    except ValidationError as error:
        reasons = dict.fromkeys(item["msg"].removeprefix("Value error, ") for item in error.errors())
        raise ConfigurationError(
            "\n".join(f"{path or 'defaults'}: access_log.formats: {reason}" for reason in reasons)
        ) from None


def log_settings(configuration: Configuration) -> dict[str, Any]:
    """What the configuration says about access logs, in the words of `sources.log_settings`."""
    web, own, privacy = configuration.web, configuration.access_log, configuration.privacy
    return {
        "formats": [item.model_dump() for item in own.formats],
        "cookies": own.cookies,
        "headers": own.headers,
        "query": own.query,
        "keep_parameters": [*web.keep_parameters, *(item.parameter for item in web.identity_parameters)],
        "search_parameters": web.search_parameters,
        "ipv4_bits": privacy.ipv4_bits,
        "ipv6_bits": privacy.ipv6_bits,
        "visitor_of": privacy.visitor_of,
    }
