"""Certificates as Open Badges 3.0: an AchievementCredential, in the W3C's data model 2.0.

Sources: Open Badges Specification 3.0 (1EdTech), sections 8.2 and B.1; 1EdTech Revocation List
Status Method 1.0. The credential's own id is not the code of the check page: the list of those that
were revoked is public, and a code is not.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from marketplace.outcomes.rules.papers import TIERS

CONTEXTS = (
    "https://www.w3.org/ns/credentials/v2",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
    # Where the types of the schema and of the status are defined.
    "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json",
)
SCHEMA = (
    "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json"
)
NAMES: Mapping[str, str] = {
    "elective": "Clinical elective completed",
    "externship": "Clinical externship completed",
    "observership": "Clinical observership completed",
}


@dataclass(frozen=True)
class Addresses:
    """Where everything about badges is: stable, since credentials name it for good."""

    base: str

    @property
    def issuer(self) -> str:
        return f"{self.base}/issuer"

    @property
    def keys(self) -> str:
        """A key's address is this and its `kid`."""
        return f"{self.base}/keys/"

    @property
    def revocations(self) -> str:
        return f"{self.base}/revocations"

    def achievement(self, tier: str) -> str:
        return f"{self.base}/achievements/{tier}"


@dataclass(frozen=True)
class Award:
    """What a credential is made from; `email` goes in as a salted hash only."""

    paper_id: UUID
    tier: str
    title: str
    email: str
    salt: str
    first_day: date
    last_day: date
    issued_at: datetime
    check_address: str


def credential(award: Award, where: Addresses, issuer_name: str, site: str) -> dict[str, Any]:
    """Return the credential with the claims of a JWT beside its members (section 8.2.4.1)."""
    subject = _subject(award, where)
    made = {
        "@context": list(CONTEXTS),
        "id": credential_id(award.paper_id),
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": NAMES[award.tier],
        "issuer": profile(where, issuer_name, site),
        "validFrom": _moment(award.issued_at),
        "awardedDate": _moment(award.issued_at),
        "credentialSubject": subject,
        "evidence": [
            {
                "id": award.check_address,
                "type": ["Evidence"],
                "name": "The certificate, and whether it stands",
            }
        ],
        "credentialSchema": [{"id": SCHEMA, "type": "1EdTechJsonSchemaValidator2019"}],
        "credentialStatus": {"id": where.revocations, "type": "1EdTechRevocationList"},
    }
    claims = {
        "iss": where.issuer,
        "jti": made["id"],
        "nbf": int(award.issued_at.timestamp()),
        "sub": subject["id"],
    }
    return {**made, **claims}


def credential_id(paper_id: UUID) -> str:
    return f"urn:uuid:{paper_id}"


def profile(where: Addresses, name: str, site: str) -> dict[str, Any]:
    """Return the issuer's Profile, as its own address gives it and as credentials carry it."""
    return {"id": where.issuer, "type": ["Profile"], "name": name, "url": site}


def achievement(where: Addresses, tier: str) -> dict[str, Any]:
    """Return what is achieved by completing a rotation of a tier."""
    return {
        "id": where.achievement(tier),
        "type": ["Achievement"],
        "achievementType": "CertificateOfCompletion",
        "name": NAMES[tier],
        "description": f"A clinical rotation was completed. {TIERS[tier]}.",
        "criteria": {
            "narrative": "The rotation was taken from its first day on and the site has said that"
            " it was completed. The tier follows from what the trainee was allowed to do."
        },
    }


def revocation_list(where: Addresses, paper_ids: Iterable[UUID]) -> dict[str, Any]:
    """Return the list of credentials that count no more, replaced ones among them."""
    return {
        "id": where.revocations,
        "issuer": where.issuer,
        "revokedCredentials": [
            {"id": credential_id(paper_id), "revoked": True} for paper_id in paper_ids
        ],
    }


def identity_hash(email: str, salt: str) -> str:
    """An IdentityHash (section B.6.6): anybody who knows the address can check it, no other."""
    return "sha256$" + hashlib.sha256(f"{email}{salt}".encode()).hexdigest()


def _subject(award: Award, where: Addresses) -> dict[str, Any]:
    return {
        # One for each credential: two of them don't tell that they are one person's.
        "id": f"urn:uuid:{uuid5(NAMESPACE_URL, credential_id(award.paper_id))}",
        "type": ["AchievementSubject"],
        "activityStartDate": f"{award.first_day.isoformat()}T00:00:00Z",
        "activityEndDate": f"{award.last_day.isoformat()}T00:00:00Z",
        "identifier": [
            {
                "type": "IdentityObject",
                "hashed": True,
                "identityHash": identity_hash(award.email, award.salt),
                "identityType": "emailAddress",
                "salt": award.salt,
            }
        ],
        "achievement": achievement(where, award.tier),
    }


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
