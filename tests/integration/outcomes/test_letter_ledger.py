"""What belongs to a letter: packet, drafts, the author's answer, programs, gentle reminders."""

import base64
import threading
from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from marketplace.adapters.queue import Context
from marketplace.core.db import edge
from marketplace.core.ids import new_id
from marketplace.identity.service import preferences
from marketplace.outcomes import tasks
from marketplace.outcomes.errors import TooManyLetters
from marketplace.outcomes.models import Letter, LetterContent
from marketplace.outcomes.service import letter_programs
from tests.integration.outcomes.conftest import AFTER, PDF

PROGRAM = "1403521234"
CV = b"%PDF-1.7\n1 0 obj<</Title (Curriculum vitae)>>endobj\n%%EOF\n"
LETTER = text(
    "INSERT INTO letter (id, letter_code, booking_id, trainee_id, site_id, state, waived, packet,"
    " message, author_name, author_email, drafted_by, asked_at, uploaded_at, confirmed_at)"
    " SELECT :id, 'L-' || id, id, trainee_id, site_id, 'confirmed', true, '{}', '',"
    " 'Dr. Lee', 'lee@hospital.example', 'author', now(), now(), now() FROM booking WHERE id = :of"
)


def confirmed_letters(stage, count: int) -> tuple[list[str], object]:
    """So many confirmed letters of one trainee, each of a booking of its own."""
    place, trainee, found = stage.place(seats_per_week=9), stage.trainee(), []
    for number in range(count):
        first = date(2027, 3, 1) + timedelta(weeks=2 * number)
        booking = stage.hold(trainee, place, first, weeks=2)
        found.append(str(new_id()))
        with stage.transaction() as session:
            session.execute(LETTER, {"id": found[-1], "of": booking})
    return found, trainee


