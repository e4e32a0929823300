"""Near misses: the hint that an error about an unknown name ends with.

Not here: the errors themselves.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# A list longer than this helps nobody.
MANY = 40


def nearest(name: str, valid: Iterable[str]) -> str:
    """End of a sentence about an unknown `name`: the nearest valid one, or all of them (when few) when none is near."""
    names = [str(item) for item in valid]
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    if len(names) > MANY:
        return f"; none of the {len(names)} valid names is like it."
    return f"; valid: {', '.join(names)}." if names else "."
