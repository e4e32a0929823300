"""`make bench-measures`: what each measure costs on one release: the SELECT, and its finish function.

Usage: python -m benchmarks.measures 1             (millions of touchpoints)
       python -m benchmarks.measures WAREHOUSE     (the current release of a warehouse that is there)

Each aggregate of the layers measure and customer is rebuilt in memory from the release's own tables, as a night rebuilds it. CPU
seconds of all threads; the machine's noise is in them.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from benchmarks.measure import measured
from benchmarks.night import customers_for
from pipelines.model_files import load_models
from pipelines.warehouse import Warehouse

SEED = 360
LAYERS = ("measure", "customer")


def rebuild(warehouse: Path) -> None:
    """Rebuild every aggregate of LAYERS and print its cost."""
    release = Warehouse(warehouse).require_current()
    con = duckdb.connect()
    con.execute("set preserve_insertion_order = false")
    con.execute(f"attach '{release.data_file}' as work (read_only)")
    con.execute(f"attach '{release.data_file.with_name('state.duckdb')}' as state (read_only)")
    con.execute("set search_path = 'memory.main,work.main,state.main'")
    counts = con.execute("select (select count(*) from touchpoint), (select count(*) from customer)").fetchall()[0]
    print(f"== {counts[0]:,} touchpoints, {counts[1]:,} customers")
    print(f"{'':<28}{'read':>12}{'rows':>12}{'SQL CPU s':>11}{'finish CPU s':>14}")
    whole = 0.0
    for name, model in load_models().items():
        if model.layer not in LAYERS or model.kind != "aggregate":
            continue
        started = time.process_time()
        found = con.sql(model.text).to_arrow_table()
        selected = time.process_time()
        read, finisher = len(found), model.finisher()
        if finisher is not None:
            found = finisher(found)
        done = time.process_time()
        con.register("arriving", found)
        con.execute(f"create table memory.main.{name} as from arriving")
        con.unregister("arriving")
        whole += done - started
        finish = f"{done - selected:>14.1f}" if finisher else f"{'':>14}"
        print(f"{name:<28}{read:>12,}{len(found):>12,}{selected - started:>11.1f}{finish}", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    print(f"{'all':<28}{'':>24}{whole:>25.1f}   peak {peak:,.0f} MB", flush=True)


def main(arguments: list[str]) -> None:
    """Measure a warehouse that is there, or a demo company of so many millions of touchpoints."""
    wanted = arguments[0] if arguments else "1"
    if Path(wanted).is_dir():
        rebuild(Path(wanted).absolute())
        return
    folder = Path(tempfile.mkdtemp(prefix="touchpoint360-measures-"))
    try:
        customers = customers_for(float(wanted), folder)
        measured("benchmarks.night:make", str(folder / "company"), str(customers), "1")
        measured("benchmarks.night:run", str(folder / "company" / "exports"), str(folder / "warehouse"))
        # A process of its own, so that its peak memory is that of the measures.
        subprocess.run([sys.executable, "-m", "benchmarks.measures", str(folder / "warehouse")], check=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
