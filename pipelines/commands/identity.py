"""Commands about who is who: why a customer is one customer, and which pairs a person should look at.

Does not belong here: the work (`pipelines/explain.py`, `pipelines/explain_text.py`, `pipelines/review.py`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.common import DEFAULT_WAREHOUSE, ConfigOption, JsonOption, WarehouseOption, working


def explain(
    one: Annotated[str, typer.Argument(metavar="ID1", help="A customer_id, or an identifier as type:value.")],
    other: Annotated[
        str | None, typer.Argument(metavar="[ID2]", help="A second one: what joins or parts the two.")
    ] = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain a customer: identifiers, links, what was held back, the golden record's sources, the history of the id."""
    from models.configuration import load_configuration
    from pipelines.configured import configuration_file
    from pipelines.explain import explain as answer_of
    from pipelines.explain_text import explanation_text

    settings = load_configuration(config or configuration_file())
    with working("looking up"):
        answer = answer_of(
            warehouse, [one] if other is None else [one, other], settings.default_country, settings.identity.matching
        )
    print(json.dumps(answer, indent=2, default=str) if as_json else explanation_text(answer))


def review(
    out: Annotated[
        Path | None, typer.Option("--out", help="CSV file to write or add to (default: print how many).")
    ] = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only the likeliest so many.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write pairs of customers who may be one person, to be filled in and named under identity.decisions.

    A file that is there already keeps what was filled in, and gets the pairs that came since.
    """
    from pipelines.review import review_rows, write_review

    with working("comparing"):
        rows = review_rows(warehouse, limit)
    if as_json:
        print(json.dumps(rows, indent=2, default=str))
        return
    count = f"{len(rows)} pair{'' if len(rows) == 1 else 's'}"
    if out is None:
        print(f"{count} to review; --out FILE writes them.")
        return
    if not rows and not out.exists():
        print("0 pairs to review; nothing written.")
        return
    added, before = write_review(rows, out)
    print(f"{count} to review, {added} of them new in {out}" + (f", which had {before}." if before else "."))
    if added:
        print("Fill in same or different under `decision`. Each night reads the file that touchpoint360.yaml names:")
        # The configuration reads it relative to itself.
        print(f"  identity: {{decisions: {out.name if out.absolute().parent == Path.cwd() else out.resolve()}}}")
