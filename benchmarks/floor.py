"""The floor of a night: DuckDB reading the same export files into typed tables, and nothing else.

No row numbers, no quarantine, no ledger, no identities: what a hand-written loading script would cost at the least.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

# Lines of the combined log format, split by one expression; what does not match becomes NULLs.
LOG_PATTERN = r'^(\S+) (\S+) (\S+) \[([^\]]+)\] "(\S+) (\S+) ([^"]*)" (\d{3}) (\d+|-) "([^"]*)" "([^"]*)"'
LOG_FIELDS = "['host','ident','login','time','method','target','protocol','status','bytes','referrer','agent']"


def read_everything(folder: str, database: str) -> int:
    """Load every export below `folder` into typed tables of a new DuckDB file; returns the number of rows.

    CSV and JSON with DuckDB's own detection and types, XML as text (DuckDB cannot read it), logs by one expression.
    """
    rows = 0
    con = duckdb.connect(database)
    con.execute("set preserve_insertion_order = false")
    for number, path in enumerate(sorted(path for path in Path(folder).rglob("*") if path.is_file())):
        source = "'" + str(path).replace("'", "''") + "'"
        name = path.name.removesuffix(".gz")
        if name.endswith((".jsonl", ".ndjson", ".json")):
            query = f"from read_json({source}, maximum_object_size = 100000000, ignore_errors = true)"
        elif ".log" in name:
            query = (
                f"select fields.*, try_strptime(fields.time, '%d/%b/%Y:%H:%M:%S %z') as occurred_at, "
                f"try_cast(fields.status as integer) as status_code from (select regexp_extract(line, '{LOG_PATTERN}', "
                f"{LOG_FIELDS}) as fields from read_csv({source}, columns = {{'line': 'VARCHAR'}}, delim = '\\x01', "
                "quote = '', escape = '', header = false, auto_detect = false, ignore_errors = true, "
                f"max_line_size = 10000000, compression = '{'gzip' if path.name.endswith('.gz') else 'none'}'))"
            )
        elif name.endswith(".csv"):
            query = f"from read_csv({source}, ignore_errors = true)"
        else:
            query = f"select content from read_text({source})"
        con.execute(f"create table t{number} as {query}").fetchall()
        rows += con.execute(f"select count(*) from t{number}").fetchone()[0]  # type: ignore[index]
    con.close()
    return rows
