"""Imports every package's models once, so that string foreign keys find their tables."""

from marketplace.booking import models as booking
from marketplace.catalog import models as catalog
from marketplace.compliance import models as compliance
from marketplace.core.db import Base
from marketplace.identity import models as identity
from marketplace.outcomes import models as outcomes
from marketplace.payments import models as payments
from marketplace.reporting import models as reporting
from marketplace.web import models as web
from marketplace.webhooks import models as webhooks

PACKAGES = (booking, catalog, compliance, identity, outcomes, payments, reporting, web, webhooks)
metadata = Base.metadata
