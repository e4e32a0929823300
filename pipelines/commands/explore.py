"""`explore`: serve the explorer.

Does not belong here: the application (`pipelines/explore/`).
"""

from __future__ import annotations

import errno
import socket
import sys
from typing import Annotated

import typer

from pipelines.commands.common import DEFAULT_WAREHOUSE, UserError, WarehouseOption

LARGEST_PORT = 65_535
LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")


def explore(
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    port: Annotated[int, typer.Option("--port", min=1, max=LARGEST_PORT, help="Port on this machine.")] = 3360,
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
    shown = f"[{host}]" if ":" in host else host
    if host not in LOOPBACK:
        # An own address is a decision: whoever reaches it reads names and identifiers.
        print(f"warning: {host} can be reached from elsewhere; the explorer has no login.", file=sys.stderr)
        hosts = ["*"] if host in ("0.0.0.0", "::") else [*hosts, shown]
    # No websockets: their library alone would be a tenth of the start.
    config = uvicorn.Config(create_app(warehouse, hosts), log_level="warning", access_log=False, ws="none")
    with listen(host, port) as listening:
        print(f"Explorer on {release.release_id}: http://{shown}:{port}/ (Ctrl-C ends it)", flush=True)
        uvicorn.Server(config).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises UserError where it cannot."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UserError(
                f"port {port} of {host} is taken, perhaps by another explorer. Choose another with --port, "
                f"such as --port {other(port)}."
            ) from None
        raise UserError(
            f"cannot listen on {host}, port {port}: {error.strerror}. Choose another --host or --port."
        ) from None
    return listening


def other(port: int) -> int:
    """A port to propose instead."""
    return port + 1 if port < LARGEST_PORT else port - 1
