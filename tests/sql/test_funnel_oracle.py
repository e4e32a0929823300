"""Funnels against a search that tries every chain of touchpoints: slow, but the definition in words."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise, product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.configuration import Configuration
from tests.sql.runner import Room, load_configuration_of
from tests.sql.test_properties import START, scope

STEPS = ["page_view", "cart_updated", "order_placed"]
KINDS = [*STEPS, "order_cancelled", "chat"]
HOURS = [0, 1, 2, 12, 23, 24, 25, 30, 48]

visits = st.lists(st.tuples(st.sampled_from(HOURS), st.sampled_from(KINDS)), max_size=9)


def configured(mode: str) -> Configuration:
    funnel = {"mode": mode, "window_days": 1, "steps": STEPS, "exclusions": ["order_cancelled"]}
    others = dict.fromkeys(("webshop", "lead_to_order", "order_to_door", "service"))
    return load_configuration_of({"funnels": {**others, "shop": funnel}}, Path("oracle/case.yaml"))


def deepest(walk: list[tuple[timedelta, str]], mode: str) -> int:
    """Steps reached by the best chain; `walk` is in total order."""
    window = timedelta(days=1)
    best = 0
    for depth in range(1, len(STEPS) + 1):
        places = [[place for place, (_, kind) in enumerate(walk) if kind == step] for step in STEPS[:depth]]
        for chain in product(*places):
            low, high = min(chain), max(chain)
            if any(kind == "order_cancelled" for _, kind in walk[low : high + 1]):
                continue
            if mode == "unordered":
                fits = walk[high][0] - walk[low][0] <= window
            else:
                fits = list(chain) == sorted(chain) and walk[chain[-1]][0] - walk[chain[0]][0] <= window
                if mode == "strict":
                    fits = fits and all(later - earlier == 1 for earlier, later in pairwise(chain))
            if fits:
                best = depth
                break
    return best


@pytest.mark.parametrize("mode", ["ordered", "strict", "unordered"])
@settings(max_examples=40, deadline=None)
@given(visits)
def test_funnel_finds_the_best_chain(mode: str, visit: list[tuple[int, str]]) -> None:
    rows = [(1, hours * 60, kind, "second", False, None, None) for hours, kind in visit]
    room = Room({"touchpoint_scope": scope(rows)}, configured(mode))
    room.build("funnel_progress")
    ordered = room.rows(
        "select occurred_at, touchpoint_type from spine join touchpoint_type using (touchpoint_type_code)"
        " order by occurred_at, spine.sort_rank, touchpoint_id"
    )
    walk = [(occurred_at - START, kind) for occurred_at, kind in ordered]
    found = room.rows("select coalesce(max(step_number), 0) from funnel_progress where funnel = 'shop'")
    assert found == [(deepest(walk, mode),)]
