"""Running a function in a process of its own and reading what it cost.

Belongs here: CPU seconds, wall seconds and peak memory of a child process. Does not belong here: what is measured.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """What a piece of work took: `cpu_seconds` (user + system, all threads), `wall_seconds`, `peak_megabytes` (RSS)."""

    cpu_seconds: float
    wall_seconds: float
    peak_megabytes: float


def measured(function: str, *arguments: str) -> Cost:
    """Run `module:function(*arguments)` in a new Python process and return its cost; RuntimeError when it fails.

    A process of its own, because peak memory is a mark that a process never lowers again; a new one and not a fork,
    because thread pools of libraries do not survive a fork.
    """
    started = time.monotonic()
    module, _, name = function.partition(":")
    code = f"import sys; from {module} import {name}; {name}(*sys.argv[1:])"
    child = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL)
    _, wait_status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(wait_status)
    wall = time.monotonic() - started
    if child.returncode != 0:
        raise RuntimeError(f"{function} failed; its message stands above")
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * unit / 1e6)
