"""A site's desk: documents and letters, the spreadsheet, money, people and keys."""

import csv
import io
import re
from datetime import timedelta

from marketplace.catalog.service import error_workbook
from marketplace.core.ids import new_id
from marketplace.core.money import Money
from marketplace.payments.models import AccountKind, ShareClaim, ShareRelease
from marketplace.payments.service import ledger
from marketplace.payments.service.ledger import Leg
from tests.factories.rotations import FIRST_DAY, ROW
from tests.integration.pages.hosting import browser_of

PDF = b"%PDF-1.7\n1 0 obj<</Note (Asha Rao)>>endobj\n%%EOF\n"
FILE = re.compile(r'href="[^"]*/(?:documents|letters)/([0-9a-f-]{36})"')


def test_a_document_is_read_and_decided_and_a_letter_answered(
    host, base, stage, place, people, app, mail, run_jobs
):
    trainee = people.trainee(name="Asha Rao", visa_type="b1_b2")
    listed = stage.beside(place, documents="tb_test")
    booking = stage.confirmed(listed, trainee.id)
    own = browser_of(app, trainee)
    own.get(f"/documents/new?booking={booking}&kinds=tb_test")
    about = {"kind": "tb_test", "booking": str(booking), "issued_on": "2026-11-01"}
    for content in (PDF, PDF + b" "):
        file = (io.BytesIO(content), "tb.pdf", "application/pdf")
        assert own.send("/documents/new", file=file, **about).status_code == 303
        own.get(f"/documents/new?booking={booking}&kinds=tb_test")
    host.get(base)
    assert "Asha Rao" in host.body
    host.get(f"{base}/documents")
    page = f"{base}/documents/{FILE.search(host.body)[1]}"
    host.get(page)
    link = host.send(f"{page}/read").headers["Location"]
    assert host.client.get(link).get_data() == PDF
    host.get(page)
    other = browser_of(app, people.make("coordinator", site_id=place.site_id, name="Cora Diaz"))
    other.get(page)
    form = {
        name: re.search(rf'name="{name}" value="(\d+)"', host.body)[1]
        for name in ("version", "seen")
    }
    assert host.send(f"{page}/decision", decision="rejected", **form).status_code == 422
    assert 'id="reason-note"' in host.body
    assert host.send(f"{page}/decision", decision="accepted", **form).status_code == 303
    late = other.send(f"{page}/decision", decision="rejected", reason="Blurred.", **form)
    assert late.status_code == 409
    assert "Accepted" in other.body

    stage.clock.advance(timedelta(days=(FIRST_DAY - stage.now.date()).days + 27))
    stage.start_due()
    host.sign_in(host.person)
    host.get(f"{base}/rotations/{booking}")
    host.send(f"{base}/rotations/{booking}/complete")
    own.sign_in(trainee)
    own.get(f"/rotations/{booking}/letter")
    assert own.send(f"/rotations/{booking}/letter", waived="yes").status_code == 303
    host.get(f"{base}/letters")
    letter = f"{base}/letters/{FILE.search(host.body)[1]}"
    host.get(letter)
    named = {"agreed": "true", "author_name": "Dr. Amara Okafor", "author_locale": "es"}
    assert host.send(f"{letter}/answer", **named, strong="true").status_code == 422
    assert 'id="author_email-note"' in host.body
    assert '<option value="es" selected>' in host.body
    named["author_email"] = "dr.okafor@hospital.example"
    assert host.send(f"{letter}/answer", **named, strong="true").status_code == 303
    host.get(letter)
    assert "Is being written" in host.body
    assert host.send(f"{letter}/link").status_code == 303
    host.get(letter)
    assert host.send(f"{letter}/answer", **named, strong="true").status_code == 409
    run_jobs()
    told = mail.to("dr.okafor@hospital.example")
    assert ["le pide una carta" in one.subject for one in told] == [True, True]
    host.get(base)
    assert "By Dr. Amara Okafor" in host.body
    host.get(letter)
    other = {"author_name": "Dr. Bo", "strong": "false"}
    assert host.send(f"{letter}/author", **other).status_code == 422
    other["author_email"] = "bo@hospital.example"
    assert host.send(f"{letter}/author", **other).status_code == 303
    assert "Dr. Bo, bo@hospital.example" in host.get(letter).text


