"""What the commands share: options, exit codes, the error of a wrong call, the progress line.

Does not belong here: a command of its own. Heavy imports (Dagster, pyarrow) stand inside the commands, so that
`--help` answers at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

EXIT_FAILED = 1
EXIT_USAGE = 2

WarehouseOption = Annotated[
    Path, typer.Option("--warehouse", envvar="TOUCHPOINT360_WAREHOUSE", help="Warehouse folder.", show_default=True)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", envvar="TOUCHPOINT360_CONFIG", help="Configuration file (default: touchpoint360.yaml if there)."
    ),
]
DEFAULT_WAREHOUSE = Path("warehouse")


class UserError(Exception):
    """A mistake in how a command was called."""


def show_part(text: str, done: int, total: int) -> None:
    """Progress of a command on a terminal."""
    if sys.stderr.isatty() and total:
        sys.stderr.write(f"\r\x1b[K{text}: {done} of {total} ({done / total:.0%})")
        sys.stderr.flush()


def end_progress() -> None:
    """Clear the progress line, so that what is printed next stands alone."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
