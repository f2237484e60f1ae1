"""The demo leaves a newcomer something to do and to see at every desk, by the product's own means."""

import re

from sqlalchemy import text

from marketplace.booking.queries import find
from marketplace.booking.service.replaying import verdicts
from marketplace.cli.showing import demo
from marketplace.embedded import alumni
from marketplace.embedded import people as whom
from tests.integration.pages.test_pages import Browser

QUEUES = ("sites", "schools", "listings", "drifts", "documents", "outcomes")
MADE = text(
    "SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM audit_entry),"
    " (SELECT count(*) FROM procrastinate_jobs), (SELECT count(*) FROM document)"
)


def test_the_demo_leaves_work_at_each_desk_and_is_loaded_once(app, client, session):
    run = app.test_cli_runner()
    first = run.invoke(demo, ["load"])
    assert (first.exit_code, "8 past rotations" in first.output) == (0, True), first.output
    made = session.execute(MADE).one()
    assert run.invoke(demo, ["load"]).output == "the demo is loaded already\n"
    assert session.execute(MADE).one() == made
    ids = session.execute(text("SELECT id FROM booking WHERE state = 'completed'")).scalars()
    replayed = verdicts(session, [find(session, one) for one in ids])
    assert [one.agrees for one in replayed] == [True] * 8
    desk = Browser(client)
    desk.get("/sign-in")
    desk.send("/sign-in", email="operator@demo.test", password=whom.PASSWORD, next="/desk")
    home = desk.get("/desk").get_data(as_text=True)
    waits = re.findall(r'href="/desk/([a-z-]+)" class="waits"', home)
    assert set(QUEUES) <= set(waits), waits
    assert "Affiliation agreement" in desk.get("/desk/agreements").get_data(as_text=True)
    asked = text("SELECT requirements FROM requirement_version")
    assert [one["key"] for one in session.execute(asked).scalar_one()] == ["cv", "tb_test", "bls"]
    assert "5 of 8" in desk.get("/desk/campaigns").get_data(as_text=True)
    # And at the site of the past rotations: who applies, comes, is there, asks and waits.
    host = Browser(app.test_client())
    host.get("/sign-in")
    host.send("/sign-in", email="owner@demo.test", password=whom.PASSWORD, next="/host")
    host.get("/host")
    (site,) = re.findall(rf'href="(/host/sites/[^"]+)">{alumni.PAST.name}', host.body)
    host.get(site)
    for who in (alumni.HERE, alumni.ENDING, alumni.COMING, *alumni.APPLYING, alumni.ALUMNI[-1]):
        assert who.name in host.body, who.name
    assert "To be closed" in host.body
    assert alumni.QUESTION in host.body
    assert "2 papers missing" in host.body or "3 papers missing" in host.body
