"""`Idempotency-Key`: the same POST sent twice takes effect once.

The answer is remembered in the transaction of the effect: both exist or neither. The key is locked
for the length of that transaction, so that a second request meets a 409 and not a second effect;
where it slips past the lock, the answers' primary key takes its effect back.
Refusals (4xx) are not remembered: nothing happened, and asking again may rightly succeed.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from flask import Response, g, request
from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    TextClause,
    and_,
    bindparam,
    delete,
    func,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response as BaseResponse

from marketplace.core import rows
from marketplace.core.db import Session, affected, fetch
from marketplace.core.errors import Conflict, DomainError, Invalid
from marketplace.web import context
from marketplace.web.models import RememberedAnswer

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
LONGEST_KEY = 255
REFUSED = 400
ANONYMOUS = "anonymous"
REMEMBERED_HEADERS = ("Content-Type", "Location", "ETag")


class InFlight(Conflict):
    code = "idempotency_in_flight"
    title = "A request with this Idempotency-Key is still being worked on. Please try again."


class KeyReused(Invalid):
    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used for another request. Use a new key for a new request."


CONSTRAINTS: Mapping[str, type[DomainError]] = {"pk_remembered_answer": InFlight}


class BadKey(Invalid):
    code = "idempotency_key_invalid"
    title = f"An Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters."


class Claim:
    """What a request with a key asks of the database: is the key free, is there an answer to it?

    Who looks up the caller may ask both in that same statement (`asked_with`, `values`, `take`);
    else `ask` does.
    """

    def __init__(self, key: str, fingerprint: bytes) -> None:
        self.key = key
        self.fingerprint = fingerprint
        self.settled = False
        self._free = False
        self._answered = False

    @property
    def values(self) -> dict[str, str]:
        """The values of what `asked_with` adds to a query."""
        return {"claimed_key": self.key}

    def take(self, *, free: bool, answered: bool) -> None:
        """Take the two columns that `asked_with` has added."""
        self.settled, self._free, self._answered = True, free, answered

    def ask(self, session: Session, owner: str) -> None:
        """Ask in a statement of its own."""
        free, answered = session.execute(_ask(), {"claimed_owner": owner, **self.values}).one()
        self.take(free=free, answered=answered)

    def answer(self, session: Session, owner: str) -> Response | None:
        """Return the answer to repeat, None if there is none yet; `InFlight`, `KeyReused`."""
        if not self._free:
            raise InFlight
        # Read where there is one, which is seldom: every other request has nothing to read.
        known = session.get(RememberedAnswer, (owner, self.key)) if self._answered else None
        return None if known is None else _replay(known, self.fingerprint)


def asked_with(query: Select[Any], owner: ColumnElement[str]) -> Select[Any]:
    """Add to a query for one caller, whose id as text is `owner`, what a claim needs of it.

    The lock may be had a moment after the answer was looked for, and the first request be over in
    between. The primary key of the answers then refuses the second, whole, at its end.
    """
    key = bindparam("claimed_key", type_=Text)
    number = func.hashtextextended(owner + "\n" + key, 0)
    return query.outerjoin(
        RememberedAnswer, and_(RememberedAnswer.caller == owner, RememberedAnswer.key == key)
    ).add_columns(
        func.pg_try_advisory_xact_lock(number).label("claimed"),
        RememberedAnswer.key.is_not(None).label("answered"),
    )


def pending() -> Claim | None:
    """Return the claim of this request that nobody has asked about yet, if it makes one."""
    claim: Claim | None = g.get("idempotency_claim")
    return None if claim is None or claim.settled else claim


def once(
    session: Session, key: str, caller: Callable[[], str | None], view: Callable[[], BaseResponse]
) -> BaseResponse:
    """Answer with what `view` returns, or with what it returned the first time for this key.

    `caller` tells who asks, and may settle the claim that is `pending` meanwhile.
    """
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise BadKey
    claim = g.idempotency_claim = Claim(key, _fingerprint())
    owner = caller() or ANONYMOUS
    if not claim.settled:
        claim.ask(session, owner)
    known = claim.answer(session, owner)
    if known is not None:
        return known
    response = view()
    if _may_be_kept(response):
        _remember(session, owner, claim, response)
    return response


def sent_once(
    session: Session,
    owner: str,
    key: str,
    fingerprint: bytes,
    view: Callable[[], BaseResponse],
    kept: Callable[[BaseResponse], BaseResponse | None],
) -> BaseResponse:
    """Answer as `once` does a person, who may click twice: the second waits for the first's answer.

    `kept` is what is to be remembered of the answer, None where nothing is.
    """
    claim = Claim(key, fingerprint)
    # Two statements: what the lock was waited for is seen by the second alone.
    fetch(session, _wait(), {"claimed_owner": owner, **claim.values})
    known = session.get(RememberedAnswer, (owner, key))
    if known is not None:
        return _replay(known, fingerprint)
    response = view()
    answer = kept(response) if response.status_code < REFUSED else None
    if answer is not None:
        try:
            _remember(session, owner, claim, answer)
        except IntegrityError:
            # The view gave its transaction up meanwhile, and the lock with it: another was faster.
            session.rollback()
            known = session.get(RememberedAnswer, (owner, key))
            if known is None:
                raise
    elif response.status_code >= REFUSED:
        known = session.get(RememberedAnswer, (owner, key))
    return response if known is None else _replay(known, fingerprint)


def _may_be_kept(response: BaseResponse) -> bool:
    """Refuse what failed, and what carries a secret (`no-store`), such as a token."""
    return (
        response.status_code < REFUSED
        and not response.is_streamed
        and not response.cache_control.no_store
    )


@cache
def _ask() -> Select[Any]:
    given = select(bindparam("claimed_owner", type_=Text).label("owner")).subquery()
    # Nothing is asked of the caller but its name, which is given.
    nobody: Select[Any] = select().select_from(given)
    return asked_with(nobody, given.c.owner)


@cache
def _wait() -> TextClause:
    return text(
        "SELECT pg_advisory_xact_lock(hashtextextended(:claimed_owner || chr(10) || :claimed_key, 0))"
    )


def _fingerprint() -> bytes:
    digest = hashlib.sha256(f"{request.method} {request.full_path}\n".encode())
    digest.update(request.get_data())
    return digest.digest()


def _replay(known: RememberedAnswer, fingerprint: bytes) -> Response:
    if known.fingerprint != fingerprint:
        raise KeyReused
    response = Response(known.body, status=known.status, headers=known.headers)
    response.headers[REPLAYED] = "true"
    return response


@cache
def _keep() -> TextClause:
    model = RememberedAnswer
    return rows.statement(
        f"INSERT INTO {rows.inserted(model)} VALUES ({rows.places(model)})",  # noqa: S608 - its columns
        model,
    )


def _remember(session: Session, owner: str, claim: Claim, response: BaseResponse) -> None:
    headers = response.headers
    answer = {
        "caller": owner,
        "key": claim.key,
        "fingerprint": claim.fingerprint,
        "status": response.status_code,
        "headers": {name: headers[name] for name in REMEMBERED_HEADERS if name in headers},
        "body": response.get_data(),
        "created_at": context.now(),
    }
    fetch(session, _keep(), rows.values(RememberedAnswer, answer))


def forget(session: Session, before: datetime) -> int:
    """Delete answers older than `before`; return how many."""
    return affected(session, delete(RememberedAnswer).where(RememberedAnswer.created_at < before))
