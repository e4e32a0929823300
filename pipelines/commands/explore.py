"""`explore`: serve the explorer.

Does not belong here: the application (`pipelines/explore/`).
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pipelines.commands.common import DEFAULT_WAREHOUSE, WarehouseOption

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def explore(
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    port: Annotated[int, typer.Option("--port", min=1, max=65_535, help="Port on this machine.")] = 3360,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; others can then read along.")
    ] = "127.0.0.1",
) -> None:
    """Serve the explorer on the current release: customers, ways, the people behind a number. Ctrl-C ends it."""
    import uvicorn

    from pipelines.explore.app import create_app
    from pipelines.warehouse import Warehouse

    release = Warehouse(warehouse.absolute()).require_current()
    hosts = list(LOOPBACK)
    if host not in LOOPBACK:
        # An own address is a decision: whoever reaches it reads names and identifiers.
        print(f"warning: {host} can be reached from elsewhere; the explorer has no login.", file=sys.stderr)
        hosts = ["*"] if host in ("0.0.0.0", "::") else [*hosts, host]
    shown = f"[{host}]" if ":" in host else host
    print(f"Explorer on {release.release_id}: http://{shown}:{port}/ (Ctrl-C ends it)", flush=True)
    uvicorn.run(create_app(warehouse, hosts), host=host, port=port, log_level="warning", access_log=False)
