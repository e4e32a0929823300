"""Which tests share a worker, and which begin: those of a file stay together, and those of folders that share a costly release.

Does not belong here: fixtures (the folders' own conftest.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

# Folders whose tests ask one release, made once; and files in them that make their own.
TOGETHER = ("tests/truth/", "tests/look/")
ALONE = ("test_real_exports.py", "test_planted_effects.py")
# What takes long begins, so that no worker waits for the other one at the end.
LONG = ("tests/pipelines/test_night.py", "tests/truth/", "tests/pipelines/test_kill.py", "tests/look/")
FIRST = (*LONG, "tests/pipelines/", "tests/sql/")


def group(nodeid: str) -> str:
    """The group of a test: its folder where that shares a release, else its file."""
    file = nodeid.split("::")[0]
    return next((name for name in TOGETHER if file.startswith(name) and not file.endswith(ALONE)), file)


def rank(item: pytest.Item) -> int:
    """Place of a test's group in the order of work."""
    return next((place for place, name in enumerate(FIRST) if item.nodeid.startswith(name)), len(FIRST))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the groups that take long first."""
    items.sort(key=rank)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Each group on one worker. (The marks of `--dist loadgroup` go unheard with pytest 9.2 and pytest-xdist 3.8.)"""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    return Groups(config, log)
