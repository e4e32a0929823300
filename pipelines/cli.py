"""The command line: `touchpoint360 …`.

Belongs here: which commands there are, and how an error ends. Does not belong here: the commands (`commands/`) and their work.
"""

from __future__ import annotations

import sys
from typing import Any

import typer

from pipelines.commands import explore, exports, identity, journeys, measures, new_source, night, release
from pipelines.commands.common import EXIT_FAILED, EXIT_USAGE, UserError

app = typer.Typer(
    name="touchpoint360",
    help="Customer event analytics from system exports: every contact moment, who it was, where customers are lost.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.command(epilog="Example: touchpoint360 run --exports exports/ --warehouse warehouse/")(night.run)
app.command(epilog="Example: touchpoint360 inspect exports/orders.csv")(exports.inspect)
app.command(epilog="Example: touchpoint360 new-source till_march.csv --into my_systems --name till.receipt")(
    new_source.new_source
)
app.command(epilog="Example: touchpoint360 sources zendesk.ticket")(exports.sources)
app.command(epilog="Example: touchpoint360 generate --customers 2000 --seed 360 --nights 3 --out demo/")(
    exports.generate
)
app.command(epilog="Example: touchpoint360 status")(night.status)
app.command(epilog="Example: touchpoint360 releases --json")(night.releases)
app.command(epilog="Example: touchpoint360 rollback --to r000002")(night.rollback)
app.command(epilog='Example: touchpoint360 sql "select channel, count(*) from touchpoint group by all"')(release.sql)
app.command(
    epilog="Example: touchpoint360 funnel 'ad_click > page_view > order_placed' --window 7d --by channel_detail"
)(journeys.funnel)
app.command(epilog="Example: touchpoint360 export-process --format ocel --definition service --out service.json")(
    journeys.export_process
)
app.command(epilog="Example: touchpoint360 explore --warehouse warehouse/")(explore.explore)
app.command(epilog="Example: touchpoint360 explain email:anna@example.org customer_number:10001")(identity.explain)
app.command(epilog="Example: touchpoint360 review --out review.csv")(identity.review)
app.command(epilog="Example: touchpoint360 ui --exports exports/ --port 3000")(release.ui)
app.command(epilog="Example: touchpoint360 tables --out docs/tables.md")(release.tables)
app.command(epilog="Example: touchpoint360 attribute paths.csv --separator '>'")(measures.attribute)
app.command(epilog="Example: touchpoint360 suggestions --for salesforce --out tasks.csv")(measures.suggestions)


def user_errors() -> tuple[type[Exception], ...]:
    """Exceptions whose text is meant for the user; all others are defects and keep their traceback."""
    import duckdb

    from models.configuration import ConfigurationError
    from pipelines.model_files import ModelError
    from pipelines.night.run import NightError
    from pipelines.query import QueryError
    from pipelines.warehouse import WarehouseError
    from sources.spec import SpecError

    return (
        UserError,
        ConfigurationError,
        ModelError,
        NightError,
        QueryError,
        WarehouseError,
        SpecError,
        duckdb.IOException,
        FileNotFoundError,
        PermissionError,
        ValueError,
    )


def text_of(error: Exception) -> str:
    """What an error says; of the system's own about files what, where and what to do."""
    if isinstance(error, FileNotFoundError) and error.filename is not None:
        return f"{error.filename} does not exist, nor can it be made. Check the path."
    if isinstance(error, PermissionError) and error.filename is not None:
        return (
            f"{error.filename} may not be read or written by this user. Check its permissions, or choose another path."
        )
    return str(error)


def main() -> Any:
    """Entry point: user mistakes end with one line on stderr and exit status 1 (2 for wrong arguments)."""
    try:
        app()
    except KeyboardInterrupt:
        print("interrupted; the current release is unchanged", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if not isinstance(error, user_errors()):
            raise
        print(f"touchpoint360: {text_of(error)}", file=sys.stderr)
        sys.exit(EXIT_USAGE if isinstance(error, UserError) else EXIT_FAILED)


if __name__ == "__main__":
    main()
