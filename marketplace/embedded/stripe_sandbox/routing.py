"""Endpoints declared as data: method, address pattern, parameters, handler; and listings."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from marketplace.embedded.stripe_sandbox.errors import ApiError, no_such
from marketplace.embedded.stripe_sandbox.forms import Field, Form, Int, Text, TimeRange
from marketplace.embedded.stripe_sandbox.render import envelope
from marketplace.embedded.stripe_sandbox.shapes import Json
from marketplace.embedded.stripe_sandbox.work import Work

Args = Mapping[str, str]
Handler = Callable[[Work, Args, Json], Json]


@dataclass(frozen=True)
class Route:
    """One endpoint; ``{name}`` in the pattern stands for one path segment."""

    method: str
    pattern: str
    handler: Handler
    form: Form = field(default_factory=Form)

    @cached_property
    def matcher(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.pattern))


class Router:
    """All routes of the API."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)

    def match(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route for a request; Stripe's 404 if there is none."""
        for route in self.routes:
            found = route.matcher.fullmatch(path)
            if found is not None and route.method == method:
                return route, found.groupdict()
        raise ApiError(
            f"Unrecognized request URL ({method}: {path}): unknown to Stripe, or not covered by "
            "this sandbox.",
            status=404,
            stored=False,
        )


PAGE: Mapping[str, Field] = {
    "limit": Int(low=1, high=100),
    "starting_after": Text(),
    "ending_before": Text(),
}


def page(
    work: Work, kind: str, url: str, params: Json, where: Mapping[str, object] | None = None
) -> Json:
    """One page of a list, newest first, by Stripe's cursors."""
    limit = params.get("limit") or 10
    before = _cursor(work, kind, params, "starting_after")
    after = _cursor(work, kind, params, "ending_before")
    if before is not None and after is not None:
        raise ApiError("Give starting_after or ending_before, not both.", param="starting_after")
    found = work.tx.select(
        kind,
        work.account,
        where,
        created=params.get("created"),
        before=before,
        after=after,
        limit=limit + 1,
    )
    items = found[:limit]
    if after is not None:
        items.reverse()
    return envelope(items, url, has_more=len(found) > limit)


def _cursor(work: Work, kind: str, params: Json, name: str) -> int | None:
    object_id = params.get(name)
    if not object_id:
        return None
    position = work.tx.position(kind, object_id, work.account)
    if position is None:
        raise no_such(kind, object_id, param=name)
    return position


def listing(kind: str, url: str, filters: Mapping[str, Field] | None = None) -> Route:
    """``GET`` of a whole collection with filters on equally named fields."""
    names = dict(filters or {})

    def handler(work: Work, _args: Args, params: Json) -> Json:
        where = {name: params[name] for name in names if params.get(name) is not None}
        return page(work, kind, url, params, where)

    return Route("GET", url, handler, Form({**PAGE, "created": TimeRange(), **names}))


def retrieval(kind: str, url: str) -> Route:
    """``GET`` of one object by the id at the end of its address."""

    def handler(work: Work, args: Args, _params: Json) -> Json:
        return work.load(kind, args["id"], in_url=True)

    return Route("GET", url + "/{id}", handler)


def slice_of(items: list[Json], url: str, params: Json) -> Json:
    """A page of a short list that is held in memory, oldest first."""
    limit = params.get("limit") or 10
    ids = [item["id"] for item in items]
    start, end = 0, len(items)
    for name in ("starting_after", "ending_before"):
        if params.get(name) and params[name] not in ids:
            raise no_such("item", params[name], param=name)
    if params.get("starting_after"):
        start = ids.index(params["starting_after"]) + 1
    if params.get("ending_before"):
        end = ids.index(params["ending_before"])
        start = max(start, end - limit)
    shown = items[start:end][:limit]
    return envelope(shown, url, has_more=end - start > limit)
