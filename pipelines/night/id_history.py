"""What became of each customer id: `customer_id_history`, written by every night and kept through full rebuilds.

Belongs here: comparing the customers of tonight with those of the release before. Does not belong here: who is whose
(`resolution.py`).
"""

from __future__ import annotations

import datetime as dt

from pipelines.night.session import Session


def prepare_history(session: Session) -> None:
    """To come."""


def note_changes(session: Session, release_id: str, data_date: dt.datetime) -> None:
    """To come."""
