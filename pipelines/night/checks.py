"""Contract checks on the tables of a night.

Belongs here: running checks and wording their result. Does not belong here: the checks themselves (`models/contracts/`).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from models.contract import load_contracts
from pipelines.night.session import Session


@dataclass(frozen=True)
class CheckOutcome:
    """Result of one check; `offending_count` rows break it."""

    table: str
    name: str
    severity: str
    offending_count: int
    passed: bool
    message: str


def run_checks(session: Session, table: str, relation: str) -> list[CheckOutcome]:
    """Run all checks of a table on `relation` (the table, or its rows of the affected customers)."""
    outcomes = []
    for check in load_contracts()[table].generated_checks():
        try:
            offending = int(session.value(check.on(relation)) or 0)
            message = check.description or check.name.replace("_", " ")
        except duckdb.Error as error:
            offending, message = -1, f"the check cannot run: {str(error).splitlines()[0]}"
        outcomes.append(CheckOutcome(table, check.name, check.severity, offending, offending == 0, message))
    return outcomes
