"""Certificates as Open Badges 3.0, verified by a verifier that shares nothing with the signer."""

import base64
import hashlib
import json
import zlib
from datetime import date
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from marketplace.adapters.badge_signer import BadKey, RsaCredentialSigner
from marketplace.embedded.secrets_file import new_badge_key
from marketplace.outcomes.rules import baking
from tests import settings
from tests.integration.outcomes.jose import (
    SCHEMA,
    Refused,
    decoded,
    number,
    signature_holds,
    verify,
)
from tests.integration.outcomes.test_papers import ask, check, code_of, papers

BAKED = "{https://purl.imsglobal.org/ob/v3p0}credential"


@pytest.fixture
def fetch(client):
    """What a verifier does with an address: a plain GET, without any credentials."""

    def get(address: str):
        answer = client.get(urlsplit(address).path)
        assert answer.status_code == 200, address
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        return answer.get_json()

    return get


@pytest.fixture
def token(done, run_jobs):
    run_jobs()
    path = f"/papers/{papers(done)[0]['id']}/credential"
    return done.call(done.trainee, "GET", path).get_data(as_text=True)


def test_a_credential_verifies_and_is_as_the_specification_has_it(done, token, fetch, clock):
    credential = verify(token, fetch, clock.now())
    jsonschema.validate(credential, SCHEMA)
    subject = credential["credentialSubject"]
    assert subject["activityStartDate"] == "2027-03-01T00:00:00Z"
    assert credential["name"] == "Clinical externship completed"
    (identity,) = subject["identifier"]
    known = hashlib.sha256(f"{done.trainee.email}{identity['salt']}".encode()).hexdigest()
    assert identity["identityHash"] == f"sha256${known}"
    assert check(done, credential["evidence"][0]["id"].rpartition("/")[2])["standing"] == "stands"
    assert fetch(credential["issuer"]["id"])["id"] == credential["issuer"]["id"]
    achievement = fetch(subject["achievement"]["id"])
    assert achievement["name"] == subject["achievement"]["name"]


def test_a_badge_carries_its_credential_as_the_specification_bakes_it(done, token, fetch, clock):
    path = f"/papers/{papers(done)[0]['id']}/badge.svg"
    answer = done.call(done.trainee, "GET", path)
    assert answer.mimetype == "image/svg+xml"
    picture = ET.fromstring(answer.get_data())  # noqa: S314 - our own
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    first, *others = picture
    assert (first.tag, first.text, list(first.attrib)) == (BAKED, None, ["verify"])
    assert not [one for one in picture.iter(BAKED) if one is not first]
    assert others
    assert first.get("verify") == token
    verify(first.get("verify"), fetch, clock.now())
    shown = " ".join(picture.itertext())
    assert "Clinical externship" in shown
    for secret in (done.trainee.email, done.trainee.name):
        assert secret not in shown
    done.call(done.coordinator, "GET", path, 404)
    done.call(done.operator, "GET", path, 404)


def test_a_badge_is_baked_as_png_too(done, token, fetch, clock):
    path = f"/papers/{papers(done)[0]['id']}/badge.png"
    answer = done.call(done.trainee, "GET", path)
    assert answer.mimetype == "image/png"
    chunks = dict(_chunks(answer.get_data()))
    assert list(chunks)[:2] == [b"IHDR", b"iTXt"]
    assert int.from_bytes(chunks[b"IHDR"][:4], "big") == 1024
    keyword, flags_and_tag, translated, text_ = _split(chunks[b"iTXt"])
    assert (keyword, flags_and_tag, translated) == (b"openbadgecredential", b"\0\0", b"")
    assert text_.decode() == token
    verify(text_.decode(), fetch, clock.now())
    assert zlib.decompress(b"".join(v for k, v in _chunks(answer.get_data()) if k == b"IDAT"))
    done.call(done.coordinator, "GET", path, 404)
    with pytest.raises(ValueError, match="not a PNG"):
        baking.png(b"GIF89a", token)


