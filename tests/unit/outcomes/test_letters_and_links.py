"""Letter IDs, PDF checks, seals and signed links."""

import base64
from datetime import UTC, date, datetime, timedelta

import pytest

from marketplace.adapters.letter_vault import AesLetterVault
from marketplace.adapters.link_signer import HmacLinkSigner
from marketplace.core.errors import Unavailable
from marketplace.core.ids import new_id
from marketplace.outcomes.gateway import Sealed
from marketplace.outcomes.rules.frame import grad_band
from marketplace.outcomes.rules.letters import fault_of_pdf, new_code, reminder_due

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
OTHER = base64.urlsafe_b64encode(b"o" * 32).decode()
PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def test_letter_ids_have_no_letter_that_is_read_as_a_digit():
    codes = {new_code() for _ in range(500)}
    assert len(codes) == 500
    assert not set("ILOU") & set("".join(code[2:] for code in codes))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + PDF,
        b"PK\x03\x04" + PDF,
        b"\n" + PDF,
        b"<html>%PDF-1.7 %%EOF",
        PDF.replace(b"%%EOF", b""),
        PDF + b"\0" * 2000,
    ],
)
@pytest.mark.fault(47)
def test_what_is_no_pdf_or_another_file_too_is_refused(content):
    assert fault_of_pdf(content) is not None


def test_a_pdf_passes():
    assert fault_of_pdf(PDF) is None


def test_what_is_sealed_can_be_opened_under_its_label_and_key_only():
    vault = AesLetterVault(KEY)
    sealed = vault.seal("letters/1", PDF)
    assert vault.open("letters/1", sealed) == PDF
    assert PDF[5:20] not in sealed.ciphertext
    for other, label in ((vault, "letters/2"), (AesLetterVault(OTHER), "letters/1")):
        with pytest.raises(Unavailable):
            other.open(label, sealed)
    with pytest.raises(Unavailable):
        vault.open("letters/1", Sealed(sealed.ciphertext[:-1] + b"\0", sealed.sealed_key))


def test_the_same_content_is_never_sealed_alike():
    vault = AesLetterVault(KEY)
    one, two = vault.seal("a", PDF), vault.seal("a", PDF)
    assert one.ciphertext != two.ciphertext
    assert one.sealed_key != two.sealed_key


def test_a_link_is_good_for_its_purpose_until_it_expires():
    signer = HmacLinkSigner(["a" * 32])
    link, until = new_id(), NOW + timedelta(days=1)
    token = signer.sign("letter-upload", link, until)
    assert signer.read("letter-upload", token, NOW) == link
    assert signer.read("survey", token, NOW) is None
    assert signer.read("letter-upload", token, until) is None


def test_an_older_key_still_reads_and_a_foreign_one_does_not():
    link, until = new_id(), NOW + timedelta(days=1)
    token = HmacLinkSigner(["old" * 12]).sign("survey", link, until)
    assert HmacLinkSigner(["new" * 12, "old" * 12]).read("survey", token, NOW) == link
    assert HmacLinkSigner(["new" * 12]).read("survey", token, NOW) is None


@pytest.mark.parametrize("token", ["", "x", "é", "a" * 75, "../../etc/passwd", "%00"])
def test_rubbish_is_no_link(token):
    assert HmacLinkSigner(["a" * 32]).read("survey", token, NOW) is None


def test_a_tampered_link_is_refused():
    signer = HmacLinkSigner(["a" * 32])
    token = signer.sign("survey", new_id(), NOW + timedelta(days=1))
    for place in range(0, len(token) - 1, 5):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert signer.read("survey", changed, NOW) is None


@pytest.mark.parametrize(
    ("year", "band"),
    [(2025, "0-2y"), (2024, "0-2y"), (2022, "0-2y"), (2021, "3-5y"), (2019, "3-5y"), (2018, "6y+")],
)
def test_bands_of_years_since_graduation(year, band):
    assert grad_band(datetime(year, 6, 1, tzinfo=UTC).date(), 2024) == band
    assert grad_band(None, 2024) is None


DUE = date(2027, 5, 31)


@pytest.mark.parametrize(
    ("left", "written_to", "sent", "kind"),
    [
        (15, 40, (), None),
        (14, 40, (), "early"),
        (14, 4, (), None),
        (10, 9, ("early",), None),
        (3, 11, ("early",), "soon"),
        (3, 4, ("early",), None),
        (0, 5, (), "soon"),
        (-1, 40, (), None),
        (-3, 40, (), None),
        (-4, 7, ("early", "soon"), "late"),
        (-30, 40, ("late",), None),
        (-31, 40, (), None),
    ],
)
def test_reminders_are_few_and_apart(left, written_to, sent, kind):
    today = DUE - timedelta(days=left)
    assert reminder_due(DUE, today, today - timedelta(days=written_to), sent) == kind


def test_without_a_due_date_there_is_one_reminder():
    today = date(2027, 5, 1)
    days = [
        since
        for since in range(120)
        if reminder_due(None, today, today - timedelta(days=since), ()) is not None
    ]
    assert days == list(range(21, 120))
    assert reminder_due(None, today, today - timedelta(days=60), ("open",)) is None
