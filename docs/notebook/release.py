"""A notebook on the current release: open it with `marimo edit docs/notebook/release.py`, or run it as a script.

TOUCHPOINT360_WAREHOUSE says which warehouse (default: demo/warehouse). Needs `pip install marimo`.
"""

import marimo

__generated_with = "0.14"
app = marimo.App(width="medium", app_title="touchpoint360: a first look at a release")


@app.cell
def _():
    import os
    from pathlib import Path

    import duckdb
    import marimo as mo

    warehouse = Path(os.environ.get("TOUCHPOINT360_WAREHOUSE", "demo/warehouse"))
    file = warehouse / "current" / "customer360.duckdb"
    # Read-only: a nightly switch neither waits for this notebook nor pulls the file away under it.
    con = duckdb.connect(str(file), read_only=True)

    def ask(query):
        """A query's result as a Polars frame."""
        return con.sql(query).pl()

    return ask, mo


@app.cell
def _(ask, mo):
    release = ask("select release_id, data_date_at, touchpoint_count, customer_count from release order by release_id")
    mo.vstack([mo.md("# A first look at a release"), release])
    return (release,)


@app.cell
def _(ask, mo):
    journeys = ask(
        """
        select journey_definition, status, count(*) as journeys, median(duration_seconds) / 86400 as median_days
        from journey
        group by all
        order by all
        """
    )
    mo.vstack([mo.md("## How journeys end"), journeys])
    return (journeys,)


@app.cell
def _(ask, mo):
    lost = ask(
        """
        select journey_definition, touchpoint_type, dropped_count, dropped_share, dropped_share_low, dropped_share_high
        from drop_off_point
        where drop_off_level = 'touchpoint' and is_marked and dropped_share > baseline_share
        order by dropped_count desc
        limit 10
        """
    )
    mo.vstack([mo.md("## Where more is lost than elsewhere"), lost])
    return (lost,)


@app.cell
def _(ask, mo):
    import polars as pl

    weeks = ask(
        """
        select cast(date_trunc('week', activity_date) as date) as week, channel, sum(touchpoint_count) as touchpoints
        from channel_daily
        group by all
        order by all
        """
    )
    wide = weeks.pivot(on="channel", index="week", values="touchpoints").fill_null(0).sort("week")
    busiest = weeks.group_by("channel").agg(pl.col("touchpoints").sum()).sort("touchpoints", descending=True)
    mo.vstack([mo.md("## Channels by week"), busiest, wide])
    return busiest, wide


@app.cell
def _(busiest, journeys, lost, mo, release):
    # The last cell says in words what the tables above hold.
    top = busiest.row(0, named=True)
    summary = (
        f"{release.height} release(s); {journeys['journeys'].sum():,} journeys; {lost.height} marked drop-off points; "
        f"the busiest channel is {top['channel']} with {top['touchpoints']:,} touchpoints."
    )
    print(summary)
    mo.md(summary)
    return


if __name__ == "__main__":
    app.run()