def _chunks(picture):
    """The chunks of a PNG, each with its checksum checked."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    at = 8
    while at < len(picture):
        length = int.from_bytes(picture[at : at + 4], "big")
        kind, data = picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        crc = int.from_bytes(picture[at + 8 + length : at + 12 + length], "big")
        assert crc == zlib.crc32(kind + data)
        yield kind, data
        at += 12 + length
    assert kind == b"IEND"


def _split(data):
    """Keyword, compression flag and method with an empty language tag, translation, text."""
    keyword, rest = data.split(b"\0", 1)
    tag, rest = rest[:2], rest[2:]
    language, translated, text_ = rest.split(b"\0", 2)
    assert language == b""
    return keyword, tag, translated, text_


@given(st.text(), st.text())
def test_whatever_issuers_are_called_a_badge_is_well_formed(name, issuer):
    name, issuer = (
        "".join(c for c in text if c.isprintable() and not "\ud800" <= c <= "\udfff")
        for text in (name, issuer)
    )
    picture = ET.fromstring(  # noqa: S314 - our own
        baking.svg(name, issuer, date(2027, 4, 1), "a.b-c.d_e").encode()
    )
    assert picture[0].get("verify") == "a.b-c.d_e"


def test_a_library_verifies_the_signature_by_the_published_key(token, fetch):
    head, payload, signature = token.split(".")
    jwk = fetch(json.loads(decoded(head))["kid"])
    numbers = rsa.RSAPublicNumbers(number(jwk["e"]), number(jwk["n"]))
    key = numbers.public_key()
    key.verify(decoded(signature), f"{head}.{payload}".encode(), padding.PKCS1v15(), SHA256())
    with pytest.raises(InvalidSignature):
        key.verify(decoded(signature), f"{head}.{payload}A".encode(), padding.PKCS1v15(), SHA256())


def test_nothing_personal_is_in_the_clear(done, token, session):
    payload = decoded(token.split(".")[1]).decode()
    for secret in (done.trainee.email, done.trainee.name, str(done.trainee.id)):
        assert secret not in payload
    assert str(done.booking_id) not in payload


def test_a_changed_credential_is_refused(token, fetch, clock):
    head, payload, signature = token.split(".")
    claims = json.loads(decoded(payload))
    claims["name"] = "Clinical elective completed"
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    with pytest.raises(Refused, match="signature"):
        verify(f"{head}.{forged}.{signature}", fetch, clock.now())
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    with pytest.raises(Refused, match="header"):
        verify(f"{none}.{payload}.", fetch, clock.now())


def test_a_revoked_or_replaced_certificate_takes_its_credential_along(
    done, token, fetch, clock, run_jobs, stage
):
    certificate = papers(done)[0]
    with stage.transaction() as session:
        session.execute(
            text("UPDATE account SET name = 'Asha R. Rao' WHERE id = :id"), {"id": done.trainee.id}
        )
    second = ask(done, "completion_certificate")
    run_jobs()
    with pytest.raises(Refused, match="revoked"):
        verify(token, fetch, clock.now())
    path = f"/papers/{second['id']}/credential"
    newer = done.call(done.trainee, "GET", path).get_data(as_text=True)
    verify(newer, fetch, clock.now())
    done.call(
        done.operator, "POST", f"/operator/papers/{second['id']}/revocation", json={"reason": "No."}
    )
    with pytest.raises(Refused, match="revoked"):
        verify(newer, fetch, clock.now())
    listed = json.dumps(fetch("/api/v1/public/badges/revocations"))
    for code in (code_of(certificate), code_of(second)):
        assert code not in listed
    assert "No." not in listed


def test_a_key_that_was_rotated_out_still_verifies(token):
    old, new = settings.BADGE_KEY, new_badge_key()
    signer = RsaCredentialSigner([new, old])
    keys = {key["kid"]: key for key in signer.public_keys()}
    head, payload, signature = token.split(".")
    kid = json.loads(decoded(head))["kid"].rpartition("/")[2]
    assert signature_holds(f"{head}.{payload}", decoded(signature), keys[kid])
    fresh = signer.sign({"a": 1}, "https://x.example/keys/")
    named = json.loads(decoded(fresh.split(".")[0]))["kid"]
    assert named == f"https://x.example/keys/{signer.public_keys()[0]['kid']}" != kid
    assert all(set(key) == {"e", "kty", "n", "alg", "use", "kid"} for key in signer.public_keys())


def test_the_key_set_has_each_key_under_its_own_address(client, fetch):
    (key,) = fetch("/api/v1/public/badges/keys")["keys"]
    assert fetch(f"/api/v1/public/badges/keys/{key['kid']}") == key
    needed = json.dumps({name: key[name] for name in ("e", "kty", "n")}, separators=(",", ":"))
    assert decoded(key["kid"]) == hashlib.sha256(needed.encode()).digest()
    assert client.get("/api/v1/public/badges/keys/other").status_code == 404
    assert client.get("/api/v1/public/badges/achievements/other").status_code == 404


@pytest.mark.parametrize(
    "key", ["MIIB", base64.urlsafe_b64encode(b"\x30\x82" + b"x" * 40).decode()]
)
def test_a_key_that_is_none_is_told(key):
    with pytest.raises(BadKey, match="BADGE_KEYS"):
        RsaCredentialSigner([key]).public_keys()
