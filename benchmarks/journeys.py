"""Journeys beside two peers on the same events: sessions, transitions, step matrix and a four-step funnel.

    python -m benchmarks.journeys 1 20 --peers <python of an environment with retentioneering and pm4py>

Each tool runs in a process of its own and says what every task cost (CPU seconds of all its threads) and what it found; figures
are compared where the definitions are equal. retentioneering (telemetry off) and pm4py (AGPL) are no dependencies of this
package: they are measured from an environment of their own, and left out without one. Does not belong here: a night (`night.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

STEPS = ["page_view", "cart_updated", "checkout_started", "order_placed"]
MATRIX_STEPS = 10
GAP_MINUTES = 30
TASKS = ("prepare", "sessions", "transitions", "step matrix", "funnel", "journeys", "funnel, windowed")

# Runs in the peers' environment, which knows nothing of this package.
RETENTIONEERING = """
import json, os, sys, time
os.environ["RETENTIONEERING_NO_TRACK"] = "1"
import pandas as pd
from retentioneering import Eventstream
path, steps, matrix_steps, gap = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
cost, found = {}, {}
def timed(name, work):
    started = time.process_time(); result = work(); cost[name] = time.process_time() - started; return result
def prepare():
    frame = pd.read_parquet(path, columns=["customer_id", "touchpoint_type", "occurred_at"])
    return Eventstream(frame, {"path_cols": ["customer_id"], "event_col": "touchpoint_type", "timestamp_col": "occurred_at"})
stream = timed("prepare", prepare)
matrix = timed("step matrix", lambda: stream.step_matrix_data(max_steps=matrix_steps))
graph = timed("transitions", lambda: stream.transition_graph_data(edge_weight="count"))
funnel = timed("funnel", lambda: stream.funnel_data(steps))
found["funnel"] = [row["unique_paths"] for row in funnel["steps"]]
found["transitions"] = {f"{a} > {b}": int(graph.loc[a, b]) for a in graph.index for b in graph.columns
    if "path_" not in a and "path_" not in b and graph.loc[a, b] > 0}
sessions = timed("sessions", lambda: stream.split_sessions(timeout=f"{gap}m"))
found["sessions"] = int(sessions.df["session_id"].nunique())
found["matrix"] = repr(type(matrix)) if not isinstance(matrix, dict) else list(matrix)
print("RESULT" + json.dumps({"cost": cost, "found": found}))
"""

# pm4py has no sessions; its step matrix is read off its variants.
PM4PY = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import pandas as pd, pm4py
from collections import Counter
from pm4py.algo.filtering.pandas.ltl import ltl_checker as ltl
path, steps, matrix_steps = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
cost, found = {}, {}
def timed(name, work):
    started = time.process_time(); result = work(); cost[name] = time.process_time() - started; return result
def prepare():
    frame = pd.read_parquet(path, columns=["customer_id", "touchpoint_type", "occurred_at"])
    frame["customer_id"] = frame["customer_id"].astype(str)
    frame["occurred_at"] = frame["occurred_at"].dt.tz_localize("UTC")
    return pm4py.format_dataframe(frame, case_id="customer_id", activity_key="touchpoint_type", timestamp_key="occurred_at")
log = timed("prepare", prepare)
dfg = timed("transitions", lambda: pm4py.discover_dfg(log)[0])
found["transitions"] = {f"{a} > {b}": int(n) for (a, b), n in dfg.items()}
def matrix():
    counts = Counter()
    for variant, n in pm4py.get_variants(log).items():
        for number, kind in enumerate(variant[:matrix_steps], start=1):
            counts[number, kind] += n if isinstance(n, int) else len(n)
    return counts
found["matrix"] = {f"{number} {kind}": n for (number, kind), n in timed("step matrix", matrix).items()}
def funnel():
    first = log.loc[log["concept:name"] == steps[0], "case:concept:name"].nunique()
    chains = [ltl.eventually_follows(log, steps[:n]) for n in range(2, len(steps) + 1)]
    return [int(first), *(int(chain["case:concept:name"].nunique()) for chain in chains)]
found["funnel"] = timed("funnel", funnel)
print("RESULT" + json.dumps({"cost": cost, "found": found}))
"""


