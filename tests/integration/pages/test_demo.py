"""The demo leaves a newcomer something to do and to see at every desk, by the product's own means."""

import json
import re
from itertools import chain

from sqlalchemy import text

from marketplace.booking.queries import find
from marketplace.booking.service.replaying import verdicts
from marketplace.cli.showing import demo
from marketplace.core.db import edge
from marketplace.core.ids import new_id
from marketplace.embedded import alumni
from marketplace.embedded import people as whom
from marketplace.pages.public.example_parts import address, sent
from marketplace.pages.public.examples import PASSWORD, STORIES
from marketplace.pages.public.reference_parts import templates
from marketplace.web.api import PREFIX, document
from tests.integration.pages.test_pages import Browser

QUEUES = ("sites", "schools", "listings", "drifts", "documents", "outcomes")
MADE = text(
    "SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM audit_entry),"
    " (SELECT count(*) FROM procrastinate_jobs), (SELECT count(*) FROM document)"
)
NOT_REPORTING = text("DELETE FROM procrastinate_jobs WHERE task_name NOT LIKE 'reporting.%'")
ASKED_OF_STRIPE = {".checkout_url"}
NAME = re.compile(r"\$([A-Z_]+)|\$\(.*?\)")
STEP = re.compile(r"\.(\w+)|\[(-?\d+)\]")


def test_the_demo_leaves_work_at_each_desk_and_is_loaded_once(app, client, session, run_jobs):
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

    # What makes reports and exports is run here; what asks Stripe has tests of its own.
    def run_reports():
        with edge(session):
            session.execute(NOT_REPORTING)
            session.commit()
        run_jobs()

    run_reports()
    play_the_examples(app, run_reports)


def play_the_examples(app, run_reports):
    """Each example of the API reference, as it stands there, twice: what they book and change they undo."""
    assert PASSWORD == whom.PASSWORD
    client, by_id, kept = app.test_client(), templates(document(app)), {}

    def fill(text):
        # What a shell works out anew each time, such as the time for a key.
        return NAME.sub(lambda found: str(kept[found[1]] if found[1] else new_id()), text)

    for call in chain.from_iterable(story.calls for _ in range(2) for story in STORIES):
        method, path = by_id[call.operation]
        headers = {name: fill(value) for name, value in call.headers.items()}
        if call.sent_by:
            headers["Authorization"] = f"Bearer {kept[call.sent_by]}"
        body = None if call.body is None else json.loads(fill(sent(call)))
        where = PREFIX + fill(address(call, path))
        for tries in range(2):
            answer = client.open(where, method=method.upper(), headers=headers, json=body)
            assert answer.status_code == call.status, (call, answer.get_data(as_text=True)[:600])
            if call.until in {"", *ASKED_OF_STRIPE} or value_at(call.until, answer.get_json()):
                break
            assert tries == 0, call
            run_reports()
        kept |= {name: value_at(way, answer.get_json()) for name, way in call.keeps.items()}
        assert None not in kept.values(), call
        if call.etag:
            kept[call.etag] = answer.headers["ETag"]


def value_at(where, answer):
    """What jq would find there."""
    for way in where.split(" // "):
        value, (plain, _, last) = answer, way.partition(" | ")
        for key, number in STEP.findall(plain):
            value = value[key] if key else value[int(number)]
        if value is not None:
            return value.split("/")[-1] if last else value
    return None
