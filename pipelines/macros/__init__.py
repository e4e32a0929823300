"""The analysts' macros of a release: DuckDB table macros that ask for the people and ways behind the published numbers.

One file per macro, `<name>.sql`: a header (what it answers, an example) and one CREATE MACRO over the published tables. They
run in DuckDB only, so they may use what `sql/` may not. Does not belong here: tables (`sql/`), the night that writes the macros
into the release.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Macro:
    """One macro: `signature` as documented, `text` the CREATE statement, `example` a query that runs on any release."""

    name: str
    signature: str
    description: str
    example: str
    text: str


class MacroError(ValueError):
    """A macro file without its header; the text says which and what is missing."""


@cache
def load_macros() -> dict[str, Macro]:
    """All macros by name."""
    return {path.stem: read_macro(path) for path in sorted(Path(__file__).parent.glob("*.sql"))}


def read_macro(path: Path) -> Macro:
    """One macro file. Raises MacroError when header, example or statement are not as agreed."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    count = next((number for number, line in enumerate(lines) if not line.startswith("--")), len(lines))
    header = [line.removeprefix("--").strip() for line in lines[:count]]
    examples = [line.removeprefix("example:").strip() for line in header if line.startswith("example:")]
    signature, _, description = " ".join(line for line in header if not line.startswith("example:")).partition(": ")
    if not signature.startswith(f"{path.stem}("):
        raise MacroError(f"{path.name}: the first line is '-- {path.stem}(arguments): what it answers'.")
    if len(examples) != 1:
        raise MacroError(f"{path.name}: the header has one line '-- example: from {path.stem}(…)'.")
    if f"create or replace macro {path.stem}(" not in text:
        raise MacroError(f"{path.name}: creates another macro than {path.stem}.")
    return Macro(path.stem, signature, description, examples[0], text)
