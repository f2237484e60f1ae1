"""The mark that says who may call a view. A test walks the URL map: no view may lack it."""

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])
MARK = "__access__"


def declare(view: View, access: str) -> View:
    """Write `access` (a short sentence, such as `public` or `role:operator`) on the view."""
    setattr(view, MARK, access)
    return view


def open_to_all(view: View) -> View:
    """Declare a view of the web package itself as public."""
    return declare(view, "public")