def test_a_program_takes_four_letters_whoever_asks_at_once(live, live_stage):
    letters, trainee = confirmed_letters(live_stage, 6)
    said: list[str] = []
    start = threading.Barrier(len(letters))

    def assign(letter_id: str) -> None:
        with live.sessions() as session:
            start.wait()
            try:
                with edge(session):
                    letter_programs.assign(
                        session,
                        session.get_one(Letter, letter_id),
                        match_year=2028,
                        program_code=PROGRAM,
                        program_name="Lakeview Internal Medicine",
                        now=live_stage.now,
                    )
                said.append("assigned")
            except TooManyLetters as error:
                said.append(error.code)

    threads = [threading.Thread(target=assign, args=(one,)) for one in letters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["assigned"] * 4 + ["too_many_letters"] * 2
    with live.sessions() as session:
        slots = session.execute(text("SELECT slot FROM letter_assignment ORDER BY slot"))
        assert list(slots.scalars()) == [1, 2, 3, 4]
    # What no code can do either.
    add = (
        "INSERT INTO letter_assignment (id, letter_id, trainee_id, match_year, program_code,"
        " program_name, slot, assigned_at) SELECT gen_random_uuid(), '{letter}', '{trainee}',"
        " 2028, '{code}', 'x', {slot}, now()"
    )
    free = {"letter": letters[0], "trainee": trainee, "code": "1403529999", "slot": 1}
    refused = {
        "ck_letter_assignment_slot": add.format(**free | {"slot": 5}),
        "ck_letter_assignment_program_code": add.format(**free | {"code": "IM"}),
        "letter_assignable": add.format(**free | {"trainee": live_stage.trainee()}),
        "letter_assignment_holds": "DELETE FROM letter_assignment",
    }
    for constraint, statement in refused.items():
        with live.sessions() as session, pytest.raises(IntegrityError) as caught:
            session.execute(text(statement))
        assert caught.value.orig.diag.constraint_name == constraint


def put_in(done, content: bytes, kind: str = "cv") -> str:
    """A document of the trainee's; its id."""
    wish = {"kind": kind, "filename": f"{kind}.pdf", "media_type": "application/pdf"}
    asked = done.call(
        done.trainee, "POST", "/documents/uploads", 201, json={**wish, "size": len(content)}
    ).get_json()
    where = asked["url"].partition("/api/v1")[2]
    sent = {"data": content, "headers": {"Content-Type": "application/pdf"}}
    return done.call(None, "PUT", where, **sent).get_json()["document_id"]


def test_from_the_packet_to_the_programs(done, link_of, session, run_jobs):
    document = put_in(done, CV)
    strange = {"booking_id": str(done.booking_id), "waived": True}
    refused = done.call(
        done.trainee,
        "POST",
        "/letters",
        422,
        json={**strange, "packet": {"document_ids": [document, str(uuid4())]}},
    ).get_json()
    assert (refused["code"], list(refused["fields"])) == (
        "not_your_document",
        ["packet.document_ids"],
    )
    letter = done.ask()
    path = f"/letters/{letter['id']}"
    packet = {"personal_statement": "I want to be an internist.", "document_ids": [document]}
    done.call(done.trainee, "PUT", f"{path}/packet", json=packet)
    for number, words in enumerate(("Dear colleagues,", "Dear Program Director,"), 1):
        draft = done.call(
            done.trainee, "POST", f"{path}/drafts", 201, json={"words": words}
        ).get_json()
        assert draft["number"] == number
    scores = dict.fromkeys(
        (
            "patient_care", "medical_knowledge", "practice_based_learning", "communication",
            "professionalism", "systems_based_practice",
        ),
        4,
    )  # fmt: skip
    said = {"scores": scores, "comments": "Reliable.", "shown_to_trainee": False}
    evaluations = f"/bookings/{done.booking_id}/evaluations"
    done.call(done.coordinator, "POST", evaluations, 201, json=said)
    done.agree(letter["id"])
    link = f"/letters/uploads/{link_of(done.author)}"
    seen = done.call(None, "GET", link).get_json()["packet"]
    assert seen["personal_statement"] == packet["personal_statement"]
    assert [one["words"] for one in seen["drafts"]] == [
        "Dear colleagues,",
        "Dear Program Director,",
    ]
    assert [(one["comments"], one["scores"]) for one in seen["evaluations"]] == [
        ("Reliable.", scores)
    ]
    assert [one["kind"] for one in seen["documents"]] == ["cv"]
    assert done.call(None, "GET", f"{link}/documents/{document}").get_data() == CV
    done.call(None, "GET", f"{link}/documents/{uuid4()}", 404)
    readings = session.execute(
        text("SELECT detail ->> 'as' FROM audit_entry WHERE action = 'document.read'")
    )
    assert list(readings.scalars()) == ["letter_author"]
    done.call(None, "POST", f"{link}/answer", json={"agreed": True, "strong": True})

    def upload(**arguments):
        headers = {"Content-Type": "application/pdf"}
        query = {"query_string": arguments, "data": PDF, "headers": headers}
        return done.client.put(f"/api/v1{link}", **query)

    assert upload(drafted_by="author", draft_number=2).status_code == 422
    assert upload(drafted_by="both", draft_number=9).get_json()["code"] == "draft_unknown"
    assert upload(drafted_by="both", draft_number=2).status_code == 200
    late = done.call(done.trainee, "POST", f"{path}/drafts", 409, json={"words": "Late"})
    assert late.get_json()["code"] == "letter_not_open"
    done.call(done.trainee, "PUT", f"{path}/packet", 409, json=packet)
    program = {"match_year": 2028, "program_code": PROGRAM, "program_name": "Lakeview"}
    early = done.call(done.trainee, "POST", f"{path}/assignments", 409, json=program)
    assert early.get_json()["code"] == "letter_not_confirmed"
    done.call(None, "POST", f"{link}/confirmation")
    entry = done.call(done.trainee, "GET", path).get_json()
    assert (entry["drafted_by"], entry["draft_number"], entry["author_strong"]) == ("both", 2, True)
    made = done.call(done.trainee, "POST", f"{path}/assignments", 201, json=program).get_json()
    again = done.call(done.trainee, "POST", f"{path}/assignments", 409, json=program)
    assert again.get_json()["code"] == "letter_assigned"
    done.call(done.stranger, "POST", f"{path}/assignments", 404, json=program)
    done.call(done.stranger, "DELETE", f"/letters/assignments/{made['id']}", 404)
    (listed,) = done.call(done.trainee, "GET", "/letters/assignments").get_json()["items"]
    assert (listed["letter_code"], listed["slot"]) == (entry["letter_code"], 1)
    for _ in range(2):
        done.call(done.trainee, "DELETE", f"/letters/assignments/{made['id']}", 204)
    assert done.call(done.trainee, "GET", "/letters/assignments").get_json()["items"] == []
    done.call(done.trainee, "POST", f"{path}/assignments", 201, json=program)


@pytest.fixture
def reminded(app, sessions, clock, run_jobs, mail, done):
    """Let the hourly job run at a moment; the reminders that the author has got so far."""

    def run(at: datetime):
        clock.at = at
        tasks.remind_authors(Context(app.extensions["marketplace.parts"], sessions))
        run_jobs()
        return [one for one in mail.to(done.author) if "recordatorio" in one.subject]

    return run


def test_an_author_is_reminded_gently_in_their_own_tongue(done, link_of, reminded, clock):
    sent = {"booking_id": str(done.booking_id), "waived": True, "due_on": "2027-05-03"}
    letter = done.call(done.trainee, "POST", "/letters", 201, json=sent).get_json()
    done.agree(letter["id"], author_locale="es")
    first = link_of(done.author)
    # Chicago's clock: 2 in the morning is no hour for it, and two weeks before is none either.
    assert len(reminded(datetime(2027, 4, 19, 7, 30, tzinfo=AFTER.tzinfo))) == 0
    assert len(reminded(datetime(2027, 4, 18, 15, tzinfo=AFTER.tzinfo))) == 0
    for day, total in ((19, 1), (20, 1), (29, 1), (30, 2)):
        assert len(reminded(datetime(2027, 4, day, 15, tzinfo=AFTER.tzinfo))) == total, day
    mails = reminded(datetime(2027, 5, 7, 15, tzinfo=AFTER.tzinfo))
    assert len(mails) == 3
    assert mails[0].unsubscribe is not None
    assert "/api/v1/letters/reminders/end?token=" in mails[0].unsubscribe
    assert "Chicago" in mails[0].text
    for later in (1, 10, 20):
        at = datetime(2027, 5, 7 + later, 15, tzinfo=AFTER.tzinfo)
        assert len(reminded(at)) == 3
    # The link of the first mail still works, as do those of the reminders.
    clock.at = AFTER + timedelta(days=40)
    for token in (first, link_of(done.author)):
        done.call(None, "GET", f"/letters/uploads/{token}")


def test_nobody_is_reminded_after_a_no_or_against_their_wish(done, link_of, reminded, stage):
    sent = {"booking_id": str(done.booking_id), "waived": True, "due_on": "2027-05-03"}
    letter = done.call(done.trainee, "POST", "/letters", 201, json=sent).get_json()
    done.agree(letter["id"], author_locale="es")
    link = f"/letters/uploads/{link_of(done.author)}"
    # An author with an account that wants no reminders, until it does.
    account = done.people.make(email=done.author)
    with stage.transaction() as session:
        preferences.choose(session, account.id, {"reminders": "off"}, AFTER)
    assert reminded(datetime(2027, 4, 20, 14, tzinfo=AFTER.tzinfo)) == []
    with stage.transaction() as session:
        preferences.choose(session, account.id, {"reminders": "each"}, AFTER)
    (one,) = reminded(datetime(2027, 4, 20, 15, tzinfo=AFTER.tzinfo))
    stop = one.unsubscribe.partition("/api/v1")[2]
    for method in ("GET", "POST", "POST"):
        done.call(None, method, stop)
    done.call(None, "POST", stop[:-4] + "AAAA", 404)
    assert len(reminded(datetime(2027, 4, 30, 15, tzinfo=AFTER.tzinfo))) == 1
    said = {"agreed": False, "strong": False, "reason": "We met too seldom."}
    assert done.call(None, "POST", f"{link}/answer", json=said).get_json()["state"] == "refused"
    done.call(None, "GET", link, 404)
    done.call(done.coordinator, "POST", f"/letters/{letter['id']}/links", 409)
    entry = done.call(done.trainee, "GET", f"/letters/{letter['id']}").get_json()
    assert (entry["refusal_reason"], entry["author_strong"]) == ("We met too seldom.", False)
    # The next letter of the same author: asked for, and not reminded of.
    again = done.call(done.trainee, "POST", "/letters", 201, json=sent).get_json()
    done.agree(again["id"], author_locale="es")
    link_of(done.author)
    assert len(reminded(datetime(2027, 5, 7, 15, tzinfo=AFTER.tzinfo))) == 1


def test_a_waived_letter_is_in_no_log_mail_search_or_export(
    done, uploaded, session, run_jobs, mail, capfd, caplog
):
    letter_id, token = uploaded
    content = session.execute(select(LetterContent)).scalar_one()
    secrets = (
        "best student",
        content.object_key.rpartition("/")[2],
        content.sealed_key.hex(),
        base64.b64encode(content.sealed_key).decode()[:40],
        content.sha256.hex(),
    )
    done.call(None, "POST", f"/letters/uploads/{token}/confirmation")
    path = f"/letters/{letter_id}/content"
    done.call(done.coordinator, "GET", path)
    done.call(done.trainee, "GET", path, 403)
    # An operator sees the entry; of the content nothing without saying why.
    entry = done.call(done.operator, "GET", f"/letters/{letter_id}").get_data(as_text=True)
    refused = done.call(done.operator, "GET", path, 422).get_data(as_text=True)
    blank = done.call(done.operator, "GET", path + "?reason=%20%20", 422).get_data(as_text=True)
    dates = {"opens_on": "2027-04-01", "closes_on": "2027-06-30", "freeze_on": "2027-09-30"}
    campaign = done.call(
        done.analyst, "POST", "/campaigns", 201, json={"match_year": 2027, **dates}
    ).get_json()
    done.call(done.analyst, "POST", f"/campaigns/{campaign['id']}/frame")
    run = done.call(done.analyst, "POST", "/exports", 202, json={"match_year": 2027}).get_json()
    run_jobs()
    files = done.call(done.analyst, "GET", f"/exports/{run['id']}").get_json()["files"]
    assert files
    exported = [
        done.call(done.analyst, "GET", f"/exports/{run['id']}/files/{one['name']}").get_data()
        for one in files
    ]
    found = done.call(None, "GET", "/listings?q=best+student").get_data(as_text=True)
    mailed = [one.subject + one.text + (one.html or "") for one in mail.sent]
    assert mailed
    logged = "".join(capfd.readouterr()) + caplog.text
    assert "/api/v1/letters" in logged
    everywhere = [entry, refused, blank, logged, *mailed]
    everywhere += [one.decode("utf-8", "replace") for one in exported]
    for secret in secrets:
        assert not [place for place in everywhere if secret in place], secret
        assert secret == "best student" or secret not in found
    assert token not in logged
    assert "is the best" not in found
