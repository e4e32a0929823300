"""`make bench-identity`, second part: what identity resolution costs, over all evidence and in a night that brings a
tenth more.

Usage: python -m benchmarks.identity_speed [millions of touchpoints, default 5]

Generated touchpoints as ingest leaves them, of one person per ten; the second night is about every tenth of them, and new people:
browsing under a cookie, logins, newsletters, orders
with customer number, e-mail address and telephone; households that share a telephone and a tablet; one switchboard.
Measured is step 7 of a night as the night runs it: normalising and coding identifiers, evidence and pairs, guards,
resolution, ids, their history, shared devices. Not measured: reading the files before, the customers' tables after. CPU
seconds are user and system of all threads.
"""

from __future__ import annotations

import datetime as dt
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

MEMORY_LIMIT = "500MB"
SECRET = b"360" * 12
# Households are of three.
PERSON_EVENTS = 10


def make_events(folder: str, millions: str) -> None:
    """`first.parquet` and `second.parquet`: the touchpoints of the first night and of a night with a tenth more."""
    import duckdb

    count = round(float(millions) * 1e6)
    people = count // PERSON_EVENTS
    con = duckdb.connect()
    con.execute("set enable_progress_bar = false")
    con.execute("set threads = 2")
    con.execute("set memory_limit = '1500MB'")
    # The second night is about every tenth of them and as many new people as a tenth of those.
    for name, start, size, person in (
        ("first", 0, count, f"dice % {people}"),
        (
            "second",
            count,
            count // 10,
            f"case when dice % 10 = 0 then {people} + dice % {people // 100} else dice % {people // 10} * 10 end",
        ),
    ):
        con.execute(
            f"""
            copy (
                with event as (
                    select i as number, md5_number_lower(cast(i as varchar)) % 1000000 as kind_dice,
                        cast(md5_number_lower('person' || i) % 1000000007 as bigint) as dice,
                        timestamp '2026-01-01' + to_seconds(cast(i * 7 % 31536000 as bigint)) as occurred_at
                    from range({start}, {start + size}) as t(i)
                ),
                named as (
                    select number, occurred_at, kind_dice % 100 as kind, person, person // 3 as household,
                        'c' || person || '-' || kind_dice % 2 as cookie, 'tablet' || (person // 3) as tablet,
                        'person' || person || '@example.org' as email, '+316' || lpad(cast(person as varchar), 8, '0') as phone
                    from (select *, {person} as person from event)
                )
                select cast(md5_number_lower('t' || number) >> 2 as bigint) as touchpoint_id, occurred_at,
                    'second' as occurred_at_precision, 'web' as source_system, 'event' as source_export,
                    case
                        when kind < 60 then [{{'type': 'cookie', 'value': cookie}}]
                        when kind < 64 then [{{'type': 'cookie', 'value': tablet}}]
                        -- a household in ten shares a tablet, another a telephone; one person in fifty has an office's number
                        when kind < 66 and household % 10 = 0
                            then [{{'type': 'cookie', 'value': tablet}}, {{'type': 'login', 'value': 'u' || person}}]
                        when kind < 78 then [{{'type': 'cookie', 'value': cookie}}, {{'type': 'login', 'value': 'u' || person}}]
                        when kind < 88 then [{{'type': 'email', 'value': email}}]
                        when kind < 92 then [{{'type': 'login', 'value': 'u' || person}}, {{'type': 'email', 'value': email}}]
                        when kind < 97 then [{{'type': 'customer_number', 'value': cast(person as varchar)}},
                            {{'type': 'email', 'value': email}}]
                        when kind < 98 then [{{'type': 'customer_number', 'value': cast(person as varchar)}},
                            {{'type': 'phone', 'value': case when person % 50 = 0 then '+31201234567'
                                when household % 10 = 5 then '+3120' || lpad(cast(household as varchar), 7, '0')
                                else phone end}}]
                        when kind < 99 then [{{'type': 'zendesk.user', 'value': cast(person as varchar)}},
                            {{'type': 'email', 'value': email}}]
                        else [{{'type': 'phone', 'value': case when person % 50 = 0 then '+31201234567' else phone end}}]
                    end as identifiers
                from named
            ) to '{folder}/{name}.parquet'
            """
        )


def two_nights(folder: str) -> None:
    """Both nights on one state; what each cost goes to `cost.json`."""
    import pyarrow as pa

    from models.configuration import load_configuration
    from models.contract import load_contracts
    from pipelines.night.identity import prepare_identity, resolve_night
    from pipelines.night.session import Session
    from sources.spec import SourceCatalog

    (Path(folder) / "work").mkdir()
    session = Session(Path(folder) / "work", MEMORY_LIMIT, 2)
    prepare_identity(session)
    for table, columns in (
        ("party_record_new", load_contracts()["party_record"].ddl() + ", problem varchar"),
        (
            "identifier_link_new",
            "identifier_link_id bigint, linked_at timestamp, source_system varchar, source_export varchar, "
            "left_type varchar, left_value varchar, right_type varchar, right_value varchar",
        ),
    ):
        session.run(f"create table scratch.ingest.{table} ({columns})")
    for table in ("touchpoint", "party_record", "identifier_link"):
        session.store(f"scratch.main.{table}_removed", pa.table({"record_id": pa.array([], pa.int64())}))
    costs = []
    for number, night in enumerate(("first", "second"), start=1):
        session.run(
            f"create or replace table scratch.ingest.touchpoint_new as from read_parquet('{folder}/{night}.parquet')"
        )
        cpu, wall = time.process_time(), time.monotonic()
        customers, _ = resolve_night(
            session,
            load_configuration(None),
            SourceCatalog({}),
            SECRET,
            f"r{number:06d}",
            dt.datetime(2026, 12, 31),
        )
        costs.append(
            {
                "night": night,
                "touchpoints": session.value("select count(*) from scratch.ingest.touchpoint_new"),
                "identifiers": session.value("select count(*) from state.main.identifier"),
                "pairs": session.value("select count(*) from state.main.identifier_pair"),
                "reached": session.value("select count(*) from scratch.main.reached_code"),
                "customers": customers,
                "cpu_seconds": round(time.process_time() - cpu, 1),
                "wall_seconds": round(time.monotonic() - wall, 1),
                "peak_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6),
            }
        )
    (Path(folder) / "cost.json").write_text(json.dumps(costs), encoding="utf-8")


def main() -> None:
    """Print a table of both nights."""
    from benchmarks.measure import measured

    millions = sys.argv[1] if len(sys.argv) > 1 else "5"
    with tempfile.TemporaryDirectory() as folder:
        measured("benchmarks.identity_speed:make_events", folder, millions)
        measured("benchmarks.identity_speed:two_nights", folder)
        costs = json.loads((Path(folder) / "cost.json").read_text(encoding="utf-8"))
    print(f"Identity resolution, {millions} million touchpoints (targets at 5: 20 s, a tenth more 3 s, 2,000 MB)")
    names = list(costs[0])
    print("  ".join(f"{name:>14}" for name in names))
    for cost in costs:
        print(
            "  ".join(
                f"{cost[name]:>14,}" if not isinstance(cost[name], str) else f"{cost[name]:>14}" for name in names
            )
        )


if __name__ == "__main__":
    main()
