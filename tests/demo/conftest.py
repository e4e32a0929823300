"""One small demo company for all tests of the generator."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.demo.generate import GenerationSummary, generate

CUSTOMERS = 900
NIGHTS = 3


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> GenerationSummary:
    """A demo company with 900 customers and three nights."""
    return generate(tmp_path_factory.mktemp("company"), customers=CUSTOMERS, seed=7, nights=NIGHTS)


@pytest.fixture(scope="session")
def exports(company: GenerationSummary) -> Path:
    """Its export folder."""
    return company.out / "exports"


@pytest.fixture(scope="session")
def truth(company: GenerationSummary) -> Path:
    """Its truth folder."""
    return company.out / "truth"
