"""Which tests share a worker: those of a file, and those of folders that share a costly release.

Does not belong here: fixtures (the folders' own conftest.py).
"""

from __future__ import annotations

import pytest

# Folders whose tests ask one release, made once a worker; and files in them that make their own.
TOGETHER = ("tests/truth/", "tests/look/")
ALONE = ("test_real_exports.py", "test_planted_effects.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test the group that `--dist loadgroup` keeps on one worker."""
    for item in items:
        file = item.nodeid.split("::")[0]
        folder = next((name for name in TOGETHER if file.startswith(name) and not file.endswith(ALONE)), None)
        item.add_marker(pytest.mark.xdist_group(folder or file))
