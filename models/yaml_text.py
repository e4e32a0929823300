"""YAML text into plain values, by libyaml's parser where PyYAML brings it: ten times faster, and every start reads 400 files.

Does not belong here: which keys a file may have, and what to say of a wrong one.
"""

from __future__ import annotations

from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str) -> Any:
    """Plain values of one YAML document, None for an empty one. Raises `yaml.YAMLError` with its place."""
    return yaml.load(text, Loader=_LOADER)


def compose_yaml(text: str) -> Any:
    """The node tree of one YAML document, whose nodes know their lines; None for an empty one."""
    return yaml.compose(text, Loader=_LOADER)
