"""The numeric libraries, loaded at their first use.

Workers and commands have them; the web process starts, and answers, without them. They are
fetched here and nowhere else, so that one look shows what the arithmetic leans on.
"""

from importlib import import_module
from typing import Any


def numpy() -> Any:
    """Arrays."""
    return import_module("numpy")


def special() -> Any:
    """Quantiles of the beta distribution."""
    return import_module("scipy.special")


def stats() -> Any:
    """Probabilities of the binomial distribution."""
    return import_module("scipy.stats")


def optimize() -> Any:
    """Integer programming (HiGHS)."""
    return import_module("scipy.optimize")


def sparse() -> Any:
    """Sparse matrices for integer programs."""
    return import_module("scipy.sparse")
