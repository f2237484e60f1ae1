"""A letter from the request to the sealed file, and everybody who may not read it (promise 8)."""

import base64
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from marketplace.compliance.models import AuditEntry
from marketplace.core.ports import ObjectStore
from marketplace.outcomes.models import LetterContent
from tests.integration.outcomes.conftest import PDF

SECRET = b"best student"
ADD_CONTENT = (
    "INSERT INTO letter_content (id, letter_id, object_key, sealed_key, sha256, size, uploaded_at)"
    " SELECT gen_random_uuid(), id, 'x', '', '', 1, now() FROM letter"
)


def test_from_the_request_to_the_confirmed_letter(done, link_of, mail, session):
    letter = done.ask(waived=True)
    assert letter["state"] == "asked"
    assert letter["letter_code"].startswith("L-")
    done.agree(letter["id"])
    token = link_of(done.author)
    seen = done.call(None, "GET", f"/letters/uploads/{token}").get_json()
    assert (seen["state"], seen["waived"]) == ("agreed", True)
    assert done.upload(token).get_json()["state"] == "uploaded"
    confirmed = done.call(None, "POST", f"/letters/uploads/{token}/confirmation").get_json()
    assert confirmed["state"] == "confirmed"
    listed = done.call(done.trainee, "GET", "/letters").get_json()["items"]
    assert [row["state"] for row in listed] == ["confirmed"]
    link = done.call(None, "POST", f"/letters/uploads/{token}/confirmation").get_json()
    assert link == confirmed
    told = session.execute(
        text("SELECT template FROM notice WHERE account_id = :who ORDER BY id"),
        {"who": done.trainee.id},
    ).scalars()
    assert {"letter_agreed", "letter_received"} <= set(told)


def test_opening_the_link_changes_nothing(done, link_of, session):
    letter = done.ask()
    done.agree(letter["id"])
    token = link_of(done.author)
    tables = ("letter", "letter_link", "letter_content", "audit_entry", "notice")
    count = text(
        "SELECT " + ", ".join(f"(SELECT md5(string_agg(t::text, ',')) FROM {t} t)" for t in tables)
    )
    before = session.execute(count).one()
    for _ in range(3):
        done.call(None, "GET", f"/letters/uploads/{token}")
        done.call(None, "HEAD", f"/letters/uploads/{token}")
    session.rollback()
    assert session.execute(count).one() == before


def test_what_is_stored_is_sealed(done, uploaded, session, parts):
    content = session.execute(select(LetterContent)).scalar_one()
    stored = parts.get(ObjectStore).get(content.object_key)
    assert SECRET not in stored
    assert not stored.startswith(b"%PDF")


def test_a_token_is_kept_as_a_hash_only(done, uploaded, session):
    _, token = uploaded
    everything = session.execute(
        text("SELECT string_agg(t::text, ',') FROM letter_link t")
    ).scalar_one()
    assert token not in everything
    notices = session.execute(text("SELECT string_agg(t::text, ',') FROM notice t")).scalar_one()
    assert token not in notices


def test_the_author_the_coordinator_and_an_operator_with_a_reason_read_it(
    done, uploaded, people, session
):
    letter_id, _ = uploaded
    path = f"/letters/{letter_id}/content"
    author = people.make(email=done.author)
    for who in (author, done.coordinator):
        answer = done.call(who, "GET", path)
        assert answer.get_data() == PDF
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["Content-Disposition"].startswith("attachment")
    refused = done.call(done.operator, "GET", path, 422).get_json()
    assert refused["code"] == "reason_needed"
    answer = done.call(done.operator, "GET", path + "?reason=Complaint+4711")
    assert answer.get_data() == PDF
    entries = session.execute(
        select(AuditEntry).where(AuditEntry.action == "letter.read").order_by(AuditEntry.id)
    ).scalars()
    assert [(entry.detail["as"], entry.detail["reason"]) for entry in entries] == [
        ("author", None),
        ("coordinator", None),
        ("operator", "Complaint 4711"),
    ]


