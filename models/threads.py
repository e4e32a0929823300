"""How many threads linear algebra may use inside a finish function: one.

The matrices here are small: on several threads a fit gets no faster, and on a busy machine the threads wait for each
other with full speed (a bootstrap of 1.3 CPU seconds took 18). Not here: DuckDB's and Polars' threads, which do gain.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

P = ParamSpec("P")
R = TypeVar("R")


def single_threaded(function: Callable[P, R]) -> Callable[P, R]:
    """`function` with the BLAS libraries held to one thread while it runs."""

    @wraps(function)
    def held(*args: P.args, **kwargs: P.kwargs) -> R:
        with threadpool_limits(limits=1, user_api="blas"):
            return function(*args, **kwargs)

    return held
