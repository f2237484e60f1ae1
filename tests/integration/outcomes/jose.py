"""A verifier of credentials, written from the standards and sharing nothing with what signs.

RSASSA-PKCS1-v1_5 by RFC 8017 (sections 8.2.2 and 9.2) on plain integers; the claims by Open Badges
3.0, section 8.2.5. It knows of the issuer what it is given: a function that fetches an address.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

# DigestInfo of SHA-256, RFC 8017 section 9.2, note 1.
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


class Refused(Exception):
    """The credential is not to be believed; the message says why."""


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def number(text: str) -> int:
    return int.from_bytes(decoded(text), "big")


def signature_holds(signed: str, signature: bytes, jwk: dict[str, Any]) -> bool:
    modulus, exponent = number(jwk["n"]), number(jwk["e"])
    length = (modulus.bit_length() + 7) // 8
    if jwk["kty"] != "RSA" or len(signature) != length:
        return False
    digest = SHA256_INFO + hashlib.sha256(signed.encode()).digest()
    expected = b"\x00\x01" + b"\xff" * (length - len(digest) - 3) + b"\x00" + digest
    found = pow(int.from_bytes(signature, "big"), exponent, modulus)
    return found.to_bytes(length, "big") == expected


def verify(token: str, fetch: Callable[[str], dict[str, Any]], now: datetime) -> dict[str, Any]:
    """Return the credential, or raise `Refused`."""
    head, payload, signature = token.split(".")
    header = json.loads(decoded(head))
    if set(header) - {"alg", "kid", "jwk", "typ"} or header["alg"] != "RS256":
        raise Refused("header")
    jwk = header.get("jwk") or fetch(header["kid"])
    if "d" in jwk or not signature_holds(f"{head}.{payload}", decoded(signature), jwk):
        raise Refused("signature")
    credential = json.loads(decoded(payload))
    starts = datetime.strptime(credential["validFrom"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    if credential["iss"] != credential["issuer"]["id"]:
        raise Refused("iss")
    if credential["sub"] != credential["credentialSubject"]["id"]:
        raise Refused("sub")
    if credential["jti"] != credential["id"]:
        raise Refused("jti")
    if credential["nbf"] != starts.timestamp() or starts > now:
        raise Refused("nbf")
    status = credential["credentialStatus"]
    assert status["type"] == "1EdTechRevocationList"
    listed = fetch(status["id"])
    assert listed["issuer"] == credential["iss"]
    for one in listed["revokedCredentials"]:
        if one["id"] == credential["id"] and one.get("revoked", True):
            raise Refused("revoked")
    return credential


# What Open Badges 3.0 (appendix B.1 and E) requires of the members that we use.
URI = {"type": "string", "pattern": "^[a-z][a-z0-9+.-]*:"}
MOMENT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$"}
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2019-09/schema",
    "type": "object",
    "required": ["@context", "id", "type", "name", "credentialSubject", "issuer", "validFrom"],
    "properties": {
        "@context": {
            "type": "array",
            "minItems": 2,
            "prefixItems": [
                {"const": "https://www.w3.org/ns/credentials/v2"},
                {"const": "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"},
            ],
            "items": URI,
        },
        "id": URI,
        "type": {
            "type": "array",
            "allOf": [
                {"contains": {"const": "VerifiableCredential"}},
                {"contains": {"enum": ["AchievementCredential", "OpenBadgeCredential"]}},
            ],
        },
        "name": {"type": "string"},
        "validFrom": MOMENT,
        "awardedDate": MOMENT,
        "issuer": {
            "type": "object",
            "required": ["id", "type"],
            "properties": {
                "id": URI,
                "type": {"type": "array", "contains": {"const": "Profile"}},
                "name": {"type": "string"},
                "url": URI,
            },
        },
        "credentialSubject": {
            "type": "object",
            "required": ["type", "achievement"],
            "anyOf": [{"required": ["id"]}, {"required": ["identifier"]}],
            "additionalProperties": False,
            "properties": {
                "id": URI,
                "type": {"type": "array", "contains": {"const": "AchievementSubject"}},
                "activityStartDate": MOMENT,
                "activityEndDate": MOMENT,
                "identifier": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["type", "hashed", "identityHash", "identityType"],
                        "additionalProperties": False,
                        "properties": {
                            "type": {"const": "IdentityObject"},
                            "hashed": {"type": "boolean"},
                            "identityHash": {
                                "type": "string",
                                "pattern": r"^sha256\$[0-9a-f]{64}$",
                            },
                            "identityType": {"const": "emailAddress"},
                            "salt": {"type": "string"},
                        },
                    },
                },
                "achievement": {
                    "type": "object",
                    "required": ["id", "type", "criteria", "description", "name"],
                    "properties": {
                        "id": URI,
                        "type": {"type": "array", "contains": {"const": "Achievement"}},
                        "achievementType": {"const": "CertificateOfCompletion"},
                        "criteria": {
                            "type": "object",
                            "minProperties": 1,
                            "properties": {"narrative": {"type": "string"}, "id": URI},
                        },
                    },
                },
            },
        },
        "evidence": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type"],
                "properties": {
                    "id": URI,
                    "type": {"type": "array", "contains": {"const": "Evidence"}},
                },
            },
        },
        "credentialSchema": {
            "type": "array",
            "items": {"type": "object", "required": ["id", "type"], "properties": {"id": URI}},
        },
        "credentialStatus": {
            "type": "object",
            "required": ["id", "type"],
            "properties": {"id": URI},
        },
    },
}