def test_others_do_not_learn_that_there_is_a_letter(done, uploaded):
    letter_id, _ = uploaded
    people_outside = (done.stranger, done.analyst, None)
    for who in people_outside:
        status = 401 if who is None else 404
        done.call(who, "GET", f"/letters/{letter_id}", status)
        done.call(who, "GET", f"/letters/{letter_id}/content", status)


def test_a_waived_letter_is_out_of_its_trainees_reach_whatever_else_they_are(
    done, uploaded, people
):
    letter_id, _ = uploaded
    for role in ("coordinator", "operator"):
        people.grant(
            done.trainee, role, site_id=done.place.site_id if role == "coordinator" else None
        )
        answer = done.call(done.trainee, "GET", f"/letters/{letter_id}/content?reason=mine", 403)
        assert answer.get_json()["code"] == "letter_waived"


def test_no_route_gives_the_trainee_anything_of_a_waived_letter(
    app, done, uploaded, people, session, run_jobs
):
    """Walk every route that the application has, as the trainee, with every id that they know."""
    letter_id, token = uploaded
    done.call(None, "POST", f"/letters/uploads/{token}/confirmation")
    run_jobs()
    content = session.execute(select(LetterContent)).scalar_one()
    forbidden = [
        SECRET,
        base64.b64encode(PDF)[:40],
        content.object_key.encode(),
        content.object_key.split("/")[-1].encode(),
        content.sealed_key.hex().encode(),
        base64.b64encode(content.sealed_key)[:40],
        content.sha256.hex().encode(),
        token.encode(),
    ]
    ids = [letter_id, str(done.booking_id), str(done.place.site_id), str(done.trainee.id)]
    ids += [str(content.id), str(done.place.listing_id), content.object_key.split("/")[-1]]
    # What is not the letter's is asked for, and not written to.
    about_others = {
        str(done.booking_id): {"booking_id"},
        str(done.place.site_id): {"site_id"},
        str(done.place.listing_id): {"listing_id", "listing"},
        str(done.trainee.id): {"account_id", "trainee_id", "person_id"},
    }
    not_its_own = about_others.keys() - {str(done.booking_id)}
    # And with the author's own link, as if the author had handed it on.
    ids += [token]
    # Signing out would end the walk; a stream of seats has no end, and knows nothing of letters.
    rules = [
        rule
        for rule in app.url_map.iter_rules()
        if "logout" not in rule.rule and not rule.rule.endswith("/availability/events")
    ]
    seen = 0
    for rule in rules:
        for known in ids:
            if known == token and "token" not in rule.arguments:
                continue
            # What is another thing's goes where such things go; the letter's own go everywhere.
            if known in about_others and not about_others[known] & set(rule.arguments):
                continue
            values = {name: _value(rule, name, known) for name in rule.arguments}
            for method in sorted(rule.methods & {"GET", "POST", "PUT"}, key="GETPOSTPUT".index):
                if method != "GET" and (known in not_its_own or _ends_the_walk(rule.rule)):
                    continue
                url = app.url_map.bind("localhost").build(rule.endpoint, values)
                answer = done.client.open(
                    url,
                    method=method,
                    headers=done.trainee.headers,
                    json={} if method != "GET" else None,
                )
                body = answer.get_data()
                seen += answer.status_code == 200
                # A page may repeat what it was asked with: that tells nobody anything.
                unasked = [one for one in forbidden if one not in url.encode()]
                assert not [one for one in unasked if one in body], (method, url)
                assert answer.status_code < 500 or answer.status_code == 503, (method, url, body)
            if not rule.arguments:
                break
    assert seen > 15


def _ends_the_walk(path: str) -> bool:
    """Signing out, or changing one's own credentials, would leave the rest unwalked."""
    return any(word in path for word in ("auth", "password", "session", "erase", "sign", "/me"))


def _value(rule, name, known):
    converter = type(rule._converters[name]).__name__
    if converter == "IntegerConverter":
        return 2027
    if converter == "UUIDConverter":
        return UUID(int=0) if len(known) > len(str(UUID(int=0))) else UUID(known)
    return known


