"""What the commands share: a transaction, the time, and errors as one readable line."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar, cast

import click
from flask import current_app

from marketplace.app import sessions_of
from marketplace.core.clock import Clock
from marketplace.core.db import Session, edge
from marketplace.core.errors import DomainError
from marketplace.core.parts import Parts
from marketplace.web import context

Command = TypeVar("Command", bound=Callable[..., Any])


def parts() -> Parts:
    """Return the application's wired objects."""
    return context.parts()


def now() -> Any:
    """Return the domain time."""
    return parts().get(Clock).now()


@contextmanager
def transaction() -> Iterator[Session]:
    """One unit of work that commits at its end."""
    with sessions_of(cast("Any", current_app)._get_current_object())() as session, edge(session):  # noqa: SLF001 - flask's own way to the application behind the proxy
        yield session


def readable(command: Command) -> Command:
    """Turn a refusal into its sentence and fields on standard error, with exit status 1."""

    @wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except DomainError as error:
            click.echo(f"{error.title} {error.detail or ''}".rstrip(), err=True)
            for name, messages in error.fields.items():
                click.echo(f"  {name}: {'; '.join(messages)}", err=True)
            sys.exit(1)

    return cast("Command", wrapper)


def table(headings: list[str], rows: list[list[Any]]) -> None:
    """Print rows below headings, each column as wide as its widest value, 60 at most.

    The last one is shown whole: it says what to do.
    """
    cells = [[*map(_short, row[:-1]), _line(row[-1])] for row in [headings, *rows]]
    widths = [max(len(row[place]) for row in cells) for place in range(len(headings))]
    for row in cells:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def _line(value: Any) -> str:
    return "" if value is None else str(value).replace("\n", " ")


def _short(value: Any) -> str:
    text = _line(value)
    return text if len(text) <= 60 else text[:59] + "…"  # noqa: PLR2004 - a column's width
