"""Journeys beside two peers on the same events: sessions, transitions, step matrix and a four-step funnel.

    python -m benchmarks.journeys 1 20 --peers <python of an environment with retentioneering and pm4py>

Each tool runs in a process of its own and says what every task cost (CPU seconds of all its threads), how much memory the process
had needed by then, and what it found; where definitions are equal the figures are compared, all of them. retentioneering
(telemetry off) and pm4py (AGPL) are no dependencies of this package: they are measured from an environment of their own
(`journeys-requirements.txt`), and left out without one. Does not belong here: a night (`night.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

STEPS = ["page_view", "cart_updated", "checkout_started", "order_placed"]
MATRIX_STEPS = 10
GAP_MINUTES = 30
# A hundred years in microseconds.
NO_WINDOW = 100 * 366 * 86400 * 1_000_000
# Tasks that a peer has too, then what only we do. Peers read transitions and step matrix off their prepared stream; ours stand on
# journeys, whose cost is therefore part of "all four", and the funnel is answered from a release's index, as the explorer does.
SHARED = ("sessions", "transitions", "step matrix", "funnel")
TASKS = (
    "prepare",
    "sessions",
    "journeys",
    "transitions",
    "step matrix",
    "index",
    "funnel",
    "funnel, in SQL",
    "funnel, windowed",
    "paths",
    "drop-off",
)
ALL_FOUR = ("prepare", "sessions", "journeys", "transitions", "step matrix", "index", "funnel")
# Up to how many million touchpoints a peer is asked: beyond, pm4py's checks of a chain pair all rows of a case and do not end.
LARGEST = {"retentioneering": 20.0, "pm4py": 1.0}
FIGURES = ("sessions", "transitions", "matrix", "funnel")

# What both children share: a task's line says what it cost and found, so that a child stopped halfway has still told something.
TELLING = """
import json, os, resource, sys, time
path, steps, matrix_steps, gap = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
def timed(name, work, figure=None):
    started = time.process_time(); result = work(); cost = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    found = {} if figure is None else dict([figure(result)])
    print("RESULT" + json.dumps({"task": name, "cost": cost, "peak": peak, "found": found}), flush=True)
    return result
"""

# Runs in the peers' environment, which knows nothing of this package.
RETENTIONEERING = (
    TELLING
    + """
os.environ["RETENTIONEERING_NO_TRACK"] = "1"
import pandas as pd
from retentioneering import Eventstream
def prepare():
    frame = pd.read_parquet(path, columns=["customer_id", "touchpoint_type", "occurred_at"])
    return Eventstream(frame, {"path_cols": ["customer_id"], "event_col": "touchpoint_type", "timestamp_col": "occurred_at"})
stream = timed("prepare", prepare)
people = int(stream.df["customer_id"].nunique())
def matrix(block):
    shares = block.loc[:, 1:]
    counts = {(n, "(ended)" if kind == "path_end" else kind): round(shares.loc[kind, n] * people)
        for kind in shares.index for n in shares.columns if kind != "path_start"}
    return "matrix", {f"{n} {kind}": count for (n, kind), count in counts.items() if count}
def transitions(graph):
    ends = {"path_start": "(start)", "path_end": "(end)"}
    return "transitions", {f"{ends.get(a, a)} > {ends.get(b, b)}": int(graph.loc[a, b])
        for a in graph.index for b in graph.columns if graph.loc[a, b] > 0}
timed("step matrix", lambda: stream.step_matrix_data(max_steps=matrix_steps), matrix)
timed("transitions", lambda: stream.transition_graph_data(edge_weight="count"), transitions)
timed("funnel", lambda: stream.funnel_data(steps), lambda got: ("funnel", [row["unique_paths"] for row in got["steps"]]))
timed("sessions", lambda: stream.split_sessions(timeout=f"{gap}m"),
    lambda got: ("sessions", int(got.df["session_id"].nunique())))
"""
)

# pm4py has no sessions; its step matrix is read off its variants; the funnel is its check of a chain of activities.
PM4PY = (
    TELLING
    + """
import warnings
warnings.filterwarnings("ignore")
import pandas as pd, pm4py
from collections import Counter
from pm4py.algo.filtering.pandas.ltl import ltl_checker as ltl
def prepare():
    frame = pd.read_parquet(path, columns=["customer_id", "touchpoint_type", "occurred_at"])
    frame["customer_id"] = frame["customer_id"].astype(str)
    frame["occurred_at"] = frame["occurred_at"].dt.tz_localize("UTC")
    return pm4py.format_dataframe(frame, case_id="customer_id", activity_key="touchpoint_type", timestamp_key="occurred_at")