def test_no_notice_job_or_audit_entry_carries_anything_of_the_content(done, uploaded, session):
    content = session.execute(select(LetterContent)).scalar_one()
    keys = (content.object_key, content.sealed_key.hex(), content.sha256.hex(), "best student")
    for table in ("notice", "audit_entry", "procrastinate_jobs", "remembered_answer", "letter"):
        rows = session.execute(text(f"SELECT t::text FROM {table} t")).scalars().all()
        assert not [row for row in rows for key in keys if key in row], table


def test_who_did_not_waive_may_read(done, link_of):
    letter = done.ask(waived=False)
    done.agree(letter["id"])
    done.upload(link_of(done.author))
    answer = done.call(done.trainee, "GET", f"/letters/{letter['id']}/content")
    assert answer.get_data() == PDF


def test_the_choice_is_free_until_the_letter_exists_and_fixed_from_then_on(done, link_of):
    letter = done.ask(waived=False)
    path = f"/letters/{letter['id']}/waiver"
    assert done.call(done.trainee, "PUT", path, json={"waived": True}).get_json()["waived"]
    done.agree(letter["id"])
    done.call(done.trainee, "PUT", path, json={"waived": True})
    done.upload(link_of(done.author))
    refused = done.call(done.trainee, "PUT", path, 409, json={"waived": False}).get_json()
    assert refused["code"] == "waiver_fixed"


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE letter SET waived = false", "letter_waiver_holds"),
        ("UPDATE letter SET uploaded_at = NULL, state = 'agreed'", "letter_exists_holds"),
        ("DELETE FROM letter", "letter_exists_holds"),
        ("UPDATE letter SET trainee_id = booking_id", "letter_identity_holds"),
        ("UPDATE letter_content SET sealed_key = ''", "history_letter_content"),
        ("DELETE FROM letter_content", "history_letter_content"),
    ],
)
def test_the_database_itself_holds_the_waiver(uploaded, session, statement, constraint):
    with pytest.raises(IntegrityError) as caught:
        session.execute(text(statement))
    assert caught.value.orig.diag.constraint_name == constraint


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE letter SET author_name = 'Somebody else'",
        "UPDATE letter SET state = 'uploaded', confirmed_at = NULL",
        "UPDATE letter SET waived = NOT waived",
        "DELETE FROM letter",
        ADD_CONTENT,
    ],
)
def test_the_database_itself_holds_a_confirmed_letter(done, uploaded, session, statement):
    done.call(None, "POST", f"/letters/uploads/{uploaded[1]}/confirmation")
    with pytest.raises(IntegrityError) as caught:
        session.execute(text(statement))
    assert caught.value.orig.diag.constraint_name == "letter_confirmed_holds"


def test_until_it_is_confirmed_the_last_upload_counts_and_afterwards_none_does(
    done, uploaded, session, parts, run_jobs
):
    letter_id, token = uploaded
    second = PDF.replace(b"best", b"very best")
    done.upload(token, second)
    read = done.call(done.coordinator, "GET", f"/letters/{letter_id}/content").get_data()
    assert read == second
    done.call(None, "POST", f"/letters/uploads/{token}/confirmation")
    assert done.upload(token, PDF, 409).get_json()["code"] == "letter_confirmed"
    run_jobs()
    read = done.call(done.coordinator, "GET", f"/letters/{letter_id}/content").get_data()
    assert read == second
    # What it has taken the place of is deleted.
    keys = session.execute(select(LetterContent.object_key).order_by(LetterContent.id)).scalars()
    assert [parts.get(ObjectStore).exists(key) for key in keys] == [False, True]


def test_the_same_upload_twice_is_one(done, uploaded, session):
    done.upload(uploaded[1])
    assert session.execute(select(func.count()).select_from(LetterContent)).scalar_one() == 1


