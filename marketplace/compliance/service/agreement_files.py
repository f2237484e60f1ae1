"""The file of an agreement: its text, the page of signatures, and the trail."""

from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.compliance.queries import agreements as queries
from marketplace.compliance.rules import agreements as rules
from marketplace.compliance.service import agreement_notices as telling
from marketplace.core.db import Session


def printed(session: Session, agreement_id: UUID) -> dict[str, Any] | None:
    """Return what is to be set: the text, and the page with the trail; None if that is done."""
    found = queries.find(session, agreement_id)
    if found.signed_at is None or found.object_key is not None:
        return None
    return {
        "title": found.title,
        "school": found.school_name,
        "site": found.site_name,
        "days": f"{found.starts_on.isoformat()} to {found.ends_on.isoformat()}",
        "paragraphs": [one.strip() for one in found.body.split("\n\n") if one.strip()],
        "sha256": found.sha256,
        "reference": str(found.id),
        "signed_at": found.signed_at.isoformat(),
        "signers": [
            {
                "place": one.signer.place,
                "name": one.signer.name,
                "email": one.signer.email,
                "role": one.signer.role,
                "side": one.signer.side,
                "typed_name": one.signature.typed_name,
                "signed_at": one.signature.signed_at.isoformat(),
                "sha256": one.signature.sha256,
                "wording": one.signature.wording,
                "address": one.signature.address,
                "user_agent": one.signature.user_agent,
            }
            for one in queries.signings(session, found.id)
            if one.signature is not None
        ],
        "consent": rules.CONSENT,
        "steps": [
            {"at": one.at.isoformat(), "state": one.to_state, "reason": one.reason}
            for one in queries.steps(session, found.id)
        ],
    }


def stored(session: Session, agreement_id: UUID, key: str, now: datetime) -> None:
    """Note where the file is, and mail it to everybody who signed; once."""
    found = queries.find(session, agreement_id, lock=True)
    if found.object_key is None:
        found.object_key = key
        session.flush()
        telling.signed(session, found, key, now)
