"""Running a function in a process of its own and reading what it cost.

Belongs here: CPU seconds, wall seconds and peak memory of a child process. Does not belong here: what is measured.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """What a piece of work took: `cpu_seconds` (user + system, all threads), `wall_seconds`, `peak_megabytes` (RSS)."""

    cpu_seconds: float
    wall_seconds: float
    peak_megabytes: float


def measured(work: Callable[[], None]) -> Cost:
    """Run `work` in a forked child and return its cost; raises RuntimeError when the child fails.

    A process of its own, because peak memory is a mark that a process never lowers again.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    _, wait_status, usage = os.wait4(child, 0)
    wall = time.monotonic() - started
    if os.waitstatus_to_exitcode(wait_status) != 0:
        raise RuntimeError("the measured work failed; its message stands above")
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * unit / 1e6)


def own_cpu_seconds() -> float:
    """CPU seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
