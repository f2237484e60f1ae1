"""How people want to be written to, and the links in mails by which they end a kind of them."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.identity.gateway import LinkSigner
from marketplace.identity.models import Notice, NoticePreference, RefusedAddress
from marketplace.identity.queries import notices as queries
from marketplace.identity.rules import NOTICE_CHOICES, NoticeKind
from marketplace.identity.service import templating

PURPOSE = "end notices"
# Mails are read late; a link that ends them does no harm.
GOOD_FOR = timedelta(days=365)
PATH = "/api/v1/notices/unsubscribe"


def of(session: Session, account_id: uuid.UUID) -> dict[str, str]:
    """Return the choice for each kind that there is a choice of."""
    chosen = {row.kind: row.choice for row in queries.preferences(session, account_id)}
    return {
        kind.value: chosen.get(kind.value, offered[0]) for kind, offered in NOTICE_CHOICES.items()
    }


def choose(
    session: Session, account_id: uuid.UUID, wishes: Mapping[str, str], now: datetime
) -> None:
    """Keep the choices of `wishes` (kind -> choice); other kinds stay as they are."""
    if not wishes:
        return
    rows = insert(NoticePreference).values(
        [
            {"account_id": account_id, "kind": kind, "choice": choice, "changed_at": now}
            for kind, choice in wishes.items()
        ]
    )
    session.execute(
        rows.on_conflict_do_update(
            index_elements=["account_id", "kind"],
            set_={"choice": rows.excluded.choice, "changed_at": rows.excluded.changed_at},
        )
    )


def can_end(notice: Notice) -> bool:
    """Tell whether its recipient may end notices of its kind."""
    return notice.account_id is not None and _kind(notice) in NOTICE_CHOICES


def link(signer: LinkSigner, notice: Notice, now: datetime) -> str:
    """Return the path at which one POST ends notices of this one's kind."""
    return f"{PATH}?token={signer.sign(PURPOSE, notice.id, now + GOOD_FOR)}"


def end(session: Session, signer: LinkSigner, token: str, now: datetime) -> None:
    """End the kind of the notice that the link was mailed in; twice is once."""
    notice = linked(session, signer, token, now)
    wish: Mapping[str, Any] = {_kind(notice).value: "off"}
    if notice.account_id is not None:
        choose(session, notice.account_id, wish, now)


def linked(session: Session, signer: LinkSigner, token: str, now: datetime) -> Notice:
    """Return the notice that the link was mailed in; `NotFound` for what is no link of ours."""
    notice_id = signer.read(PURPOSE, token, now)
    notice = None if notice_id is None else session.get(Notice, notice_id)
    if notice is None or not can_end(notice):
        raise NotFound
    return notice


def takes_mail(session: Session, address: str) -> None:
    """Forget that an address was refused: a message to it has been taken."""
    session.execute(delete(RefusedAddress).where(RefusedAddress.address == address))


def _kind(notice: Notice) -> NoticeKind:
    return templating.template(notice.template).kind
