"""Ask a running Superset example for each chart of the dashboard and compare with the release: `python check.py --warehouse DIR`.

Goes through Superset's REST API, as a browser does. With two releases in the warehouse it then makes the one before current
(as a rollback would), asks again, compares again, and puts things back. Exit status 0 when every figure is equal. Runs in the
same environment as Superset (it needs `duckdb` and `requests`).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import duckdb
import requests

# Chart → the query that must give the same total, and the result column that is added up.
EXPECTED = {
    "Journeys": ("select count(*) from journey", "journeys"),
    "Conversion of purchase journeys": (
        "select avg(cast(status = 'converted' as integer)) from journey "
        "where journey_definition = 'purchase' and status <> 'open'",
        "conversion",
    ),
    "Touchpoints per week": (
        "select sum(touchpoint_count - bot_touchpoint_count) from channel_daily "
        "where channel in (select channel from channel_daily group by 1 "
        "order by sum(touchpoint_count - bot_touchpoint_count) desc limit 8)",
        "touchpoints",
    ),
    "How journeys end": ("select count(*) from journey", "journeys"),
    "Where more is lost than elsewhere": (
        "select sum(dropped_count) from drop_off_point "
        "where drop_off_level = 'touchpoint' and is_marked and dropped_share > baseline_share",
        "dropped_count",
    ),
    "Attribution models side by side": (
        "select sum(conversion_credit) from channel_attribution where journey_definition = 'purchase' "
        "and attribution_model in ('first_touch', 'last_touch', 'linear', 'shapley', 'markov_1')",
        "credit",
    ),
}


def main() -> None:
    """Log in, compare, switch, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warehouse", type=Path, required=True)
    parser.add_argument("--url", default="http://127.0.0.1:8088")
    given = parser.parse_args()
    session = requests.Session()
    answer = session.post(
        f"{given.url}/api/v1/security/login",
        json={"username": "admin", "password": "admin", "provider": "db", "refresh": False},
    )
    answer.raise_for_status()
    session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    link = given.warehouse.absolute() / "current"
    now = link.readlink()
    wrong = compare(session, given.url, link)
    others = sorted(path.parent.name for path in (given.warehouse / "releases").glob("*/release.json"))
    earlier = [name for name in others if name < now.name]
    if earlier:
        try:
            point(link, f"releases/{earlier[-1]}")
            wrong += compare(session, given.url, link)
        finally:
            point(link, str(now))
    else:
        print("one release only: the switch was not tried")
    sys.exit(1 if wrong else 0)


def point(link: Path, target: str) -> None:
    """Make `current` another release, atomically, as a night does."""
    temporary = link.with_name("current.check")
    temporary.symlink_to(target)
    temporary.replace(link)


def compare(session: requests.Session, url: str, link: Path) -> int:
    """Each chart's total beside the release's own; returns how many differ."""
    with duckdb.connect(str(link.resolve() / "customer360.duckdb"), read_only=True) as con:
        wanted = {name: con.execute(query).fetchall()[0][0] for name, (query, _) in EXPECTED.items()}
    charts = session.get(f"{url}/api/v1/dashboard/customer-journeys/charts").json()["result"]
    by_name = {chart["slice_name"]: chart for chart in charts}
    wrong = 0
    for name, (_, column) in EXPECTED.items():
        form = by_name[name]["form_data"]
        answer = session.post(f"{url}/api/v1/chart/data", json=query_context(form))
        if answer.status_code != 200:
            print(f"{link.resolve().name}  {name}: status {answer.status_code} {answer.text[:300]}")
            wrong += 1
            continue
        found = sum(row[column] or 0 for row in answer.json()["result"][0]["data"])
        same = abs(found - (wanted[name] or 0)) < 1e-6 * max(1, abs(found))
        wrong += not same
        print(
            f"{link.resolve().name}  {name:<36} {found:>14,.4f}  {'equal' if same else f'DIFFERS from {wanted[name]}'}"
        )
    return wrong


def query_context(form: dict) -> dict:
    """A chart's stored settings as the query that a browser would send for it."""
    datasource, _, kind = form["datasource"].partition("__")
    conditions = [item["sqlExpression"] for item in form.get("adhoc_filters", []) if item["expressionType"] == "SQL"]
    query = {
        "row_limit": form.get("row_limit", 10_000),
        "time_range": "No filter",
        "extras": {"where": " AND ".join(f"({text})" for text in conditions)},
    }
    if form.get("query_mode") == "raw":
        query["columns"] = form["all_columns"]
        query["orderby"] = [json.loads(text) for text in form.get("order_by_cols", [])]
    else:
        query["metrics"] = form.get("metrics") or [form["metric"]]
        query["columns"] = list(form.get("groupby", []))
        if form.get("x_axis"):
            axis = form["x_axis"]
            grain = form.get("time_grain_sqla")
            query["columns"] = [
                {
                    "timeGrain": grain,
                    "columnType": "BASE_AXIS",
                    "sqlExpression": axis,
                    "label": axis,
                    "expressionType": "SQL",
                }
                if grain
                else axis,
                *query["columns"],
            ]
        if form.get("limit"):
            query["series_columns"] = form["groupby"]
            query["series_limit"] = form["limit"]
            query["series_limit_metric"] = query["metrics"][0]
    return {
        "datasource": {"id": int(datasource), "type": kind},
        "queries": [query],
        "result_format": "json",
        "result_type": "full",
        "force": True,
    }


if __name__ == "__main__":
    main()
