"""`make bench-explore`: how long the explorer takes to start and to answer, each kind of page, on one release.

Usage: python -m benchmarks.explore WAREHOUSE [--requests 5]

Starts `touchpoint360 explore` as a user does, in a process of its own, and asks it over HTTP, one question after the other, as
one person with a browser does. Every address is asked once (*first*: nothing read or kept yet of that kind of question), those
of a kind after each other. Prints the median and the slowest of each kind in milliseconds, its mean CPU time (both cores
together; Linux only), and which exceed the limit. A download is timed to its first byte. With two releases in the warehouse it
then switches to the one before and back, as a rollback does, and asks again.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb

from pipelines.warehouse import Warehouse

LIMIT_MILLISECONDS = 300
SEED = 360
FUNNELS = {
    "funnel": {},
    "funnel, two steps": {"steps": "page_view > order_placed", "window": "14d"},
    "funnel, optional and either": {
        "steps": "page_view|landing_page_view > [site_search] > cart_updated > order_placed",
        "window": "14d",
    },
    "funnel, eight steps": {
        "steps": "email_sent > email_opened > email_clicked > page_view > cart_updated > checkout_started > order_placed"
        " > order_delivered",
        "window": "30d",
    },
    "funnel, strict": {"mode": "strict", "steps": "page_view > cart_updated"},
    "funnel, unordered": {"mode": "unordered", "steps": "cart_updated > page_view > order_placed"},
    "funnel, exclusion": {"exclude": "call_inbound"},
    "funnel by device": {"by": "device"},
    "funnel by campaign": {"by": "campaign_name", "steps": "email_sent > email_opened > order_placed", "window": "30d"},
}


def questions(release: Path, count: int) -> dict[str, list[str]]:
    """Kind of page -> addresses, drawn from what is in the release."""
    draw = random.Random(SEED)
    with duckdb.connect(str(release), read_only=True) as con:

        def column(sql: str) -> list[Any]:
            return [row[0] for row in con.execute(sql).fetchall()]

        largest = column("select customer_id from customer order by touchpoint_count desc, customer_id limit 1")
        customers = column(
            "select customer_id from customer where email is not null order by hash(customer_id) limit 40"
        )
        emails = column("select email from customer where email is not null order by hash(customer_id) limit 40")
        phones = column("select phone from customer where phone is not null order by hash(customer_id) limit 40")
        names = column("select full_name from customer where full_name is not null order by hash(customer_id) limit 40")
        definitions = column("select distinct journey_definition from journey order by 1")
        stages = column("select distinct lifecycle_stage from customer_360 order by 1")
        days = column("select distinct cast(started_at as date) from journey order by 1")

    def many(path: str, /, **values: Sequence[Any]) -> list[str]:
        picked = [{name: draw.choice(of) for name, of in values.items()} for _ in range(count)]
        return [f"{path}?{urlencode({key: value for key, value in row.items() if value})}" for row in picked]

    types = ["page_view", "landing_page_view", "email_sent", "email_opened", "cart_updated"]
    two = [f"{a},{b}" for a in types for b in types if a != b]
    found = {
        "search form": ["/"],
        "search by e-mail": many("/customers", q=emails),
        "search by telephone": many("/customers", q=phones),
        "search by beginning": many("/customers", q=[str(email)[:4] for email in emails]),
        "search by name": many("/customers", q=names),
        "search in vain": ["/customers?q=nobody+of+that+name", "/customers?q=nobody%40example.org"],
        "customer": [f"/customer/{draw.choice(customers)}" for _ in range(count)],
        "customer with most touchpoints": [f"/customer/{largest[0]}", f"/customer/{largest[0]}?page=2"],
        "journeys": many("/journeys", definition=definitions),
        "journeys, filtered": many("/journeys", definition=definitions, status=["dropped", "converted"], stage=stages)
        + many("/journeys", definition=definitions, **{"from": days[len(days) // 2 :]}),
        "way": many("/way", definition=definitions, direction=["forward", "backward"]),
        "way, one deep": many("/way", definition=definitions, direction=["forward", "backward"], path=types),
        "way, two deep": many("/way", definition=definitions, direction=["forward", "backward"], path=two),
        "way, filtered": many("/way", definition=definitions, path=types, stage=stages, status=["", "dropped"]),
        "people": many("/people", definition=definitions, path=["", *types]),
        "people, page 50": many("/people", definition=definitions, path=["", *types], page=[50]),
        "people as CSV (first byte)": many("/people.csv", definition=definitions, path=two),
    }
    for name, given in FUNNELS.items():
        found[name] = [f"/funnel?{urlencode(given)}"]
    found["people of a funnel"] = [
        f"/funnel/people?{urlencode({**FUNNELS['funnel'], 'step': step, 'state': state})}"
        for step, state in ((1, "reached"), (2, "dropped"), (3, "reached"), (4, "reached"))
    ]
    found["people of another funnel"] = [
        f"/funnel/people?{urlencode({'steps': 'page_view > checkout_started', 'step': 1, 'state': 'dropped'})}"
    ]
    return found


@contextmanager
def explorer(warehouse: Path) -> Iterator[tuple[str, float, int]]:
    """A running explorer: its address, seconds from the command to the first page, and its process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("touchpoint360")
    began = time.perf_counter()
    process = subprocess.Popen(
        [program, "explore", "--warehouse", str(warehouse), "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                ask(address + "/")
                break
            except OSError:
                if process.poll() is not None:
                    sys.exit("the explorer ended before its first answer")
                time.sleep(0.01)
        yield address, time.perf_counter() - began, process.pid
    finally:
        process.terminate()
        process.wait()


def cpu_milliseconds(process: int) -> float:
    """CPU time a process has used so far, all threads; NaN where the system does not say."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask(url: str) -> tuple[float, str]:
    """Milliseconds and text of an answer (a CSV file: to its first byte)."""
    began = time.perf_counter()
    with urllib.request.urlopen(url) as response:
        if ".csv" in url:
            response.read(1)
            took = time.perf_counter() - began
            response.read()
            return 1000 * took, ""
        text = response.read().decode()
    return 1000 * (time.perf_counter() - began), text


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("warehouse", type=Path)
    parser.add_argument("--requests", type=int, default=5, help="addresses of each kind")
    given = parser.parse_args()
    house = Warehouse(given.warehouse.absolute())
    release = house.require_current()
    asked = questions(release.data_file, given.requests)
    print(f"{release.summary['row_counts']['touchpoint']:,} touchpoints, {release.release_id}; milliseconds")
    slow = 0
    with explorer(given.warehouse) as (address, started, process):
        print(f"start to first page: {1000 * started:.0f}")
        print(f"{'':34}{'asked':>6}{'first':>8}{'median':>8}{'slowest':>9}{'CPU':>7}")
        for kind, addresses in asked.items():
            used = cpu_milliseconds(process)
            times = [ask(address + url)[0] for url in addresses]
            used = (cpu_milliseconds(process) - used) / len(times)
            slow += sum(took > LIMIT_MILLISECONDS for took in times)
            over = f"  over {LIMIT_MILLISECONDS}" if max(times) > LIMIT_MILLISECONDS else ""
            print(
                f"{kind:34}{len(times):>6}{times[0]:>8.0f}{statistics.median(times):>8.0f}{max(times):>9.0f}{used:>7.0f}{over}",
                flush=True,
            )
        others = [one.release_id for one in house.releases() if one.release_id != release.release_id]
        for name in [*others[-1:], release.release_id] if others else []:
            house.switch(name)
            took, text = ask(address + "/journeys")
            found = re.search(r"r\d{6}", text)
            print(f"after the switch to {name}: {took:.0f}, answered from {found.group() if found else '?'}")
    print(
        f"{slow} answers took more than {LIMIT_MILLISECONDS} ms"
        if slow
        else f"every answer within {LIMIT_MILLISECONDS} ms"
    )


if __name__ == "__main__":
    main()
