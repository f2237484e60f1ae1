"""The survey as pages without a script: routing, saving, errors, two windows, Spanish."""

import re

import pytest
from sqlalchemy import text

from tests.integration.outcomes.test_survey import DATES, member

VALUE = r'name="{}" value="([^"]*)"'
STATE = text(
    "SELECT (SELECT count(*) FROM survey_answer), (SELECT count(*) FROM cohort_member_version),"
    " (SELECT count(*) FROM consent)"
)


class Window:
    """A browser's window on the survey: it sends the form of the page that it shows."""

    def __init__(self, client, token):
        self.client = client
        self.path = f"/surveys/{token}"

    def open(self, path=None, **headers):
        answer = self.client.get(path or self.path, headers=headers)
        self.body = answer.get_data(as_text=True)
        return answer

    def send(self, status=303, then="next", **typed):
        hidden = {
            name: found[1]
            for name in ("csrf_token", "version", "page")
            if (found := re.search(VALUE.format(name), self.body))
        }
        answer = self.client.post(self.path, data={**hidden, "then": then, **typed})
        assert answer.status_code == status, answer.get_data(as_text=True)
        if status == 303:
            self.open(answer.headers["Location"])
        else:
            self.body = answer.get_data(as_text=True)
        return answer

    def asks(self):
        return re.findall(r'(?:fieldset|input) id="([a-z_]+)"', self.body)


@pytest.fixture
def token(done, link_of):
    made = done.call(done.analyst, "POST", "/campaigns", 201, json={"match_year": 2027, **DATES})
    path = f"/campaigns/{made.get_json()['id']}"
    done.call(done.analyst, "POST", path + "/frame")
    done.call(done.analyst, "POST", path + "/waves", 202)
    return link_of(done.trainee.email)


def test_from_the_link_to_the_end_and_back(client, token, session):
    window = Window(client, token)
    before = session.execute(STATE).one()
    for _ in range(2):
        answer = window.open()
    client.head(window.path)
    session.rollback()
    assert session.execute(STATE).one() == before, "opening the link records nothing"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "<script>" not in window.body
    assert window.asks() == ["consent_reporting"]
    window.send(consent_reporting="yes")
    assert window.asks() == ["registered"]
    window.send(registered="yes")
    assert window.asks() == ["certified_rol"]
    window.send(certified_rol="yes")
    assert window.asks() == ["main_result", "soap_result"]
    window.send(422, main_result="great", soap_result="not_applicable")
    assert 'id="main_result-note"' in window.body
    window.send(main_result="matched_pgy1", soap_result="not_applicable")
    window.send(422, outside_match="no", interviews="many")
    assert 'value="many"' in window.body
    assert 'id="interviews-note"' in window.body
    window.send(outside_match="no", interviews="12", program="Lakeview", specialty="")
    assert member(session).disposition == "P"
    window.send(lor_earned="refused")
    window.send(consent_research="yes", consent_named="no")
    assert "Hand in" in window.body
    window.send(then="finish")
    assert "Your answers are in" in window.body
    row = member(session)
    assert (row.disposition, row.refused_items, row.wave) == ("I", ["lor_earned"], 1)
    assert (row.consent_research, row.consent_named) == (True, False)
    consents = session.execute(text("SELECT purpose, given FROM consent"))
    assert {(purpose, given) for purpose, given in consents} == {
        ("reporting", True), ("research", True), ("named_testimonial", False),
    }  # fmt: skip
    window.open(f"{window.path}?page=3")
    window.send(certified_rol="no")
    outcome = session.execute(text("SELECT certified_rol, main_result FROM match_outcome")).one()
    assert tuple(outcome) == (False, "not_in_algorithm")
    assert member(session).disposition == "I"


def test_a_window_that_is_behind_overwrites_nothing_and_the_same_twice_is_one(
    client, token, session
):
    newer, older = Window(client, token), Window(client, token)
    newer.open()
    older.open()
    newer.send(consent_reporting="yes")
    again = older.send(consent_reporting="yes")
    assert again.headers["Location"].endswith("page=2")
    older.open(f"{older.path}?page=1")
    newer.send(registered="yes")
    older.send(409, consent_reporting="no")
    assert "nothing was overwritten" in older.body
    older.send(consent_reporting="no")
    assert "Hand in" in older.body, "who does not agree is asked nothing more"
    older.send(then="finish")
    assert member(session).disposition == "R"


def test_it_speaks_spanish_and_a_wrong_link_is_a_page(client, token):
    window = Window(client, token)
    window.open(**{"Accept-Language": "es"})
    assert "¿Podemos contar sus respuestas" in window.body
    window.send(consent_reporting="yes")
    window.send(registered="yes")
    window.send(certified_rol="no")
    window.send(soap_result="not_placed")
    window.open(f"{window.path}?page=5&language=es")
    window.path += "?language=es"
    window.send(422, interviews="some", program="x" * 201)
    assert "Un número entero de 0 a 200." in window.body
    assert "Texto de 200 caracteres como máximo." in window.body
    assert 'aria-label="Prefiero no decirlo: ¿En qué programa?"' in window.body
    window.open(f"/surveys/{token}?page=1&language=en", **{"Accept-Language": "es"})
    assert "May we count your answers" in window.body
    wrong = client.get("/surveys/" + "a" * 75)
    assert (wrong.status_code, wrong.mimetype) == (404, "text/html")
    asked = client.get("/surveys/" + "a" * 75 + "?language=es", headers={"Accept-Language": "en"})
    assert '<html lang="es"' in asked.get_data(as_text=True)
