"""Imported by the fork server of test_kill.py only: what every night loads first, so that its children find it loaded."""

from __future__ import annotations

from pipelines.model_files import load_models
from tests.pipelines.nights import shipped_catalog

shipped_catalog()
for model in load_models().values():
    model.own_hash()
