"""Invitations that come back: at once or by a notification, whoever hands it in, counted once."""

import mailbox
import time

import pytest
from sqlalchemy import text

from marketplace.adapters.reply_signer import signed
from marketplace.cli.match import outcomes
from marketplace.core.ports import AddressRefused, Mailer
from marketplace.outcomes.queries import survey as queries
from tests.integration.outcomes.conftest import API, WHOLE
from tests.settings import ENVIRONMENT
from tests.unit.identity.notifications import notification

FACTS = text("SELECT delivery, disposition, invited FROM cohort_member")
VERSIONS = text("SELECT count(*) FROM cohort_member_version")


@pytest.fixture
def invited(done, token, mail):
    """The Message-ID of the invitation."""
    return next(one.message_id for one in mail.to(done.trainee.email) if "Match" in one.subject)


def hand_on(done, clock, content, secret=ENVIRONMENT["INBOUND_MAIL_SECRET"]):
    del clock
    stamp = str(int(time.time()))
    return done.client.post(
        f"{API}/mail/bounces",
        data=content,
        headers={
            "Content-Type": "message/rfc822",
            "Mail-Signature": f"{stamp}.{signed(secret, stamp, content)}",
        },
    )


def test_an_invitation_that_comes_back_ends_the_waves_once(
    done, campaign, token, invited, clock, session
):
    forged = hand_on(done, clock, notification("postfix", invited), secret="x" * 32)
    assert (forged.status_code, forged.get_json()["code"]) == (403, "mail_not_ours")
    before = session.execute(VERSIONS).scalar_one()
    for name, said in (
        ("delayed", "ignored"),
        ("vacation", "no_notification"),
        ("postfix", "not_ours"),
    ):
        other = "<elsewhere@example.net>" if name == "postfix" else invited
        answer = hand_on(done, clock, notification(name, other))
        assert (answer.status_code, answer.get_json()) == (200, {"outcome": said})
    assert session.execute(VERSIONS).scalar_one() == before
    assert hand_on(done, clock, notification("exim", invited)).get_json()["outcome"] == "recorded"
    assert tuple(session.execute(FACTS).one()) == ("bounced", "NC_bounced", True)
    for _ in range(2):
        again = hand_on(done, clock, notification("postfix", invited))
        assert again.get_json() == {"outcome": "repeated"}
    assert session.execute(VERSIONS).scalar_one() == before + 1
    assert queries.to_invite(session, campaign["id"], 2, 10) == []
    # The link still works: who answers has answered, whatever the mail server said.
    sent = {"version": 0, "answers": WHOLE, "complete": True}
    done.call(None, "PUT", f"/surveys/{token}", json=sent)
    assert session.execute(FACTS).one().disposition == "I"


def test_who_has_answered_stays_so(done, token, invited, clock, session):
    sent = {"version": 0, "answers": WHOLE, "complete": True}
    done.call(None, "PUT", f"/surveys/{token}", json=sent)
    hand_on(done, clock, notification("postfix", invited))
    assert tuple(session.execute(FACTS).one())[:2] == ("bounced", "I")


def test_an_address_that_was_changed_since_is_not_bounced(done, token, invited, clock, session):
    session.execute(
        text("UPDATE account SET email = 'new@example.org' WHERE email = :old"),
        {"old": done.trainee.email},
    )
    answer = hand_on(done, clock, notification("postfix", invited))
    assert answer.get_json() == {"outcome": "recorded"}
    assert tuple(session.execute(FACTS).one())[:2] == ("delivered", "NC_no_reply")


def test_a_mailbox_is_taken_in_at_a_terminal(done, app, invited, tmp_path, session):
    path = tmp_path / "bounces"
    box = mailbox.mbox(path)
    for name in ("postfix", "vacation", "exim", "delayed"):
        box.add(notification(name, invited))
    box.close()
    said = app.test_cli_runner().invoke(outcomes, ["take-bounces", str(path)])
    assert said.output.split("\n")[:5] == [
        "recorded 1", "repeated 1", "ignored 1", "not_ours 0", "no_notification 1",
    ]  # fmt: skip
    assert session.execute(FACTS).one().disposition == "NC_bounced"


class Refusing:
    """Takes all mail but the invitation."""

    def send(self, message):
        if "Match" in message.subject:
            raise AddressRefused("550 no such mailbox")


def test_an_address_that_is_refused_at_once_has_bounced(
    done, campaign, parts, mail, run_jobs, session
):
    parts.add(Mailer, Refusing())
    run_jobs()
    assert tuple(session.execute(FACTS).one()) == ("bounced", "NC_bounced", True)


def test_who_wants_no_mail_about_surveys_is_not_counted_as_invited(
    done, campaign, run_jobs, mail, session
):
    done.call(done.trainee, "PATCH", "/me/notice-preferences", json={"surveys": "off"})
    run_jobs()
    assert not [one for one in mail.to(done.trainee.email) if "Match" in one.subject]
    assert tuple(session.execute(FACTS).one()) == ("not_sent", "NC_not_invited", False)
    path = f"/campaigns/{campaign['id']}"
    assert done.call(done.analyst, "GET", f"{path}/response").get_json()["waves"] == []
    done.call(done.trainee, "PATCH", "/me/notice-preferences", json={"surveys": "each"})
    done.call(done.analyst, "POST", f"{path}/waves", 202)
    run_jobs()
    assert tuple(session.execute(FACTS).one()) == ("delivered", "NC_no_reply", True)
