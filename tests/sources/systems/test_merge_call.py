"""RudderStack's merge calls are links between the two ids they name."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def test_a_merge_call_links_the_two_ids_it_names(run_text: Callable[..., Any]) -> None:
    """As the RudderStack documentation prints it: `mergeProperties` holds two ids with their types."""
    call = {
        "type": "merge",
        "messageId": "m1",
        "anonymousId": "a1",
        "context": {},
        "receivedAt": "2026-03-04T10:00:00Z",
        "mergeProperties": [
            {"type": "email", "value": "anna@example.org"},
            {"type": "user_id", "value": "u1"},
        ],
    }
    alias = {
        **{name: call[name] for name in ("anonymousId", "context", "receivedAt")},
        "type": "alias",
        "messageId": "m2",
        "userId": "u2",
        "previousId": "old",
    }
    rows = run_text("segment.alias", "".join(json.dumps(line) + "\n" for line in (call, alias))).rows
    assert sorted((row["left_type"], row["left_value"], row["right_type"], row["right_value"]) for row in rows) == [
        ("email", "anna@example.org", "login", "u1"),
        ("login", "u2", "cookie", "old"),
        ("login", "u2", "login", "old"),
    ]
