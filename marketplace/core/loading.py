"""Loading code by its name, when it is first needed rather than when a process starts."""

from importlib import import_module
from typing import Any


def named(name: str) -> Any:
    """Return what `package.module:attribute` names; an error of the import is the caller's."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
