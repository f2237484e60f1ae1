"""What happened, put into words for who listens: in the transaction of it.

Waits for nothing and asks for nothing: the row is written with whatever else the session has to
write, and the database drops it where nobody listens, or makes its deliveries and their jobs.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.webhooks.models import WebhookMessage
from marketplace.webhooks.rules import catalogue


def tell(
    session: Session,
    owner_id: UUID,
    name: str,
    data: Mapping[str, Any],
    at: datetime,
    *,
    endpoint_id: UUID | None = None,
) -> UUID:
    """Have the owner's endpoints told; `data` are JSON values, as the catalogue has them.

    `endpoint_id` is for what goes to that one alone. Returns the message's id.
    """
    body = {
        "type": name,
        "version": catalogue.types()[name].version,
        "timestamp": at.isoformat(),
        "data": data,
    }
    message = WebhookMessage(
        id=new_id(),
        owner_id=owner_id,
        endpoint_id=endpoint_id,
        type=name,
        body=json.dumps(body, separators=(",", ":"), ensure_ascii=False),
        at=at,
    )
    session.add(message)
    return message.id
