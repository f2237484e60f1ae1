"""Loading code by its name, when it is first needed rather than when a process starts.

One thread loads at a time: two that import packages which need each other could each wait for
what the other has begun.
"""

import threading
from importlib import import_module
from typing import Any

_loading = threading.RLock()


def named(name: str) -> Any:
    """Return what `package.module:attribute` names; an error of the import is the caller's."""
    module, _, attribute = name.partition(":")
    with _loading:
        return getattr(import_module(module), attribute)
