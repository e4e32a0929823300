"""Style and script (`style.css`, `script.js`), to stand inside a page.

Does not belong here: what is drawn.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from markupsafe import Markup


@cache
def asset(name: str) -> Markup:
    """Style or script: ours, so taken as it is, but for indents and lines that only comment."""
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    return Markup("\n".join(line.strip() for line in lines if not line.strip().startswith("//")))
