"""What can be done with money. All functions flush and leave the commit to the edge.

None calls the processor: the jobs in `tasks` do so between two of these.
"""

from marketplace.payments.queries import kept_payments as refundable
from marketplace.payments.queries import lock_payable
from marketplace.payments.service.asking import cancel, request
from marketplace.payments.service.ledger import Leg
from marketplace.payments.service.ledger import post as post_to_ledger
from marketplace.payments.service.refunds import refund, retry_refund

__all__ = [
    "Leg",
    "cancel",
    "lock_payable",
    "post_to_ledger",
    "refund",
    "refundable",
    "request",
    "retry_refund",
]
