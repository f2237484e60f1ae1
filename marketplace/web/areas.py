"""Areas: the parts of the API that are loaded when a request first asks for one of them.

A process that answers searches needs no code for payouts, and a command none of the routes.
Nobody matches against a map that is being added to: an area's routes are written into a copy of
the map, which takes its place when it is whole.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Self

import flask
from flask import Flask
from werkzeug.routing import Map, Rule

API = "/api/v1"


def head(path: str) -> str:
    """Return what decides who answers: `/api/v1/listings` of `/api/v1/listings/7`, `/a` of `/a/b`."""
    below, api = (path[len(API) :], API) if path.startswith(f"{API}/") else (path, "")
    return f"{api}/{below.split('/', 2)[1]}" if below.startswith("/") else path


class Areas:
    """Which packages answer below which paths, and which of them wait to be loaded.

    `table` has the `head` of paths and the packages with routes there; `find` imports a package's.
    """

    def __init__(
        self, table: Mapping[str, Iterable[str]], find: Callable[[str], Iterable[flask.Blueprint]]
    ) -> None:
        self._find = find
        self._waiting = {path: frozenset(packages) for path, packages in table.items()}
        self._loaded: set[str] = set()
        self.lock = threading.RLock()

    def waiting(self, path: str | None = None) -> frozenset[str]:
        """Return the packages that a request for `path` waits for; all that wait without one."""
        if path is None:
            return frozenset[str]().union(*self._waiting.values())
        return self._waiting.get(head(path), frozenset()) if self._waiting else frozenset()

    def blueprints(self, packages: Iterable[str]) -> list[flask.Blueprint]:
        """Import the routes of `packages` that still wait, and return them; with the lock held."""
        return [
            blueprint
            for package in sorted(set(packages) - self._loaded)
            for blueprint in self._find(package)
        ]

    def done(self, packages: Iterable[str]) -> None:
        """Note that they are served; with the lock held."""
        self._loaded.update(packages)
        left = {path: waiting - self._loaded for path, waiting in self._waiting.items()}
        # A new table, not a changed one: requests read it without the lock.
        self._waiting = {path: waiting for path, waiting in left.items() if waiting}


class CopiedRule(Rule):
    """A rule whose copy is as it is, with what Flask and its OpenAPI library note on the rule."""

    provide_automatic_options: bool

    def empty(self) -> Self:
        copy = type(self)(self.rule, **self.get_empty_kwargs())
        copy.provide_automatic_options = self.provide_automatic_options
        copy.defaults = self.defaults
        return copy


class GrowingFlask(Flask):
    """Flask that loads an area's routes with the first request for it."""

    url_rule_class = CopiedRule
    areas: Areas
    register_area: Callable[[flask.Blueprint], None]
    """Puts a blueprint of an area on the application. Both are set by `create_app`."""
    _served: Map
    _draft: Map | None = None
    _drafting: int | None = None

    @property
    def url_map(self) -> Map:
        """The routes; for the thread that loads an area, those that will be."""
        mine = self._drafting == threading.get_ident()
        return self._draft if mine and self._draft is not None else self._served

    @url_map.setter
    def url_map(self, routes: Map) -> None:
        self._served = routes

    def load(self, path: str | None = None) -> None:
        """Load what a request for `path` waits for, everything without one; harmless again."""
        if not self.areas.waiting(path):
            return
        with self.areas.lock:
            packages = self.areas.waiting(path)
            if not packages:
                # Another thread was faster.
                return
            blueprints = self.areas.blueprints(packages)
            self._draft = Map([rule.empty() for rule in self._served.iter_rules()])
            self._draft.converters = self._served.converters
            self._drafting = threading.get_ident()
            try:
                for blueprint in blueprints:
                    self.register_area(blueprint)
                self._draft.update()
                self._served = self._draft
            finally:
                self._drafting = self._draft = None
            self.areas.done(packages)

    def request_context(self, environ: dict[str, object]) -> flask.ctx.RequestContext:
        self.load(str(environ.get("PATH_INFO", "/")))
        return super().request_context(environ)

    def _check_setup_finished(self, f_name: str) -> None:
        """Let the thread that loads an area add to the application while others are served.

        Flask refuses what would change requests under way; a blueprint's routes change none.
        """
        if self._drafting != threading.get_ident():
            super()._check_setup_finished(f_name)