def sheet_of(*rows):
    """A host's sheet as a browser sends it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, ["external_id", *ROW])
    writer.writeheader()
    writer.writerows({**ROW, **row} for row in rows)
    return io.BytesIO(out.getvalue().encode()), "my sheet.csv"


def test_a_sheet_is_looked_at_cell_by_cell_and_then_done(
    host, base, place, run_jobs, people, app, monkeypatch
):
    page = f"{base}/imports"
    host.get(page)
    assert host.send(page, sheet=(io.BytesIO(), "")).status_code == 422
    assert "Choose a CSV file" in host.body
    bad = {"external_id": "S-2", "price_per_week": "-5", "setting": "on the moon"}
    sent = host.send(page, sheet=sheet_of({"external_id": "S-1"}, bad))
    assert sent.status_code == 303
    own = sent.headers["Location"]
    host.get(own)
    assert 'http-equiv="refresh"' in host.body
    during, write = [], error_workbook.write

    def seen(*given):
        host.get(own)
        during.append(host.body)
        return write(*given)

    monkeypatch.setattr(error_workbook, "write", seen)
    run_jobs()
    assert "The lists of what was found are being written." in during[0]
    assert '<progress id="progress"></progress>' in during[0]
    host.get(own)
    assert 'http-equiv="refresh"' not in host.body
    assert "Waits for your word" in host.body
    assert 'value="on the moon"' in host.body
    assert host.body.count('<td class="bad">') == 2
    assert "errors.xlsx" in host.body
    host.get(f"{base}/listings")
    assert "S-1" not in host.body
    host.get(own)
    assert host.send(f"{own}/commit").status_code == 303
    run_jobs()
    host.get(own)
    assert "New listings are drafts" in host.body
    assert f'href="{own}/take-back"' in host.body
    assert host.send(f"{own}/cancel").status_code == 409
    host.get(f"{base}/listings")
    assert "S-1" in host.body
    assert "S-2" not in host.body
    # Its drafts are published together, each going its own way; what is not there is said.
    host.get(f"{base}/listings?state=draft&words=s-9")
    assert "No listing is like this." in host.body
    host.get(f"{base}/listings?state=draft&words=S-1")
    (draft,) = re.findall(r'name="listings" value="([^"]+)"', host.body)
    assert str(place.listing_id) not in host.body
    assert host.send(f"{base}/listings/publish", state="draft").status_code == 422
    assert host.send(f"{base}/listings/publish", state="draft", listings=[draft]).status_code == 200
    assert "This came of it:" in host.body
    assert 'name="listings"' not in host.body
    host.get(f"{base}/listings/{draft}")
    assert "As trainees see it" in host.body
    # Published, it stays; another sheet, whose draft nobody has touched, is taken back.
    host.get(f"{own}/take-back")
    assert "Nothing of it can be taken back." in host.body
    assert "its publication was asked for" in host.body
    host.get(page)
    other = host.send(page, sheet=sheet_of({"external_id": "S-3"})).headers["Location"]
    run_jobs()
    host.get(other)
    host.send(f"{other}/commit")
    run_jobs()
    host.get(f"{other}/take-back")
    assert host.send(f"{other}/take-back").headers["Location"] == f"{other}?done=taken_back"
    host.get(other)
    assert "taken back: 1." in host.body
    assert "/take-back" not in host.body
    host.get(f"{base}/listings?state=retired")
    assert "S-3 ~" in host.body
    (gone,) = set(re.findall(rf'href="({base}/listings/[0-9a-f-]{{36}})"', host.body))
    assert host.get(gone).status_code == host.get(f"{gone}/versions").status_code == 200
    weeks = (io.BytesIO(host.get("/api/v1" + base[5:] + "/calendar/export").data), "weeks.csv")
    host.get(page)
    assert "my sheet.csv" in host.body
    sent = host.send(page, sheet=weeks, what="calendar", mode="file")
    run_jobs()
    host.get(sent.headers["Location"])
    assert "there is nothing to do." in host.body
    # Wrong cells are mended on the page: the same sheet is looked at again, the first one dropped.
    host.get(page)
    wrong = sheet_of({"external_id": "S-4", "setting": "on the moon", "notes": 'A "quote", and'})
    first = host.send(page, sheet=wrong).headers["Location"]
    run_jobs()
    host.get(first)
    (cell,) = re.findall(r'name="(cell-[^"]+)" value="on the moon"', host.body)
    again = host.send(f"{first}/mend", **{cell: "inpatient"}).headers["Location"]
    run_jobs()
    host.get(again)
    assert "Every row can be done." in host.body
    host.get(first)
    assert "Stopped" in host.body
    assert host.send(f"{again}/mend").status_code == 303
    stranger = browser_of(app, people.make("coordinator", site_id=place.site_id))
    assert stranger.get(own).status_code == 200
    assert stranger.get(f"{page}/{place.site_id}").status_code == 404


def test_money_and_people_and_keys(host, base, stage, place, people, app):
    host.get(f"{base}/money")
    assert "Not set up" in host.body
    assert "Nothing is due yet." in host.body
    booking = stage.confirmed(stage.beside(place))
    with stage.transaction() as session:
        session.add(
            ShareRelease(
                id=new_id(), payable_kind="booking", payable_id=booking, site_id=place.site_id,
                step="first", from_at=stage.now, told_at=stage.now, waits_for="dispute",
            )
        )  # fmt: skip
        amount, (owed, kept) = Money(4_200, "USD"), ("host_payable", "deferred_host_share")
        claim = ShareClaim(
            payable_kind="booking", payable_id=booking, site_id=place.site_id, cause="a test",
            currency="USD", gross_minor=4_200, fee_minor=0, at=stage.now,
        )  # fmt: skip
        session.add(claim)
        session.flush()
        legs = [Leg(AccountKind(owed), amount, place.site_id)]
        legs.append(Leg(AccountKind(kept), -amount, place.site_id))
        source, reason = f"claim:{claim.id}", "share_taken_back"
        ledger.post(session, source=source, reason=reason, legs=legs, at=stage.now)
    host.get(f"{base}/money")
    assert "You owe $42.00." in host.body
    assert "Kept while a payment is disputed" in host.body
    assert f'href="{base}/rotations/{booking}"' in host.body
    assert host.send(f"{base}/money/onboarding").status_code == 303
    host.get(f"{base}/money")
    assert "is being made" in host.body
    host.get(f"{base}/money/{stage.now:%Y-%m}")
    assert "Taken back: the payer was refunded" in host.body
    assert f'href="{base}/rotations/{booking}"' in host.body
    month = f"/api/v1/sites/{place.site_id}/payouts/statements/{stage.now:%Y-%m}"
    table = host.get(f"{month}/lines.csv").get_data(as_text=True)
    (line,) = [one for one in csv.DictReader(io.StringIO(table)) if one["booking"]]
    booked = (stage.booking(booking).listing_title, "Asha Rao", FIRST_DAY.isoformat())
    assert (line["rotation"], line["trainee"], line["first_day"]) == booked
    assert host.client.get(f"{month}/statement.pdf").data.startswith(b"%PDF")
    host.get(f"{base}/money/{stage.now:%Y-%m}")
    assert f"{booked[0]}</a>, Asha Rao, " in host.body
    host.get(f"{base}/money/2026-10")
    assert "Nothing moved in this month." in host.body
    assert host.get(f"{base}/money/2026-13").status_code == 404
    other = browser_of(app, people.make("coordinator", site_id=place.site_id, name="Cora Diaz"))
    other.get(f"{base}/money")
    assert "owner sets this up" in other.body
    assert other.send(f"{base}/money/onboarding").status_code == 403

    host.get(f"{base}/people")
    assert "Cora Diaz" in host.body
    assert host.send(f"{base}/people/keys", name="", scopes=["read"]).status_code == 422
    assert 'id="name-note"' in host.body
    made = host.send(f"{base}/people/keys", name="Roster", scopes=["read"], expires_on="2027-12-31")
    assert made.headers["Cache-Control"] == "no-store"
    key = re.search(r"rmk_\w+_[\w-]+", host.body)[0]
    bearer = {"Authorization": f"Bearer {key}"}
    roster = f"/api/v1/sites/{place.site_id}/roster?from=2027-03-01&to=2027-03-07"
    assert app.test_client().get(roster, headers=bearer).status_code == 200
    revoke = re.search(r'action="([^"]+/revoke)"', host.body)[1]
    assert host.send(revoke).status_code == 303
    assert app.test_client().get(roster, headers=bearer).status_code == 401
    host.get(f"{base}/people")
    assert key not in host.body
