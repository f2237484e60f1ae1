"""The report builder: looked at before it is published, frozen by analysts, each version by its hash."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from marketplace.adapters.queue import Context
from marketplace.core.db import edge
from marketplace.reporting.service import reports
from marketplace.reporting.service.benchmarks import load_shipped
from marketplace.reporting.service.panel_import import import_panel
from marketplace.reporting.tasks import forget_looks, look_at_report
from tests.integration.pages.hosting import browser_of
from tests.integration.reporting.conftest import PANEL, TAKEN_IN, YEAR

PAGE = f"/desk/reports/{YEAR}"
HASH = re.compile(r"<code[^>]*>([0-9a-f]{64})</code>")


@pytest.fixture
def panel(session):
    """A cohort so small that most of it has to be hidden."""
    with edge(session):
        load_shipped(session, TAKEN_IN)
        import_panel(session, "\n".join(PANEL.splitlines()[:16]), YEAR, TAKEN_IN)


def test_a_report_is_looked_at_published_and_known_by_its_hash(
    app, people, panel, run_jobs, session, clock, client
):
    desk = browser_of(app, people.make("operator"))
    desk.get(PAGE)
    assert "An analyst does that." in desk.body
    assert "No version yet." in desk.body
    assert desk.send(f"{PAGE}/looks", as_of="2100-01-01T00:00").status_code == 422
    assert 'value="2100-01-01T00:00"' in desk.body
    assert desk.send(f"{PAGE}/looks", as_of="soon").status_code == 422
    asked = desk.send(f"{PAGE}/looks")
    look = asked.headers["Location"]
    desk.get(look)
    assert 'http-equiv="refresh"' in desk.body
    run_jobs()
    desk.get(look)
    assert 'http-equiv="refresh"' not in desk.body
    assert "Not published." in desk.body
    assert re.search(r"\d+ of \d+ figures", desk.body)
    assert "Publish as of this moment" not in desk.body
    (inputs,) = HASH.findall(desk.body)
    assert client.get(f"/reports/match/{YEAR}").status_code == 404
    assert session.execute(text("SELECT count(*) FROM report_run")).scalar() == 0
    assert desk.send(f"{PAGE}/runs", public="yes").status_code == 403

    own = browser_of(app, people.make("analyst"))
    own.get(look)
    as_of = re.search(r'name="as_of" value="([^"]+)"', own.body)[1]
    clock.advance(timedelta(minutes=5))
    published = own.send(f"{PAGE}/runs", as_of=as_of, public="yes").headers["Location"]
    own.get(published)
    assert "Who answers for it" in own.body
    assert "Being worked out" in own.body
    run_jobs()
    own.get(published)
    result, made_from = HASH.findall(own.body)
    assert made_from == inputs
    assert result[:16] in own.get(PAGE).get_data(as_text=True)
    assert client.get(f"/reports/match/{YEAR}").status_code == 200
    assert f'href="{PAGE}"' in own.get("/desk/reports").get_data(as_text=True)
    assert own.get("/desk").status_code == 403
    own.get("/desk/reports")
    assert 'href="/desk/audit"' not in own.body
    assert 'href="/desk/reports"' in own.get("/").get_data(as_text=True)


def test_a_look_that_fails_says_so_and_where_it_waits(
    app, people, parts, sessions, monkeypatch, session, clock
):
    desk = browser_of(app, people.make("operator"))
    desk.get(PAGE)
    look = desk.send(f"{PAGE}/looks").headers["Location"]
    job, look_id = Context(parts, sessions), look.rpartition("/")[2]
    with monkeypatch.context() as broken:
        broken.setattr(reports.cohort, "report", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            look_at_report(job, look_id)
    desk.get(look)
    assert "ZeroDivisionError" in desk.body
    assert 'href="/desk/jobs"' in desk.body
    look_at_report(job, look_id)
    desk.get(look)
    assert "ZeroDivisionError" not in desk.body
    assert "What would be hidden" in desk.body
    for days, left in ((30, 1), (1, 0)):
        clock.advance(timedelta(days=days))
        forget_looks(job)
        assert session.execute(text("SELECT count(*) FROM report_look")).scalar() == left


def test_a_campaign_is_made_framed_and_sent_at_the_desk(app, people, run_jobs, session):
    desk = browser_of(app, people.make("operator"))
    own = browser_of(app, people.make("analyst"))
    desk.get("/desk/campaigns")
    assert "Make it" not in desk.body
    own.get("/desk/campaigns")
    days = {"match_year": "2027", "opens_on": "2026-11-02", "closes_on": "2026-12-20"}
    assert own.send("/desk/campaigns", **days, freeze_on="2026-12-01").status_code == 422
    assert "Opens, closes and freezes in this order." in own.body
    assert own.send("/desk/campaigns", **days, freeze_on="2027-01-31").status_code == 303
    own.get("/desk/campaigns")
    path = re.search(r'action="(/desk/campaigns/[^/]+)/frame"', own.body)[1]
    assert own.send("/desk/campaigns", **days, freeze_on="2027-01-31").status_code == 422
    assert "has a survey campaign already" in own.body
    assert "Send the next wave" not in own.body
    assert "Take the frame first" in own.body
    for step, then in (("frame", "/desk/campaigns"), ("waves", path.removeprefix("/desk"))):
        assert own.send(f"{path}/{step}").headers["Location"] == then
        own.get("/desk/campaigns")
    marks = f"{path.removeprefix('/desk')}/marks"
    own.get(marks)
    typed = {"trainee_id": "nobody@example.org", "flag": "deceased", "reason": "A letter."}
    assert own.send(marks, **typed).status_code == 422
    assert "Expected somebody in the frame of 2027" in own.body
    assert 'value="nobody@example.org"' in own.body
    desk.get("/desk/campaigns")
    assert desk.send(f"{path}/waves").status_code == 403