@pytest.mark.fault(47)
@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "not_a_pdf"),
        (b"MZ" + PDF, 422, "not_a_pdf"),
        (PDF[:-7], 422, "not_a_pdf"),
        (b"%PDF-1.7" + b"0" * (10 * 1024 * 1024) + b"%%EOF", 413, "too_large"),
    ],
    ids=["empty", "polyglot", "cut off", "too large"],
)
def test_what_is_no_letter_is_refused_and_nothing_is_stored(
    done, link_of, session, content, status, code
):
    letter = done.ask()
    done.agree(letter["id"])
    answer = done.upload(link_of(done.author), content, status)
    assert answer.get_json()["code"] == code
    assert session.execute(select(func.count()).select_from(LetterContent)).scalar_one() == 0


def test_another_media_type_is_refused(done, uploaded):
    path = f"/letters/uploads/{uploaded[1]}"
    done.call(None, "PUT", path, 415, data=PDF, headers={"Content-Type": "text/html"})


def test_a_link_ends_with_its_time_a_new_one_and_a_withdrawal(done, link_of, clock):
    letter = done.ask()
    done.agree(letter["id"])
    first = link_of(done.author)
    done.call(done.coordinator, "POST", f"/letters/{letter['id']}/links", 204)
    second = link_of(done.author)
    assert done.upload(first, status=404).get_json()["code"] == "link_invalid"
    clock.advance(timedelta(days=61))
    assert done.upload(second, status=404).get_json()["code"] == "link_invalid"
    done.call(done.coordinator, "POST", f"/letters/{letter['id']}/links", 204)
    third = link_of(done.author)
    done.call(done.trainee, "POST", f"/letters/{letter['id']}/withdraw")
    done.upload(third, status=404)


def test_a_trainee_is_not_the_author_of_their_own_letter(done):
    letter = done.ask()
    sent = {
        "agreed": True,
        "strong": True,
        "author_name": "Me",
        "author_email": done.trainee.email.upper(),
    }
    answer = done.call(done.coordinator, "POST", f"/letters/{letter['id']}/answer", 422, json=sent)
    assert answer.get_json()["code"] == "author_refused"
    done.call(done.trainee, "POST", f"/letters/{letter['id']}/answer", 404, json=sent)


def test_a_refusal_says_why_and_another_letter_may_be_asked_for(done):
    first = done.ask()
    again = {"booking_id": str(done.booking_id), "waived": True}
    assert done.call(done.trainee, "POST", "/letters", 409, json=again).get_json()["code"] == (
        "letter_open"
    )
    path = f"/letters/{first['id']}/answer"
    done.call(done.coordinator, "POST", path, 422, json={"agreed": False})
    refused = done.call(
        done.coordinator, "POST", path, json={"agreed": False, "reason": "Too short a stay."}
    ).get_json()
    assert (refused["state"], refused["refusal_reason"]) == ("refused", "Too short a stay.")
    done.ask()


def test_the_waiver_must_be_chosen(done):
    answer = done.call(
        done.trainee, "POST", "/letters", 422, json={"booking_id": str(done.booking_id)}
    )
    assert list(answer.get_json()["fields"]) == ["waived"]


def test_nobody_asks_in_anothers_name_or_before_the_end(done, stage, clock):
    sent = {"booking_id": str(done.booking_id), "waived": True}
    done.call(done.stranger, "POST", "/letters", 404, json=sent)
    clock.advance(-timedelta(days=120))
    early = stage.confirmed(stage.place(), done.stranger.id)
    answer = done.call(
        done.stranger, "POST", "/letters", 409, json={"booking_id": str(early), "waived": True}
    )
    assert answer.get_json()["code"] == "rotation_not_completed"


def test_the_site_lists_what_is_asked_of_it(done, uploaded):
    listed = done.call(done.coordinator, "GET", f"/sites/{done.place.site_id}/letters").get_json()
    assert [row["id"] for row in listed["items"]] == [uploaded[0]]
    done.call(done.stranger, "GET", f"/sites/{done.place.site_id}/letters", 404)
