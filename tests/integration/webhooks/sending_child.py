"""A worker that sends what is due to one endpoint, or as far as it is let live.

`python -m tests.integration.webhooks.sending_child DATABASE_URL ENDPOINT_ID`
"""

import sys
from uuid import UUID

from marketplace.app import build_parts, create_app, job_context
from marketplace.core.clock import Clock, FixedClock
from marketplace.webhooks.service import sending
from tests import settings
from tests.conftest import NOW

if __name__ == "__main__":
    database, endpoint_id = sys.argv[1:]
    made = settings.make(DATABASE_URL=database, WEBHOOKS_TO_LOOPBACK="true")
    parts = build_parts(made)
    parts.add(Clock, FixedClock(NOW))
    sending.send_due(job_context(create_app(made, parts)), UUID(endpoint_id))
