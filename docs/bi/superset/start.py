"""Prepare and start the Superset example: `python start.py --warehouse DIR --home DIR [--port 8088] [--prepare-only]`.

Runs in the environment of requirements.txt (`make superset` makes it). Makes Superset's own database, an administrator (admin,
admin) and the dashboard of `dashboard/`, pointed at `DIR/current/customer360.duckdb`. Not here: charts (`dashboard/`).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Parse arguments, prepare, serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warehouse", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True, help="folder for what Superset writes")
    parser.add_argument("--port", type=int, default=8088)
    parser.add_argument("--prepare-only", action="store_true", help="do not start the server")
    given = parser.parse_args()
    release = given.warehouse.absolute() / "current" / "customer360.duckdb"
    if not release.exists():
        sys.exit(
            f"{release} does not exist. Run `make demo` or `touchpoint360 run` first, or name another --warehouse."
        )
    given.home.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "SUPERSET_CONFIG_PATH": str(HERE / "superset_config.py"),
        "SUPERSET_HOME": str(given.home.absolute()),
        "FLASK_APP": "superset.app:create_app()",
    }

    def superset(*arguments: str) -> None:
        print("superset", *arguments, flush=True)
        done = subprocess.run(
            [str(Path(sys.executable).with_name("superset")), *arguments],
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(f"{done.stdout}\n{done.stderr}\nsuperset {arguments[0]} failed with status {done.returncode}")

    start_anew(given.home, packed(release))
    superset("db", "upgrade")
    admin = ("--username", "admin", "--password", "admin", "--firstname", "Ada", "--lastname", "Admin")
    superset("fab", "create-admin", *admin, "--email", "admin@example.org")
    superset("init")
    bundle = given.home / "dashboard.zip"
    bundle.write_bytes(packed(release))
    superset("import-dashboards", "--path", str(bundle.absolute()), "--username", "admin")
    print(f"Superset: http://127.0.0.1:{given.port}/superset/dashboard/customer-journeys/ (admin, admin)", flush=True)
    if not given.prepare_only:
        program = str(Path(sys.executable).with_name("superset"))
        os.execve(program, [program, "run", "--port", str(given.port), "--with-threads"], environment)


def start_anew(home: Path, bundle: bytes) -> None:
    """Forget Superset's own database when the dashboard's definition (or the release's place) is another than it was made from.

    An import leaves charts as they are that are there already, so a new definition would not be seen.
    """
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        content = b"".join(archive.read(name) for name in sorted(archive.namelist()))
    mark, now = home / "definition", hashlib.sha256(content).hexdigest()
    if not mark.exists() or mark.read_text() != now:
        (home / "superset.db").unlink(missing_ok=True)
        mark.write_text(now)


def packed(release: Path) -> bytes:
    """The dashboard as the archive Superset imports, its database pointed at this release file.

    The path goes through `current`, so that the dashboard follows every switch.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted((HERE / "dashboard").rglob("*.yaml")):
            text = path.read_text(encoding="utf-8").replace("duckdb:////RELEASE", f"duckdb:///{release}")
            archive.writestr(f"dashboard/{path.relative_to(HERE / 'dashboard')}", text)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