def make_events(path: Path, million: float) -> int:
    """Write events as Parquet, unsorted: customers with visits, each a walk over twelve touchpoint types; returns how many.

    Times of one customer never tie, so that all tools see the same order.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = round(million * 1e6)
    generator = np.random.default_rng(360)
    names = [
        "page_view", "site_search", "landing_page_view", "cart_updated", "checkout_started", "order_placed", "email_opened",
        "email_clicked", "form_submitted", "chat", "error_page", "call_inbound",
    ]  # fmt: skip
    weights = np.array([0.5, 0.08, 0.06, 0.08, 0.05, 0.03, 0.07, 0.04, 0.03, 0.03, 0.01, 0.02])
    # Few customers with many touchpoints, many with few.
    customers = max(1, rows // 16)
    customer = np.minimum((generator.pareto(1.2, rows) * customers / 40).astype(np.int64), customers - 1)
    customer = np.where(generator.random(rows) < 0.7, generator.integers(0, customers, rows), customer)
    # Visits: half of a customer's touchpoints stand within minutes of a round moment.
    moment = generator.integers(0, 365 * 4, rows) * 6 * 3600
    second = np.where(
        generator.random(rows) < 0.5, moment + generator.exponential(400, rows), generator.uniform(0, 365 * 86400, rows)
    )
    micros = (second * 1000).astype(np.int64) * 1000 + np.arange(rows) % 1000
    start = np.datetime64("2024-01-01", "us").astype(np.int64)
    table = pa.table(
        {
            "touchpoint_id": np.arange(rows, dtype=np.int64),
            "customer_id": customer,
            "occurred_at": pa.array(start + micros, pa.timestamp("us")),
            "touchpoint_type": pa.DictionaryArray.from_arrays(
                generator.choice(12, rows, p=weights).astype(np.int8), names
            ),
        }
    )
    pq.write_table(table, path)
    return rows


def ours(path: str) -> dict[str, Any]:
    """The project's own SQL models on the events, as a night runs them; cost and figures."""
    import duckdb

    from models.configuration import configuration_tables, load_configuration
    from models.contract import load_contracts
    from pipelines.model_files import load_models

    cost: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "touchpoint360.yaml"
        shipped = load_configuration(None)
        every = {
            "label": "All",
            "family": "purchase",
            "starts": "any",
            "includes": "all",
            "goals": ["refund_paid"],
            "gap_days": 9999,
        }
        own.write_text(
            json.dumps(
                {
                    "journeys": {**dict.fromkeys(shipped.journeys), "all": every},
                    "funnels": {
                        **dict.fromkeys(shipped.funnels),
                        "four": {"mode": "ordered", "window_days": 7, "steps": STEPS},
                    },
                    "attribution": {"definition": "all"},
                    "session": {"gap_minutes": GAP_MINUTES, "channels": sorted({"website", *_channels()})},
                }
            ),
            encoding="utf-8",
        )
        configuration = load_configuration(own)
    con = duckdb.connect()
    con.execute("set preserve_insertion_order = false")

    def timed(task: str, *statements: str) -> None:
        started = time.process_time()
        for statement in statements:
            con.execute(statement).fetchall()
        cost[task] = cost.get(task, 0) + time.process_time() - started

    def model(name: str) -> str:
        return f"create table {name} as {load_models()[name].text}"

    for name, table in configuration_tables(configuration, datetime(2026, 1, 1)).items():
        con.register("arriving", table)
        con.execute(f"create table {name} as from arriving").fetchall()
        con.unregister("arriving")
    columns = {
        column.name: column.type for column in load_contracts()["touchpoint"].columns if column.name != "session_id"
    }
    known = {
        **{name: name for name in ("touchpoint_id", "customer_id", "occurred_at", "touchpoint_type")},
        "occurred_at_precision": "'second'", "is_bot": "false", "channel": "touchpoint_type.channel",
        "medium": "touchpoint_type.medium",
    }  # fmt: skip
    selected = ", ".join(f"cast({known.get(name, 'null')} as {kind}) as {name}" for name, kind in columns.items())
    timed(
        "prepare",
        f"create table touchpoint_scope as select {selected} from read_parquet('{path}')"
        " join touchpoint_type using (touchpoint_type)",
    )
    timed("sessions", model("spine"))
    sessions = con.execute("select count(distinct session_id) from spine").fetchone()
    con.execute("create view touchpoint as select *, null as session_id from touchpoint_scope")
    timed("journeys", model("journey_step"), model("journey"))
    timed("transitions", model("touchpoint_transition"))
    timed("step matrix", model("step_matrix"))
    timed("funnel", model("funnel_reach"))
    # What the peers cannot: a window, attempts, times, open trials.
    timed("funnel, windowed", model("funnel_progress"), model("funnel_step"))
    found = {
        "sessions": sessions[0] if sessions else 0,
        "transitions": {
            f"{a} > {b}": n
            for a, b, n in con.execute(
                "select from_touchpoint_type, to_touchpoint_type, transition_count from touchpoint_transition"
                " where from_touchpoint_type not like '(%' and to_touchpoint_type not like '(%'"
            ).fetchall()
        },
        "matrix": {
            f"{number} {state}": n
            for number, state, n in con.execute(
                "select step_number, state, journey_count from step_matrix"
                f" where step_number <= {MATRIX_STEPS} and state not like '(%'"
            ).fetchall()
        },
        "funnel": [
            row[0] for row in con.execute("select ever_reached_count from funnel_reach order by step_number").fetchall()
        ],
    }
    return {"cost": cost, "found": found}


