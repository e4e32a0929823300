"""`make bench-attribution`: a million paths attributed, beside the ChannelAttribution package, in one run.

Usage: python -m benchmarks.attribution 1 [PYTHON]     (millions of paths; PYTHON of an environment with ChannelAttribution)

The peer is GPL, so it is neither a dependency nor kept here: without PYTHON it is built from its source archive in an
environment of its own under the temporary folder, which takes g++. It estimates removal effects by simulation; ours are exact.
Each side reads the same CSV file and runs in a process of its own; without the peer its lines are missing.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv

from benchmarks.measure import Cost, measured

SEED = 360
CHANNELS = (
    "direct", "organic_search", "paid_search", "email", "paid_social", "organic_social", "referral", "display", "affiliate",
    "phone", "store", "sms",
)  # fmt: skip
PEER = """
import sys, pandas, ChannelAttribution
paths = pandas.read_csv(sys.argv[1])
found = ChannelAttribution.markov_model(paths, "path", "conversions", var_value="value", var_null="nulls",
    order=int(sys.argv[2]), ncore=1, verbose=0, flg_pro=False)
heuristic = ChannelAttribution.heuristic_models(paths, "path", "conversions", var_value="value", flg_pro=False)
found.to_csv(sys.argv[3], index=False)
"""


def write_paths(file: str, count: str) -> None:
    """So many paths: a walk over twelve channels in which some follow each other more often, few convert."""
    generator = np.random.default_rng(SEED)
    n, k = int(count), len(CHANNELS)
    length = 1 + generator.geometric(0.32, n)
    follow = generator.dirichlet(np.full(k, 0.4), k).cumsum(axis=1)
    lift = generator.uniform(-1, 1, k)
    offset = np.concatenate([[0], np.cumsum(length)])
    code = np.zeros(offset[-1], dtype=np.int64)
    code[offset[:-1]] = generator.integers(0, k, n)
    for step in range(1, int(length.max())):
        here = offset[:-1][length > step] + step
        code[here] = (follow[code[here - 1]] < generator.random(len(here))[:, None]).sum(axis=1).clip(max=k - 1)
    score = np.add.reduceat(lift[code], offset[:-1])
    won = (generator.random(n) < 1 / (1 + np.exp(2.5 - score))).astype(np.int64)
    flat = pa.DictionaryArray.from_arrays(pa.array(code, pa.int32()), pa.array(CHANNELS)).cast(pa.string())
    paths = pa.compute.binary_join(pa.ListArray.from_arrays(pa.array(offset, pa.int32()), flat), " > ")
    value = np.round(won * generator.lognormal(4, 1, n), 2)
    table = pa.table({"path": paths, "conversions": won, "value": value, "nulls": 1 - won})
    pyarrow.csv.write_csv(table, file)


def ours(file: str, order: str, out: str) -> None:
    """The Markov model of one order and the models the peer calls heuristic, as the command line reads them."""
    from models.attribution import attribute
    from pipelines.commands.measures import read_paths_file

    paths = read_paths_file(Path(file), ">")
    for model in ("first_touch", "last_touch", "linear"):
        attribute(paths, model)
    credit = attribute(paths, f"markov_{order}")
    pyarrow.csv.write_csv(pa.table({"channel": list(paths.channels), "conversions": credit.conversions}), out)


def peer_python(folder: Path) -> Path | None:
    """The interpreter of an environment with the peer in it, built now; None when it cannot be built here."""
    if shutil.which("g++") is None:
        return None
    python = folder / "peer" / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet"]
    steps = [
        [sys.executable, "-m", "venv", str(folder / "peer")],
        [*pip, "setuptools>=77", "wheel", "cython", "numpy", "pandas", "matplotlib"],
        [*pip, "--no-build-isolation", "--no-binary", "ChannelAttribution", "ChannelAttribution"],
    ]
    for step in steps:
        if subprocess.run(step, capture_output=True).returncode:
            return None
    return python


def peer(python: Path, file: Path, order: int, out: Path) -> Cost:
    """The same with the peer."""
    import os

    started = time.monotonic()
    child = subprocess.Popen([str(python), "-c", PEER, str(file), str(order), str(out)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError("the peer failed; its message stands above")
    return Cost(usage.ru_utime + usage.ru_stime, time.monotonic() - started, usage.ru_maxrss * 1024 / 1e6)


def credits(file: Path) -> dict[str, float]:
    """Conversions per channel as one side wrote them."""
    table = pyarrow.csv.read_csv(file)
    return dict(zip(table[0].to_pylist(), table[1].to_pylist(), strict=True))


def main(arguments: list[str]) -> None:
    """Measure both sides for orders 1 to 3."""
    count = int(float(arguments[0] if arguments else 1) * 1e6)
    folder = Path(tempfile.mkdtemp(prefix="touchpoint360-attribution-"))
    try:
        file = folder / "paths.csv"
        measured("benchmarks.attribution:write_paths", str(file), str(count))
        python = Path(arguments[1]) if len(arguments) > 1 else peer_python(folder)
        print(f"== {count:,} paths, {file.stat().st_size / 1e6:,.0f} MB of CSV, 12 channels (seed {SEED})")
        print(f"{'':<34}{'CPU s':>9}{'wall s':>9}{'peak MB':>9}   largest difference to exact")
        for order in (1, 2, 3):
            cost = measured("benchmarks.attribution:ours", str(file), str(order), str(folder / "ours.csv"))
            exact = credits(folder / "ours.csv")
            print(_line(f"touchpoint360, order {order}", cost) + "   exact", flush=True)
            if python is not None:
                cost = peer(python, file, order, folder / "peer.csv")
                found = credits(folder / "peer.csv")
                off = max(abs(found[name] / exact[name] - 1) for name in exact)
                print(_line(f"ChannelAttribution, order {order}", cost) + f"   {off:.2%}", flush=True)
        if python is None:
            print("ChannelAttribution could not be built here (it takes g++ and the package index): not measured")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _line(name: str, cost: Cost) -> str:
    return f"{name:<34}{cost.cpu_seconds:>9.1f}{cost.wall_seconds:>9.1f}{cost.peak_megabytes:>9,.0f}"


if __name__ == "__main__":
    main(sys.argv[1:])
