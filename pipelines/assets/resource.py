"""The Dagster resource that opens a night at the start of a run and closes it at its end.

Belongs here: the settings of a run (which exports, which warehouse) and their defaults from the environment. Does not
belong here: what a night does.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

import dagster as dg
from pydantic import Field, PrivateAttr

from models.configuration import load_configuration
from pipelines.configured import configuration_file, configured_catalog
from pipelines.night.run import Night, open_night
from pipelines.progress import Reporter

EXPORTS_VARIABLE = "TOUCHPOINT360_EXPORTS"
WAREHOUSE_VARIABLE = "TOUCHPOINT360_WAREHOUSE"

# Who is told about nights that this process runs itself; Dagster copies resources, so it cannot be a field of one.
PROCESS_REPORTER: ContextVar[Reporter | None] = ContextVar("process_reporter", default=None)


def export_folders() -> list[str]:
    """Export folders named in the environment (separated like PATH), else `exports` in the current folder."""
    value = os.environ.get(EXPORTS_VARIABLE, "exports")
    return [part for part in value.split(os.pathsep) if part]


def warehouse_folder() -> str:
    """The warehouse named in the environment, else `warehouse` in the current folder."""
    return os.environ.get(WAREHOUSE_VARIABLE, "warehouse")


class LogReporter:
    """Progress into the run's log, for nights that the daemon or the web UI started."""

    def __init__(self, log: logging.Logger | dg.DagsterLogManager) -> None:
        self.log = log

    def start(self, step: str) -> None:
        """A step begins (Dagster logs that itself)."""

    def part(self, text: str, done: int, total: int) -> None:
        """Log how far a step is."""
        self.log.debug("%s: %s of %s", text, done, total)

    def end(self, step: str, text: str) -> None:
        """Log what a step did."""
        self.log.info("%s: %s", step, text)

    def skip(self, step: str) -> None:
        """Nothing to log."""

    def warn(self, text: str) -> None:
        """Log what a person should correct."""
        self.log.warning("%s", text)


class NightResource(dg.ConfigurableResource):
    """Settings of one night; the same whether it starts from the command line, the schedule or the web UI."""

    exports: list[str] = Field(default_factory=export_folders, description="Folders (or files) with exports.")
    warehouse: str = Field(default_factory=warehouse_folder, description="Warehouse folder; made when absent.")
    config: str = Field(
        default_factory=lambda: str(configuration_file() or ""),
        description="Configuration file; empty for the defaults.",
    )
    as_of: str = Field(
        default="", description="Moment the release speaks of (ISO 8601, UTC); empty: latest touchpoint."
    )
    full: bool = Field(default=False, description="Rebuild everything from the parsed files.")

    _night: Night | None = PrivateAttr(default=None)

    @property
    def night(self) -> Night:
        """The open night."""
        if self._night is None:
            raise RuntimeError("the night is not open; assets run inside a Dagster run only")
        return self._night

    @contextlib.contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[NightResource]:
        """Open the night for the length of the run."""
        path = Path(self.config) if self.config else None
        configuration = load_configuration(path)
        with open_night(
            Path(self.warehouse),
            [Path(folder) for folder in self.exports],
            configuration,
            configured_catalog(configuration, path),
            as_of=parse_moment(self.as_of),
            full=self.full,
            reporter=PROCESS_REPORTER.get() or LogReporter(context.log or logging.getLogger("touchpoint360")),
        ) as night:
            self._night = night
            try:
                yield self
            finally:
                self._night = None


def parse_moment(text: str) -> dt.datetime | None:
    """An ISO 8601 moment as naive UTC; None when empty. Raises ValueError with the accepted form."""
    if not text:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"'{text}' is not a moment; write it like 2026-03-31 or 2026-03-31T06:00:00+02:00") from error
    return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment
