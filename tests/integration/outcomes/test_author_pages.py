"""The author's page by the mailed link: no account, no script, nothing consumed by looking."""

import re
from datetime import timedelta
from io import BytesIO

import pytest
from sqlalchemy import text

from marketplace.adapters.virus_scanner import ClamdScanner
from marketplace.core.scanning import VirusScanner
from marketplace.outcomes.rules.letters import LINK_LIFE
from marketplace.outcomes.service import programs as service
from tests.fakes.clamd import EICAR, clamd
from tests.integration.outcomes.conftest import AFTER, PDF
from tests.integration.outcomes.test_letter_ledger import CV, put_in
from tests.integration.pages.test_pages import Browser

CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
TABLES = ("letter", "letter_link", "letter_content", "audit_entry", "notice")
STATE = text(
    "SELECT " + ", ".join(f"(SELECT md5(string_agg(t::text, ',')) FROM {t} t)" for t in TABLES)
)


class Window:
    """The author's browser: it keeps cookies, and sends forms with the token of its page."""

    def __init__(self, client, token):
        self.client = client
        self.path = f"/letters/uploads/{token}"

    def open(self, status=200, path=None, **headers):
        answer = self.client.get(path or self.path, headers=headers)
        self.body = answer.get_data(as_text=True)
        assert answer.status_code == status, self.body
        return answer

    def send(self, part, status=303, **typed):
        found = CSRF.search(self.body)
        given = {**typed, "csrf_token": found[1] if found else ""}
        answer = self.client.post(f"{self.path}/{part}", data=given)
        assert answer.status_code == status, answer.get_data(as_text=True)
        if status == 303:
            self.open(path=answer.headers["Location"])
        else:
            self.body = answer.get_data(as_text=True)
        return answer

    def upload(self, content=PDF, status=303, name="letter.pdf", **typed):
        told = re.search(r'name="waived" value="(\w+)"', self.body)[1]
        file = (BytesIO(content), name, "application/pdf")
        given = {"drafted_by": "author", "waived": told, **typed}
        return self.send("file", status, file=file, **given)


@pytest.fixture
def asked(done):
    """A request with a packet, agreed to by the site."""
    document = put_in(done, CV)
    sent = {
        "booking_id": str(done.booking_id),
        "waived": True,
        "message": "Please write of my work on the ward.",
        "due_on": "2027-06-01",
        "packet": {"personal_statement": "I want to heal.", "document_ids": [document]},
    }
    letter = done.call(done.trainee, "POST", "/letters", 201, json=sent).get_json()
    path = f"/letters/{letter['id']}"
    done.call(done.trainee, "POST", f"{path}/drafts", 201, json={"words": "Dear colleagues,"})
    done.agree(letter["id"])
    return letter["id"]


def test_from_the_link_to_thank_you(done, asked, link_of, mail, session):
    token = link_of(done.author)
    assert f"/letters/uploads/{token}" in mail.to(done.author)[-1].text
    assert "/api/" not in mail.to(done.author)[-1].text
    window = Window(done.client, token)
    before = session.execute(STATE).one()
    for _ in range(2):
        answer = window.open()
    done.client.head(window.path)
    session.rollback()
    assert session.execute(STATE).one() == before, "opening the link records nothing"
    assert (answer.headers["Cache-Control"], answer.headers["X-Robots-Tag"]) == (
        "no-store",
        "noindex",
    )
    assert "<script>" not in window.body
    for words in (
        "asks you for a letter of recommendation", "can never read this letter",
        "Please write of my work on the ward.", "I want to heal.", "cv.pdf", "Dear colleagues,",
        "Jun 1, 2027", "Do you know the work well enough for a strong letter?",
    ):  # fmt: skip
        assert words in window.body, words
    document = re.search(
        r'href="(/api/v1/letters/uploads/[^"]+/documents/[0-9a-f-]+)"', window.body
    )
    assert done.client.get(document[1]).get_data() == CV
    window.send("answer", 422, reason="Which?")
    assert 'id="answer-note"' in window.body
    assert ">Which?</textarea>" in window.body
    window.send("answer", answer="strong")
    assert "You have said: yes, a strong letter." in window.body
    # What is refused is said beside its field, and nothing is kept.
    window.send("file", 422, drafted_by="author")
    assert "Choose a file." in window.body
    window.upload(PDF[:-7], 422)
    assert "This is no whole PDF." in window.body
    window.upload(PDF, 422, drafted_by="author", draft_number="1")
    assert 'id="drafted_by-note"' in window.body
    with clamd() as server:
        scanner = done.client.application.extensions["marketplace.parts"]
        without = scanner.get(VirusScanner)
        scanner.add(VirusScanner, ClamdScanner(server.url))
        window.upload(PDF + EICAR + b"\n%%EOF\n", 422)
        scanner.add(VirusScanner, without)
    assert "A virus was found" in window.body
    assert session.execute(text("SELECT count(*) FROM letter_content")).scalar_one() == 0
    # The choice changed under the author's hands: nobody writes under another promise.
    waiver = f"/letters/{asked}/waiver"
    done.call(done.trainee, "PUT", waiver, json={"waived": False})
    window.upload(status=422)
    assert "can read this letter as soon as" in window.body
    done.call(done.trainee, "PUT", waiver, json={"waived": True})
    window.upload(status=422)
    window.upload(drafted_by="both", draft_number="1")
    assert "Your letter is here." in window.body
    window.upload(PDF.replace(b"best", b"very best"), drafted_by="both", draft_number="1")
    assert session.execute(text("SELECT count(*) FROM letter_content")).scalar_one() == 2
    csrf = CSRF.search(window.body)[1]
    window.send("confirm")
    assert "Thank you for the letter" in window.body
    assert "<form method" not in window.body.partition("<main")[2]
    late = {"csrf_token": csrf, "drafted_by": "author"}
    done.client.post(f"{window.path}/file", data={**late, "file": (BytesIO(PDF), "letter.pdf")})
    assert session.execute(text("SELECT count(*) FROM letter_content")).scalar_one() == 2
    entry = done.call(done.trainee, "GET", f"/letters/{asked}").get_json()
    said = (entry["state"], entry["drafted_by"], entry["draft_number"], entry["author_strong"])
    assert said == ("confirmed", "both", 1, True)


def test_a_no_ends_the_request_and_the_page_is_in_spanish(done, asked, link_of):
    window = Window(done.client, link_of(done.author))
    window.open(path=f"{window.path}?language=es")
    assert '<html lang="es">' in window.body
    assert "nunca podrá leer esta carta" in window.body
    window.send("answer", 422, answer="no")
    assert 'id="reason-note"' in window.body
    given = {"csrf_token": CSRF.search(window.body)[1], "answer": "no", "reason": "Too short."}
    answer = done.client.post(f"{window.path}/answer", data=given)
    assert answer.status_code == 303
    window.open(410)
    assert "This letter will not be written" in window.body
    entry = done.call(done.trainee, "GET", f"/letters/{asked}").get_json()
    assert (entry["state"], entry["refusal_reason"]) == ("refused", "Too short.")


def test_a_link_that_has_ended_says_why_and_what_to_do(done, asked, link_of, clock, run_jobs, mail):
    first = Window(done.client, link_of(done.author))
    forged = Window(done.client, f"{first.path.rpartition('/')[2][:-4]}AAAA")
    forged.open(404)
    assert "This is no link of ours" in forged.body
    assert "Letter ID" not in forged.body
    assert "csrf_token" not in forged.body.partition("<main")[2]
    done.call(done.coordinator, "POST", f"/letters/{asked}/links", 204)
    newer = Window(done.client, link_of(done.author))
    first.open(410)
    assert "This link was replaced" in first.body
    newer.open()
    clock.advance(LINK_LIFE + timedelta(days=1))
    newer.open(410)
    assert "This link has expired" in newer.body
    # Another author has another link; whoever had one before is told.
    other = {"author_name": "Dr. Two", "author_email": "two@hospital.example", "strong": False}
    done.call(done.coordinator, "PUT", f"/letters/{asked}/author", 200, json=other)
    newer.open(410)
    assert "named somebody else as author" in newer.body
    Window(done.client, link_of("two@hospital.example")).open()
    assert "will be written by somebody else" in mail.to(done.author)[-1].text
    back = {"author_name": "Dr. Amara Okafor", "author_email": done.author, "strong": True}
    done.call(done.coordinator, "PUT", f"/letters/{asked}/author", 200, json=back)
    newer = Window(done.client, link_of(done.author))
    clock.advance(LINK_LIFE + timedelta(days=1))
    newer.open(410)
    # Whoever holds it, the next one goes to the author's own address alone.
    before = len(mail.sent)
    newer.send("renew", 200)
    assert "A link is on its way to you" in newer.body
    latest = Window(done.client, link_of(done.author))
    assert {one.to for one in mail.sent[before:]} == {done.author}
    assert latest.path != newer.path
    latest.open()
    done.call(done.trainee, "POST", f"/letters/{asked}/withdraw")
    latest.open(410)
    assert "The request was taken back" in latest.body
    assert "Mail me another link" not in latest.body


