"""One demo company, three nights one after another, and its release beside its truth: what all tests here ask.

Tables of the release are found by their names, tables of the truth as `truth.<name>`. Beside them, made here:
`truth.found` (the released touchpoints in the words of the truth), `truth.own_customer` (which customers hold an
identifier of a person) and `truth.made` (the touchpoints of people with the customer they were given, where export,
type and second name only one).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.demo.generate import generate
from pipelines.warehouse import Release
from tests.pipelines.nights import quick_night

# With this seed every planted cause of drop-off meets several people, however few there are in all.
CUSTOMERS, SEED, NIGHTS = 900, 1, 3


@dataclass(frozen=True)
class Company:
    """The demo company after its last night; `con` reads release and truth."""

    exports: Path
    releases: list[Release]
    con: duckdb.DuckDBPyConnection

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return self.con.execute(sql).fetchall()

    def value(self, sql: str) -> Any:
        """The one value of a query."""
        rows = self.rows(sql)
        assert len(rows) == 1
        return rows[0][0]


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Three nights on one exports folder that gets one more night's files before each, as a company would run them."""
    folder = tmp_path_factory.mktemp("truth")
    generate(folder / "demo", customers=CUSTOMERS, seed=SEED, nights=NIGHTS)
    exports = folder / "exports"
    exports.mkdir()
    releases = []
    for night in sorted((folder / "demo" / "exports").iterdir()):
        night.rename(exports / night.name)
        releases.append(quick_night([exports], folder / "warehouse", folder / "demo" / "touchpoint360.yaml"))
    con = duckdb.connect()
    con.execute("set TimeZone = 'UTC'")
    con.execute(f"attach '{releases[-1].data_file}' as release (read_only)")
    con.execute(f"attach '{releases[-1].state_file}' as state (read_only)")  # tables that are not published
    con.execute("attach ':memory:' as truth")
    for table in sorted((folder / "demo" / "truth").glob("*.parquet")):
        con.execute(f"create view truth.{table.stem} as from '{table}'")
    con.execute("use release")
    prepare(con)
    yield Company(exports, releases, con)
    con.close()


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """The tables that several tests need, made once."""
    con.execute(
        """
        create table truth.own_customer as
        select distinct person_id, customer_id
        from truth.identifier join customer_identifier using (identifier_type, identifier_value)
        """
    )
    con.execute(
        """
        create table truth.found as
        select touchpoint_id, source_system || '.' || source_export as export, touchpoint_type, customer_id, is_bot,
            date_trunc('second', occurred_at) as occurred_at, occurred_at_precision,
            json_extract_string(attributes, '$.user_agent') as agent,
            json_extract_string(attributes, '$.ip_masked') as network
        from touchpoint
        """
    )
    con.execute(
        """
        create table truth.made as
        with planted as (
            select person_id, is_identified, cast(export as varchar) as export, occurred_at,
                cast(touchpoint_type as varchar) as touchpoint_type
            from truth.touchpoint
        )
        select p.*, f.touchpoint_id, f.customer_id
        from (select *, count(*) over same as alike from planted
            window same as (partition by export, touchpoint_type, occurred_at)) as p
        join (select *, count(*) over same as alike from truth.found
            window same as (partition by export, touchpoint_type, occurred_at)) as f
            using (export, touchpoint_type, occurred_at)
        where p.alike = 1 and f.alike = 1
        """
    )
