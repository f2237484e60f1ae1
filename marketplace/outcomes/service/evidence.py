"""Which papers of ours say that what was paid for was attended.

Serves `payments.gateway.EvidencePapers`: certificates of completion, as they were issued. Letters and
documents are not among them: they were given for other ends.
"""

from collections.abc import Sequence

from marketplace.booking import queries as booking
from marketplace.core.db import Session
from marketplace.outcomes.queries import papers
from marketplace.outcomes.rules.papers import PaperKind
from marketplace.payments.events import Payable


class IssuedCertificates:
    """Finds the last certificate of each booking that a payment is for."""

    def certificates(self, session: Session, payables: Sequence[Payable]) -> Sequence[str]:
        found = [
            papers.last(session, payable.id, PaperKind.COMPLETION)
            for payable in payables
            if payable.kind == booking.PAYABLE
        ]
        return [
            one.object_key
            for one in found
            if one is not None and one.stored_at is not None and one.revoked_at is None
        ]