def test_a_trainees_own_page_of_a_letter(done, asked, link_of, session):
    """Packet, drafts, reminders, and programs that are proposed and never decided."""
    from_outside = done.client.get(f"/letters/{asked}", headers=done.stranger.headers)
    assert from_outside.status_code == 404
    led = done.client.get(f"/letters/{asked}", headers=done.coordinator.headers)
    assert led.headers["Location"] == f"/host/sites/{done.place.site_id}/letters/{asked}"
    own = Browser(done.client)
    own.sign_in(done.trainee)
    page = f"/letters/{asked}"
    own.get("/letters")
    assert page in own.body
    assert "Of your target specialty" in own.body
    own.get(page)
    for words in ("I want to heal.", "written by you on", "cv.pdf", "Three at most"):
        assert words in own.body, words
    own.send(f"{page}/packet", case_summary="x" * 8001, personal_statement="Kept.")
    assert 'id="case_summary-note"' in own.body
    assert ">Kept.</textarea>" in own.body
    assert 'name="document" value="' in own.body
    own.get(page)
    assert own.send(f"{page}/packet", case_summary="Twelve admissions.").status_code == 303
    own.get(page)
    assert own.send(f"{page}/drafts").status_code == 422
    assert own.send(f"{page}/drafts", words="Dear Program Director,").status_code == 303
    token = link_of(done.author)
    author = Window(done.client, token)
    author.open()
    assert "Twelve admissions." in author.body
    assert "cv.pdf" not in author.body, "what is no longer ticked is no longer the author's"
    own.get(f"{page}/programs?q=Lakeview")
    assert "has not confirmed this letter yet" in own.body
    author.upload(drafted_by="both", draft_number="2")
    author.send("confirm")
    own.get(page)
    for words in ("You and the author", "from your draft 2", "the letter comes from it"):
        assert words in own.body, words
    assert "Save the packet" not in own.body
    programs = ["1403521234,Lakeview Internal Medicine,Chicago,IL,internal_medicine,ACGME"]
    programs += ["1403529999,Lakeside Family Medicine,Chicago,IL,family_medicine,ACGME"]
    service.load(session, ["code,name,city,state,specialty,source", *programs], AFTER)
    own.get(f"{page}/programs?q=lakeview+medicine&match_year=2028")
    assert own.body.index("1403521234") < own.body.index("1403529999")
    assert "none is chosen for you" in own.body
    assert "checked" not in own.body
    wrong = {"match_year": "2028", "program_code": "IM", "program_name": "Lakeview"}
    assert own.send(f"{page}/programs", **wrong).status_code == 422
    assert 'id="program_code-note"' in own.body
    right = {**wrong, "program_code": "1403521234"}
    assert own.send(f"{page}/programs", **right).status_code == 303
    own.get(f"{page}/programs?q=lakeview&match_year=2028")
    assert "1 of 4 letters of yours in 2028" in own.body
    assert own.send(f"{page}/programs", **right).status_code == 422
    assert "is assigned to this program already" in own.body
    own.get("/letters/programs")
    assert "Lakeview Internal Medicine" in own.body
    (back,) = re.findall(r"/letters/assignments/[0-9a-f-]+/take-back", own.body)
    assert own.send(back).headers["Location"] == "/letters/programs"
    own.get("/letters/programs")
    assert "No letter is assigned" in own.body
    assert "best student" not in own.body