def _channels() -> set[str]:
    from models.catalogue import channels

    return set(channels()) - {"unknown"}


def run(command: list[str]) -> dict[str, Any]:
    """What a child process printed after RESULT, with its wall seconds and peak memory."""
    started = time.monotonic()
    child = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "RETENTIONEERING_NO_TRACK": "1", "PYTHONWARNINGS": "ignore"},
    )
    assert child.stdout is not None
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0 or "RESULT" not in output:
        return {"error": f"ended with status {child.returncode}"}
    result: dict[str, Any] = json.loads(output.rpartition("RESULT")[2])
    result["wall"] = time.monotonic() - started
    result["peak"] = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    return result


def compare(results: dict[str, dict[str, Any]]) -> list[str]:
    """Where a peer's figures are ours, and where not."""
    lines = []
    mine = results["touchpoint360"]["found"]
    for name, result in results.items():
        if name == "touchpoint360" or "error" in result:
            continue
        for task in ("sessions", "transitions", "matrix", "funnel"):
            theirs = result["found"].get(task)
            if type(theirs) is type(mine[task]):
                lines.append(
                    f"{name}: {task} {'equal' if theirs == mine[task] else f'DIFFERENT: {theirs} and {mine[task]}'}"[
                        :400
                    ]
                )
    return lines


def main() -> None:
    """Measure and print one table per size."""
    parser = argparse.ArgumentParser(description="Journeys beside retentioneering and pm4py.")
    parser.add_argument("sizes", nargs="*", type=float, default=[1.0], help="millions of touchpoints")
    parser.add_argument("--peers", type=Path, help="python of an environment with retentioneering and pm4py")
    parser.add_argument("--only", choices=["touchpoint360", "retentioneering", "pm4py"], help="measure one tool")
    arguments = parser.parse_args()
    for million in arguments.sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "events.parquet"
            rows = make_events(path, million)
            own = (
                f"import json; from benchmarks.journeys import ours; print('RESULT' + json.dumps(ours({str(path)!r})))"
            )
            commands = {"touchpoint360": [sys.executable, "-c", own]}
            if arguments.peers:
                options = [str(path), json.dumps(STEPS), str(MATRIX_STEPS), str(GAP_MINUTES)]
                commands["retentioneering"] = [str(arguments.peers), "-c", RETENTIONEERING, *options]
                commands["pm4py"] = [str(arguments.peers), "-c", PM4PY, *options]
            results = {name: run(command) for name, command in commands.items() if arguments.only in (None, name)}
        print(f"\n{rows:,} touchpoints: CPU seconds")
        print(f"{'':<18}" + "".join(f"{name:>18}" for name in results))
        for task in TASKS:
            costs = [result.get("cost", {}).get(task) for result in results.values()]
            print(f"{task:<18}" + "".join(f"{'-' if cost is None else f'{cost:.2f}':>18}" for cost in costs))
        print(f"{'all':<18}" + "".join(f"{sum(r.get('cost', {}).values()):>18.2f}" for r in results.values()))
        print(f"{'peak MB':<18}" + "".join(f"{r.get('peak', 0):>18,.0f}" for r in results.values()))
        for name, result in results.items():
            if "error" in result:
                print(f"{name}: {result['error']}; its message stands above")
        if "touchpoint360" in results and "error" not in results["touchpoint360"]:
            print("\n".join(compare(results)))


if __name__ == "__main__":
    main()