log = timed("prepare", prepare)
def transitions(got):
    follows, starts, ends = got
    return "transitions", {**{f"{a} > {b}": int(n) for (a, b), n in follows.items()},
        **{f"(start) > {a}": int(n) for a, n in starts.items()}, **{f"{a} > (end)": int(n) for a, n in ends.items()}}
timed("transitions", lambda: pm4py.discover_dfg(log), transitions)
def matrix():
    counts = Counter()
    for variant, n in pm4py.get_variants(log).items():
        n = n if isinstance(n, int) else len(n)
        for number in range(1, matrix_steps + 1):
            counts[number, variant[number - 1] if number <= len(variant) else "(ended)"] += n
    return counts
timed("step matrix", matrix, lambda got: ("matrix", {f"{number} {kind}": n for (number, kind), n in got.items()}))
def funnel():
    first = log.loc[log["concept:name"] == steps[0], "case:concept:name"].nunique()
    chains = [ltl.eventually_follows(log, steps[:n]) for n in range(2, len(steps) + 1)]
    return [int(first), *(int(chain["case:concept:name"].nunique()) for chain in chains)]
timed("funnel", funnel, lambda got: ("funnel", got))
"""
)


def make_events(path: Path, million: float) -> int:
    """Write events as Parquet, unsorted: customers with visits, each some touchpoints minutes apart; returns how many.

    Few customers have many visits, most have few. Times of one customer never tie, so that all tools see the same order.
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
    customers = max(1, rows // 16)
    visits = max(1, rows // 4)
    customer = np.minimum((generator.pareto(1.2, visits) * customers / 40).astype(np.int64), customers - 1)
    customer = np.where(generator.random(visits) < 0.7, generator.integers(0, customers, visits), customer)
    begun = generator.integers(0, 365 * 86400 * 1000, visits)
    visit = generator.integers(0, visits, rows)
    # Milliseconds within the visit; the number of the row in the microseconds keeps times apart.
    milliseconds = begun[visit] + generator.exponential(300_000, rows).astype(np.int64)
    start = np.datetime64("2024-01-01", "us").astype(np.int64)
    table = pa.table(
        {
            "touchpoint_id": np.arange(rows, dtype=np.int64),
            "customer_id": customer[visit],
            "occurred_at": pa.array(start + milliseconds * 1000 + np.arange(rows) % 1000, pa.timestamp("us")),
            "touchpoint_type": pa.DictionaryArray.from_arrays(
                generator.choice(12, rows, p=weights).astype(np.int8), names
            ),
        }
    )
    pq.write_table(table, path)
    return rows


def ours(path: str, memory: str, shared: bool) -> None:
    """The project's own SQL models on the events, as a night runs them; prints cost and figures of every task.

    `shared`: end with the tasks that a peer has too.
    """
    import duckdb

    from models.configuration import configuration_tables, load_configuration
    from models.contract import load_contracts
    from models.funnel_walk import people
    from pipelines.explore.index import open_index, write_index
    from pipelines.model_files import load_models

    models = load_models()
    # Looked up before anything is timed: the import of their libraries takes a second.
    finishers = {name: model.finisher() for name, model in models.items()}
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
    con = duckdb.connect(config={"memory_limit": memory, "temp_directory": str(Path(path).parent / "spill")})
    con.execute("set preserve_insertion_order = false")

    def build(name: str) -> None:
        finish = finishers[name]
        if finish is None:
            con.execute(f"create table {name} as {models[name].text}").fetchall()
        else:
            con.register("finished", finish(con.sql(models[name].text).to_arrow_table()))
            con.execute(f"create table {name} as from finished").fetchall()
            con.unregister("finished")

    def timed(task: str, *names: str, statement: str = "") -> None:
        started = time.process_time()
        if statement:
            con.execute(statement).fetchall()
        for name in names:
            build(name)
        tell(task, time.process_time() - started, figures.get(task, dict)())

    def counts(query: str) -> dict[str, int]:
        return {f"{a} {b}": n for a, b, n in con.execute(query).fetchall()}

    figures = {
        "sessions": lambda: {"sessions": con.execute("select count(distinct session_id) from spine").fetchall()[0][0]},
        # Our ends tell how a journey ended; the peers know only that it did.
        "transitions": lambda: {
            "transitions": counts(
                "select from_touchpoint_type || ' >', if(to_touchpoint_type like '(%', '(end)', to_touchpoint_type) as ending,"
                " cast(sum(transition_count) as bigint) from touchpoint_transition group by all"
            )
        },
        "step matrix": lambda: {
            "matrix": counts(
                "select step_number, if(state like '(%', '(ended)', state) as ending, cast(sum(journey_count) as bigint)"
                f" from step_matrix where step_number <= {MATRIX_STEPS} group by all"
            )
        },
        "funnel, in SQL": lambda: {
            "funnel in SQL": [
                n
                for (n,) in con.execute(
                    "select ever_reached_count from funnel_reach where funnel = 'four' order by step_number"
                ).fetchall()
            ]
        },
    }
    for name, table in configuration_tables(configuration, datetime(2026, 1, 1)).items():
        con.register("arriving", table)
        con.execute(f"create table {name} as from arriving").fetchall()
        con.unregister("arriving")
    columns = {
        column.name: column.type for column in load_contracts()["touchpoint"].columns if column.name != "session_id"
    }
    known = {
        **{name: f"event.{name}" for name in ("touchpoint_id", "customer_id", "occurred_at", "touchpoint_type")},
        "occurred_at_precision": "'second'", "is_bot": "false", "channel": "touchpoint_type.channel",
        "medium": "touchpoint_type.medium",
    }  # fmt: skip
    selected = ", ".join(f"cast({known.get(name, 'null')} as {kind}) as {name}" for name, kind in columns.items())
    timed("prepare", statement=f"create table event as from read_parquet('{path}')")
    con.execute(
        f"create view touchpoint_scope as select {selected} from event"
        " join touchpoint_type on touchpoint_type.touchpoint_type = event.touchpoint_type"
    )
    con.execute("create view touchpoint as select *, null as session_id from touchpoint_scope")
    timed("sessions", "spine")
    timed("journeys", "journey_step", "journey")
    timed("transitions", "touchpoint_transition")
    timed("step matrix", "step_matrix")
    con.execute("create view customer as select distinct customer_id from event")
    release = Path(path).parent / "release"
    started = time.process_time()
    write_index(con, release / "index", "memory.main")
    tell("index", time.process_time() - started, {})
    codes = dict(con.execute("select touchpoint_type, touchpoint_type_code from touchpoint_type").fetchall())
    started = time.process_time()
    index = open_index(release)
    assert index is not None
    found = index.each(
        lambda part: people(part.block, [part.trail([codes[step]]) for step in STEPS], window=NO_WINDOW).step_count
    )
    reached = [sum(int((depth >= number).sum()) for depth in found) for number in range(1, len(STEPS) + 1)]
    tell("funnel", time.process_time() - started, {"funnel": reached})
    if shared:
        return
    timed("funnel, in SQL", "funnel_reach")
    in_sql = figures["funnel, in SQL"]()["funnel in SQL"]
    assert in_sql == reached, f"the funnel differs: {in_sql} in SQL, {reached} from the index"
    # What the peers cannot: a window, attempts, times, open trials; variants in six forms; drop-off with open journeys censored.
    timed("funnel, windowed", "funnel_progress", "funnel_step")
    timed("paths", "journey_way", "journey_variant", "journey_path")
    timed("drop-off", "friction", "drop_off_evidence", "drop_off_point")


def tell(task: str, cost: float, found: dict[str, Any]) -> None:
    """One line of a child: what a task cost, what the process had needed by then, what was found."""
    print("RESULT" + json.dumps({"task": task, "cost": cost, "peak": peak_mb(), "found": found}), flush=True)


def peak_mb() -> float:
    """Most memory this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def _channels() -> set[str]:
    from models.catalogue import channels

    return set(channels()) - {"unknown"}


def run(command: list[str], seconds: float) -> dict[str, Any]:
    """What a child process told of its tasks, ended after so many seconds."""
    child = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "RETENTIONEERING_NO_TRACK": "1", "PYTHONWARNINGS": "ignore"},
    )
    assert child.stdout is not None
    timer = threading.Timer(seconds, child.kill)
    timer.start()
    result: dict[str, Any] = {"cost": {}, "peak": {}, "found": {}}
    for line in child.stdout:
        _, mark, told = line.partition("RESULT")
        if mark:
            part = json.loads(told)
            result["cost"][part["task"]] = part["cost"]
            result["peak"][part["task"]] = part["peak"]
            result["found"].update(part["found"])
    status = child.wait()
    ran_out = not timer.is_alive()
    timer.cancel()
    if status != 0:
        after = next(reversed(result["cost"]), "nothing")
        why = f"was stopped after {seconds:.0f} seconds" if ran_out else f"ended with status {status}"
        result["error"] = f"{why}; it had done: up to {after}"
    return result


def compare(results: dict[str, dict[str, Any]]) -> list[str]:
    """Where a peer's figures are ours, and where not; nothing is said of what a peer did not get to."""
    lines = []
    mine = results["touchpoint360"]["found"]
    for name, result in results.items():
        if name == "touchpoint360":
            continue
        for task in FIGURES:
            theirs = result["found"].get(task)
            if theirs is None or task not in mine:
                continue
            if theirs == mine[task]:
                size = len(theirs) if isinstance(theirs, dict | list) else 1
                lines.append(f"{name}: {task} equal ({size} figure{'s'[: size > 1]})")
            elif isinstance(theirs, dict):
                differing = {
                    key: (theirs.get(key), mine[task].get(key))
                    for key in {*theirs, *mine[task]}
                    if theirs.get(key) != mine[task].get(key)
                }
                first = dict(sorted(differing.items())[:5])
                lines.append(f"{name}: {task} DIFFERENT in {len(differing)} (theirs, ours), such as {first}")
            else:
                lines.append(f"{name}: {task} DIFFERENT: {theirs}, ours {mine[task]}")
    return lines


def show(rows: int, results: dict[str, dict[str, Any]]) -> None:
    """One table: a task a row, a tool a column."""
    print(f"\n{rows:,} touchpoints: CPU seconds (peak MB of the process until then)")
    print(f"{'':<18}" + "".join(f"{name:>20}" for name in results))

    def line(label: str, cells: list[str]) -> None:
        print(f"{label:<18}" + "".join(f"{cell:>20}" for cell in cells))

    for task in TASKS:
        line(
            task,
            [f"{r['cost'][task]:.2f} ({r['peak'][task]:,.0f})" if task in r["cost"] else "-" for r in results.values()],
        )
    whole = [sum(r["cost"].get(task, 0) for task in ALL_FOUR) for r in results.values()]
    done = [all(task in r["cost"] for task in SHARED) for r in results.values()]
    line("file to all four", [f"{cost:.2f}" if full else "-" for cost, full in zip(whole, done, strict=True)])
    for name, result in results.items():
        if "error" in result:
            print(f"{name} {result['error']}")


def main() -> None:
    """Measure and print one table per size; status 1 where a figure differs."""
    parser = argparse.ArgumentParser(description="Journeys beside retentioneering and pm4py.")
    parser.add_argument("sizes", nargs="*", type=float, default=[1.0], help="millions of touchpoints")
    parser.add_argument("--peers", type=Path, help="python of an environment with retentioneering and pm4py")
    parser.add_argument("--only", choices=["touchpoint360", "retentioneering", "pm4py"], help="measure one tool")
    parser.add_argument("--shared", action="store_true", help="only the tasks that a peer has too")
    parser.add_argument("--seconds", type=float, default=900, help="end a tool after this long")
    parser.add_argument("--memory", default="8GB", help="memory_limit of our DuckDB; beyond, it spills")
    parser.add_argument("--save", type=Path, help="keep costs and figures as JSON here")
    arguments = parser.parse_args()
    differs = False
    for million in arguments.sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "events.parquet"
            rows = make_events(path, million)
            own = f"from benchmarks.journeys import ours; ours({str(path)!r}, {arguments.memory!r}, {arguments.shared})"
            commands = {"touchpoint360": [sys.executable, "-c", own]}
            if arguments.peers:
                options = [str(path), json.dumps(STEPS), str(MATRIX_STEPS), str(GAP_MINUTES)]
                for name, text in (("retentioneering", RETENTIONEERING), ("pm4py", PM4PY)):
                    if million <= LARGEST[name]:
                        commands[name] = [str(arguments.peers), "-c", text, *options]
            results = {
                name: run(command, arguments.seconds)
                for name, command in commands.items()
                if arguments.only in (None, name)
            }
        show(rows, results)
        if "touchpoint360" in results:
            compared = compare(results)
            print("\n".join(compared))
            differs = differs or any("DIFFERENT" in text for text in compared)
        if arguments.save:
            arguments.save.write_text(json.dumps(results), encoding="utf-8")
    sys.exit(1 if differs else 0)


if __name__ == "__main__":
    main()
