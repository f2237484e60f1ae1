"""What a route asks for: the request's session, the wired parts, the time."""

from datetime import datetime
from typing import cast

from flask import current_app, g
from sqlalchemy.orm import sessionmaker

from marketplace.core.clock import Clock
from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.core.parts import Parts
from marketplace.web.areas import GrowingFlask

PARTS = "marketplace.parts"


def session() -> Session:
    """Return the request's session; the edge commits it, nobody else."""
    return cast("Session", current_app.extensions["sqlalchemy"].session)


def sessions() -> sessionmaker[Session]:
    """Return the session factory, for what goes on after the request's own session is closed."""
    return cast("sessionmaker[Session]", current_app.extensions["sqlalchemy"].sessionmaker)


def parts() -> Parts:
    """Return the objects that the application was put together from."""
    return cast("Parts", current_app.extensions[PARTS])


def load_routes() -> None:
    """Load the routes of every area, as a server does before it is sent requests."""
    cast("GrowingFlask", current_app).load()


def now() -> datetime:
    """Return the domain time of this request, the same however often it is asked for."""
    if "now" not in g:
        g.now = parts().get(Clock).now()
    return cast("datetime", g.now)


def request_id() -> str:
    """Return the id under which this request is logged and answered."""
    if "request_id" not in g:
        g.request_id = str(new_id())
    return cast("str", g.request_id)
