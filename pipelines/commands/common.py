"""What the commands share: options, exit codes, the error of a wrong call, the progress line.

Does not belong here: a command of its own. Heavy imports (Dagster, pyarrow) stand inside the commands, so that
`--help` answers at once.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


def complete_with(*words: str) -> Callable[[str], list[str]]:
    """What the shell proposes for an option that takes one of these words."""
    return lambda incomplete: [word for word in words if word.startswith(incomplete)]


def complete_release(ctx: typer.Context, incomplete: str) -> list[str]:
    """What the shell proposes for a release: those of the warehouse named so far, the latest first."""
    from pipelines.warehouse import Warehouse

    folder = ctx.params.get("warehouse") or os.environ.get("TOUCHPOINT360_WAREHOUSE") or DEFAULT_WAREHOUSE
    names = [release.release_id for release in Warehouse(Path(folder).absolute()).releases()]
    return [name for name in reversed(names) if name.startswith(incomplete)]


class UserError(Exception):
    """A mistake in how a command was called."""


def show_part(text: str, done: int, total: int) -> None:
    """Progress of a command on a terminal."""
    if sys.stderr.isatty() and total:
        sys.stderr.write(f"\r\x1b[K{text}: {done} of {total} ({done / total:.0%})")
        sys.stderr.flush()


@contextmanager
def working(text: str) -> Iterator[None]:
    """Say on a terminal, from the first second on and every second, that a command still works at something, and how long."""
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()

    def tell() -> None:
        began = time.monotonic()
        while not done.wait(1):
            sys.stderr.write(f"\r\x1b[K{text} … {time.monotonic() - began:.0f} s")
            sys.stderr.flush()

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        end_progress()


def end_progress() -> None:
    """Clear the progress line, so that what is printed next stands alone."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
