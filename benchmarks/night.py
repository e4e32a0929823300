"""`make bench`: a first, a second and an idle night of the demo company, beside the floor, and its measures, in one run.

Usage: python -m benchmarks.night 1 10        (millions of touchpoints; 0.1 is a quick look)

Prints CPU seconds, wall seconds, peak memory, touchpoints per CPU second and the ratio to the floor: DuckDB reading the
same files into typed tables, nothing else (`benchmarks/floor.py`). Then each measure is rebuilt on the release
(`benchmarks/measures.py`).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Cost, measured
from pipelines.warehouse import Warehouse

SEED = 360
NIGHTS = 2
CALIBRATION_CUSTOMERS = 1000


def touchpoint_count(warehouse: Path) -> int:
    """Touchpoints in the current release."""
    return int(Warehouse(warehouse).require_current().summary["row_counts"]["touchpoint"])


def run(exports: str, warehouse: str) -> None:
    """One night, as the command line runs it."""
    from pipelines.launch import run_night

    run_night([Path(exports)], Path(warehouse), None, "", full=False, quiet=True)


def make(folder: str, customers: str, nights: str) -> None:
    """The demo company's exports."""
    from pipelines.demo.generate import generate

    generate(Path(folder), customers=int(customers), seed=SEED, nights=int(nights))


def night(exports: Path, warehouse: Path) -> Cost:
    """One night in a process of its own."""
    return measured("benchmarks.night:run", str(exports), str(warehouse))


def customers_for(millions: float, folder: Path) -> int:
    """Customers that give so many touchpoints, from a small company's mean."""
    make(str(folder / "calibrate"), str(CALIBRATION_CUSTOMERS), "1")
    night(folder / "calibrate" / "exports", folder / "calibrate" / "warehouse")
    mean = touchpoint_count(folder / "calibrate" / "warehouse") / CALIBRATION_CUSTOMERS
    return round(millions * 1e6 / mean)


def line(name: str, cost: Cost, touchpoints: int, floor: Cost | None) -> str:
    """One line of the table."""
    rate = touchpoints / cost.cpu_seconds
    ratio = f"{cost.cpu_seconds / floor.cpu_seconds:8.1f}" if floor else f"{'':8}"
    return (
        f"{name:<34}{touchpoints:>12,}{cost.cpu_seconds:>9.1f}{cost.wall_seconds:>9.1f}"
        f"{cost.peak_megabytes:>9,.0f}{rate:>12,.0f}{ratio}"
    )


def bench(millions: float, folder: Path) -> None:
    """Measure one size and print its table."""
    customers = customers_for(millions, folder)
    company = folder / "company"
    print(f"\n== {millions:g} million touchpoints ({customers:,} customers, seed {SEED})", flush=True)
    made = measured("benchmarks.night:make", str(company), str(customers), str(NIGHTS))
    size = sum(path.stat().st_size for path in (company / "exports").rglob("*") if path.is_file())
    print(
        f"generated {size / 1e6:,.0f} MB in {made.cpu_seconds:.1f} CPU s, peak {made.peak_megabytes:,.0f} MB",
        flush=True,
    )
    first, second = (company / "exports" / f"night_{number:02d}" for number in (1, 2))
    floor = measured("benchmarks.floor:read_everything", str(first), str(folder / "floor.duckdb"))
    warehouse = folder / "warehouse"
    print(f"{'':<34}{'touchpoints':>12}{'CPU s':>9}{'wall s':>9}{'peak MB':>9}{'per CPU s':>12}{'x floor':>8}")
    cost = night(first, warehouse)
    count = touchpoint_count(warehouse)
    print(line("floor: DuckDB reads night 1", floor, count, None))
    print(line("night 1 (everything is new)", cost, count, floor), flush=True)
    cost = night(second, warehouse)
    print(line("night 2 (new files)", cost, touchpoint_count(warehouse) - count, None), flush=True)
    cost = night(second, warehouse)
    print(line("night 3 (nothing new)", cost, touchpoint_count(warehouse), None), flush=True)
    subprocess.run([sys.executable, "-m", "benchmarks.measures", str(warehouse)], check=True)


def main(sizes: list[str]) -> None:
    """Measure each size given in millions of touchpoints."""
    for size in sizes or ["1"]:
        folder = Path(tempfile.mkdtemp(prefix="touchpoint360-bench-"))
        try:
            bench(float(size), folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
