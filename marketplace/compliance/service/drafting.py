"""Drafting an agreement from what either side says, on a page or by the API."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marketplace.catalog import queries as catalog
from marketplace.compliance.models import Agreement
from marketplace.compliance.queries import agreements as queries
from marketplace.compliance.rules import agreements as rules
from marketplace.compliance.service import agreements
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.identity.queries import schools
from marketplace.identity.service.schools import check_verified


def draft(
    session: Session, said: Mapping[str, Any], *, actor_id: uuid.UUID, now: datetime
) -> Agreement:
    """Draft what `AgreementArgs` has read; nobody is written to yet.

    `SchoolNotVerified`, `AgreementUnfit`, `NotFound` for a school, site or text that is not there.
    """
    school = schools.find(session, said["school_id"])
    check_verified(school)
    site = catalog.site_facts(session, [said["site_id"]]).get(said["site_id"])
    if site is None:
        raise NotFound
    wanted = agreements.Wanted(
        school_id=school.id,
        school_name=school.name,
        site_id=site.id,
        site_name=site.name,
        values=said["values"],
        signers=[
            rules.Signer(one["side"], one["name"], one["email"].lower(), one["role"])
            for one in said["signers"]
        ],
        starts_on=said["starts_on"],
        ends_on=said["ends_on"],
    )
    template = queries.template(session, said["template_id"])
    return agreements.draft(session, template, wanted, actor_id=actor_id, now=now)
