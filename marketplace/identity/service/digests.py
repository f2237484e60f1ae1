"""One mail a day, for those who want it so, of what would have been a mail each.

It names each notice by its subject and where it leads. Who had theirs today, by their own clock, gets
the next tomorrow, whatever the jobs' clock does.
"""

import re
import uuid
from datetime import datetime
from typing import Any

from marketplace.core.db import Session
from marketplace.identity.gateway import LinkSigner
from marketplace.identity.models import Notice
from marketplace.identity.queries import notices as kept
from marketplace.identity.service import notices, preferences, templating

DIGEST = "daily_digest"
BATCH = 200
# A mail is no archive: the rest is in the list of one's notices.
MOST_ITEMS = 100


def send_due(session: Session, signer: LinkSigner, base: str, now: datetime) -> int:
    """Write the digests that are due, `BATCH` at most; return how many accounts were looked at."""
    due = kept.due_a_digest(session, DIGEST, now, BATCH)
    for account_id in due:
        _send(session, account_id, signer, base, now)
    return len(due)


def _send(
    session: Session, account_id: uuid.UUID, signer: LinkSigner, base: str, now: datetime
) -> None:
    waiting = kept.waiting(session, account_id)
    if not waiting:
        return
    # One notice of each kind, by which all of the kind are ended.
    by_kind = {templating.template(one.template).kind.value: one for one in waiting}
    for one in waiting:
        one.state = "gathered"
    session.flush()
    notices.notify(
        session,
        account_id,
        DIGEST,
        {
            "count": len(waiting),
            "items": [_item(one, base) for one in waiting[:MOST_ITEMS]],
            "more": max(0, len(waiting) - MOST_ITEMS),
            "stops": [
                {"kind": kind, "path": preferences.link(signer, one, now)}
                for kind, one in sorted(by_kind.items())
            ],
        },
        now=now,
    )


def _item(notice: Notice, base: str) -> dict[str, Any]:
    reader = templating.Reader(notice.locale, notice.time_zone)
    found = templating.render(notice.template, reader, notice.data, base)
    url = re.search(re.escape(base) + r"/\S+", found.text)
    return {"subject": found.subject, "url": url[0] if url else base}
