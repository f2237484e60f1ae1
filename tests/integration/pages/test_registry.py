"""The desk's registry of published figures, and rights to exports with names."""

import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import text

from marketplace.core.db import edge
from marketplace.reporting.service.benchmarks import load_shipped
from tests.integration.pages.hosting import browser_of
from tests.integration.pages.test_trainee import a_file

PAGE, RIGHTS = "/desk/benchmarks", "/desk/rights"
SCHEDULES, DELIVERIES = "/desk/exports/schedules", "/desk/exports/deliveries"
HEAD = (
    "match_year,population,metric,specialty,numerator,denominator,value,unit,status,source,note\n"
)
NEW = "2024,us_img,pgy1_match_rate,,,,61.5,percent,secondary,A newspaper,\n"


@pytest.fixture
def registry(session, clock):
    with edge(session):
        load_shipped(session, clock.now())


def sent(browser, content: str):
    return browser.send(f"{PAGE}/look", sheet=a_file(content.encode(), "figures.csv", "text/csv"))


def test_figures_are_looked_at_before_they_are_taken_in(app, people, registry, session):
    count = text("SELECT count(*) FROM benchmark")
    before = session.execute(count).scalar_one()
    desk = browser_of(app, people.make("analyst"))
    assert "Disputed: never tested against" in unescape(desk.get(f"{PAGE}?year=2024").text)
    bad = sent(desk, HEAD + NEW.replace("61.5", "about 60"))
    assert bad.status_code == 422
    said = unescape(desk.body)
    assert all(one in said for one in (">2</td>", "<code>value</code>", "about 60"))
    looked = sent(desk, HEAD + NEW + NEW)
    assert looked.status_code == 200
    said = unescape(desk.body)
    assert "New figures: 1. There already: 0." in said
    assert "Other sources say otherwise" in said
    assert session.execute(count).scalar_one() == before
    done = desk.send(PAGE, figures=HEAD + NEW)
    assert done.headers["Location"] == f"{PAGE}?added=1"
    assert "A newspaper" in desk.get(f"{PAGE}?year=2024").text
    sent(desk, HEAD + NEW)
    assert "New figures: 0. There already: 1." in unescape(desk.body)
    trail = text("SELECT detail ->> 'figures' FROM audit_entry WHERE action = 'benchmark.load'")
    assert session.execute(trail).scalars().all() == ["1"]
    reader = browser_of(app, people.make("operator"))
    reader.get(PAGE)
    assert reader.send(PAGE, figures=HEAD + NEW).status_code == 403


def test_names_that_nothing_here_is_called_are_pointed_out_and_can_be_meant(app, people, registry):
    desk = browser_of(app, people.make("analyst"))
    desk.get(PAGE)
    misspelt = NEW.replace("us_img", "us_imgs").replace("match_rate", "rate")
    sent(desk, HEAD + NEW + misspelt)
    assert "Names that are not known here: us_imgs, pgy1_rate." in unescape(desk.body)
    sent(desk, HEAD + NEW)
    assert "Names that are not known here" not in unescape(desk.body)
    assert desk.send(PAGE, figures=HEAD + misspelt).headers["Location"] == f"{PAGE}?added=1"


def test_a_right_to_names_is_given_with_its_end_and_taken_back(app, people, clock, session):
    analyst = people.make("analyst", name="Ana Lyst")
    desk = browser_of(app, people.make("operator"))
    assert "Nobody has had it yet." in desk.get(RIGHTS).text
    until = (clock.now() + timedelta(days=30)).strftime("%Y-%m-%d")
    asked = {"email": analyst.email, "reason": "The yearly linkage", "expires_at": until}
    assert (
        desk.send(RIGHTS, **{**asked, "expires_at": "2001-01-01", "reason": "x"}).status_code == 422
    )
    assert "Expected 8 to 500 characters." in desk.body
    assert desk.send(RIGHTS, **{**asked, "expires_at": "2001-01-01"}).status_code == 422
    assert "Expected a day to come, within a year." in desk.body
    assert "The yearly linkage" in desk.body
    assert desk.send(RIGHTS, **{**asked, "email": people.make("trainee").email}).status_code == 422
    assert "Expected the account of an analyst." in desk.body
    assert desk.send(RIGHTS, **asked).status_code == 303
    assert "In force" in desk.get(RIGHTS).text
    own = browser_of(app, analyst)
    assert "Accounts and programs by name" in own.get("/desk/exports").text
    right = session.execute(text("SELECT id FROM identified_right")).scalar_one()
    assert desk.send(f"{RIGHTS}/{right}/revoke").status_code == 303
    assert "Taken back" in desk.get(RIGHTS).text
    assert "Accounts and programs by name" not in own.get("/desk/exports").text
    assert own.get(RIGHTS).status_code == 403
    said = desk.get("/desk/audit").text
    assert "Gave the right to" in said
    assert "Until: " in said
    assert "T00:00" not in said


def test_exports_are_scheduled_and_a_failed_delivery_is_tried_again(app, people, session, clock):
    analyst = browser_of(app, people.make("analyst"))
    assert SCHEDULES in analyst.get("/desk/exports").text
    analyst.get(SCHEDULES)
    wanted = {"name": "weekly", "often": "1", "hour": "6", "formats": "sav"}
    assert analyst.send(SCHEDULES, **{**wanted, "name": "Weekly!"}).status_code == 422
    assert "Expected a-z, 0-9 and -" in analyst.body
    assert analyst.send(SCHEDULES, **wanted).status_code == 303
    assert "every Monday at 06:00" in analyst.get(SCHEDULES).text
    assert analyst.send(SCHEDULES, **wanted).status_code == 422
    assert "There is a schedule of this name. Choose another one." in analyst.body
    analyst.get("/desk/exports")
    export = analyst.send("/desk/exports", profile="pii_free").headers["Location"].split("/")[-1]
    failed = text(
        "INSERT INTO export_delivery (id, schedule_id, export_id, due_at, state, folder, failure)"
        " SELECT gen_random_uuid(), id, :export, :due, 'failed', 'deliveries/weekly/x', 'not_built'"
        " FROM export_schedule RETURNING id"
    )
    row = session.execute(failed, {"export": export, "due": clock.now()}).scalar_one()
    desk = browser_of(app, people.make("operator"))
    assert SCHEDULES in desk.get(RIGHTS).text
    assert f"{DELIVERIES}/{row}" in desk.get(DELIVERIES).text
    assert "The export could not be made" in desk.get(f"{DELIVERIES}/{row}").text
    assert desk.send(f"{DELIVERIES}/{row}/again").status_code == 303
    assert "The export is being made" in desk.get(f"{DELIVERIES}/{row}").text
    assert desk.send(f"{DELIVERIES}/{row}/again").status_code == 422
    assert "There is nothing of this delivery to try again." in desk.body
    assert "Make a schedule" not in desk.get(SCHEDULES).text
    ended = desk.send(re.search(rf"{SCHEDULES}/[0-9a-f-]+/end", desk.body)[0])
    assert ended.status_code == 303
    assert "Ended" in desk.get(SCHEDULES).text
    assert browser_of(app, people.make("trainee")).get(SCHEDULES).status_code == 403
