"""Match outcomes are verified, corrected and rejected on pages, each with evidence, none edited."""

import re
from datetime import timedelta

import pytest

from marketplace.core.db import edge
from marketplace.outcomes.queries import match as queries
from marketplace.reporting.service import export_rights
from marketplace.reporting.service.panel_import import import_panel
from tests.conftest import NOW
from tests.integration.pages.hosting import browser_of
from tests.integration.reporting.conftest import PANEL, YEAR

API = "/api/v1/match-outcomes"
TOLD = {
    "registered": True,
    "certified_rol": True,
    "main_result": "matched_pgy1",
    "program": "Mercy Hosp Chicago",
    "interviews": 7,
}
ENTRY = re.compile(r'name="entries" value="([^"]+)"[^>]*><span>([^:]+):')


@pytest.fixture
def trainee(people):
    return people.make("trainee", name="Asha Rao")


@pytest.fixture
def record(client, trainee):
    told = client.put(f"{API}/2027", json=TOLD, headers=trainee.headers)
    return f"/desk/outcomes/records/{told.get_json()['id']}"


@pytest.fixture
def desk(app, people):
    return browser_of(app, people.make("operator", name="Olga Staff"))


def entries(desk):
    return {name: entry for entry, name in ENTRY.findall(desk.body)}


def test_what_was_told_waits_until_somebody_has_seen_it(desk, record, client, trainee, clock):
    desk.get("/desk")
    assert "<strong>1</strong> Match outcomes to verify" in desk.body
    desk.get("/desk/outcomes")
    assert "0 of 1 result verified; 1 only self-reported, 0 disputed." in desk.body
    desk.get("/desk/outcomes/2027")
    assert f'href="{record}"' in desk.body
    assert trainee.email in desk.body
    desk.get(record)
    shown = entries(desk)
    result = shown["Result of the algorithm"]
    assert desk.send(f"{record}/decision", decision="document_verified").status_code == 422
    assert 'href="#entries"' in desk.body
    assert 'href="#seen_evidence"' in desk.body
    seen = {"decision": "document_verified", "seen_evidence": "NRMP letter, seen by O. S."}
    assert desk.send(f"{record}/decision", entries=[result], **seen).status_code == 303
    desk.get(record)
    assert "Verified by a document" in desk.body
    assert "Olga Staff" in desk.body
    assert "<strong>0</strong> Match outcomes to verify" in desk.get("/desk").get_data(as_text=True)
    assert "Nothing waits here." in desk.get("/desk/outcomes/2027").get_data(as_text=True)

    # What was shown counts no longer: nothing is decided on it.
    desk.get(record)
    assert desk.send(f"{record}/decision", entries=[result], **seen).status_code == 422
    assert "The record has changed since you read it." in desk.body

    # Another self-report disputes what was verified, and the desk settles it.
    client.put(f"{API}/2027", json={"main_result": "unmatched"}, headers=trainee.headers)
    assert "1</strong> Match outcomes" in desk.get("/desk").get_data(as_text=True)
    desk.get("/desk/outcomes/2027")
    assert f'href="{record}"' in desk.body
    assert "Disputed: 1" in desk.body
    desk.get(record)
    wrong = {"decision": "rejected", "seen_evidence": "A slip, says the trainee."}
    again = entries(desk)["Result of the algorithm"]
    assert desk.send(f"{record}/decision", entries=[again], **wrong).status_code == 303
    told = client.get(f"{API}/{record.rpartition('/')[2]}", headers=trainee.headers).get_json()
    assert told["known"]["main_result"] == {
        "value": "matched_pgy1", "provenance": "document_verified",
    }  # fmt: skip
    assert [one["evidence"] for one in told["entries"]][-1] == "A slip, says the trainee."


def test_all_that_is_not_borne_out_is_taken_back_at_once(desk, record, session):
    """One after the other, a registration denied earlier would contradict the list."""
    desk.get(record)
    chosen = list(entries(desk).values())
    said = {"decision": "rejected", "seen_evidence": "Another person's letter."}
    assert desk.send(f"{record}/decision", entries=chosen, **said).status_code == 303
    desk.get(record)
    assert "Nothing is known any more" in desk.body
    outcome = queries.outcome(session, record.rpartition("/")[2])
    assert (outcome.main_result, outcome.interviews, outcome.provenance) == (None, None, {})
    assert "<strong>0</strong> Match outcomes" in desk.get("/desk").get_data(as_text=True)


def test_a_correction_keeps_what_was_typed_and_what_was_before(desk, record):
    desk.get(record)
    typed = {"source": "roster_verified", "evidence": "Roster", "main_result": "unmatched"}
    assert desk.send(f"{record}/entries", interviews="many", **typed).status_code == 422
    assert 'value="many"' in desk.body
    assert 'id="interviews-note"' in desk.body
    assert desk.send(f"{record}/entries", source="roster_verified", evidence="x").status_code == 422
    assert desk.send(f"{record}/entries", certified_rol="0", **typed).status_code == 303
    desk.get(record)
    assert "<h1>Not matched</h1>" in desk.body
    taken = re.search(rf'action="({record}/entries/[^"]+/retraction)"', desk.body)[1]
    assert desk.send(taken).status_code == 422
    assert desk.send(taken, reason="Typed wrong.").status_code == 422
    assert "contradict" in desk.body


def test_others_see_nothing_and_a_panel_waits_too(app, people, desk, record, session, client):
    stranger = browser_of(app, people.make("trainee"))
    for path in ("/desk/outcomes", "/desk/outcomes/2027", record):
        assert stranger.get(path).status_code == 403
    for year in (1999, 70_000, 10**20):
        assert desk.get(f"/desk/outcomes/{year}").status_code == 404
    with edge(session):
        import_panel(session, "\n".join(PANEL.splitlines()[:60]), YEAR, NOW)
    own = browser_of(app, people.make("analyst", locale="es"))
    own.get("/desk/outcomes")
    assert "Resultados del Match por verificar" in own.body
    own.get(f"/desk/outcomes/{YEAR}")
    assert "Declarado por la persona" in own.body
    assert "Waits since" not in own.body


def test_an_analyst_sees_whose_a_record_is_only_by_the_right_to_names(
    app, people, trainee, record, session
):
    analyst, operator = people.make("analyst", name="Noor Haddad"), people.make("operator")
    own = browser_of(app, analyst)

    def named():
        bodies = [own.get(path).text for path in (record, "/desk/outcomes/2027")]
        return [trainee.name in body or trainee.email in body for body in bodies]

    said = {"source": "self_reported", "evidence": "By telephone.", "interviews": "8"}
    own.get(record)
    assert own.send(f"{record}/entries", **said).status_code == 303
    assert named() == [False, False]
    assert "Names need a right that an operator gives." in own.body
    page = own.get(record).text
    for words in ("who it is about", f"· {analyst.name}<"):
        assert words in page, words
    with edge(session):
        export_rights.give(
            session, account_id=analyst.id, reason="Verifies 2027.", granted_by=operator.id,
            expires_at=NOW + timedelta(days=30), now=NOW,
        )  # fmt: skip
    assert named() == [True, True]
