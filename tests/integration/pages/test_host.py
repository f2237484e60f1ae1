"""A site's panel: what waits is shown, what is decided is done, and who comes second is told."""

import re
from datetime import timedelta
from uuid import uuid4

from marketplace.outcomes.service import hours
from marketplace.outcomes.service.hours import Worked
from marketplace.pages.host import calendar, roster, today
from tests.factories.rotations import FIRST_DAY
from tests.integration.pages.hosting import browser_of

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def test_a_day_at_a_site_shows_what_waits(
    host, base, stage, place, count_queries, people, app, monkeypatch
):
    assert host.get("/host").headers["Location"] == base
    host.get(base)
    for empty in ("Nobody in the next two weeks.", "No application waits", "No letter is owed."):
        assert empty in host.body
    with count_queries() as few:
        host.get(base)
    for name in ("Asha Rao", "Bo Chen"):
        stage.submitted(place, stage.trainee(name))
    stage.confirmed(stage.beside(place))
    host.get(base)
    assert "Bo Chen" in host.body
    assert "Decide by" in host.body
    with count_queries() as more:
        host.get(base)
    stage.submitted(place, stage.trainee("Cy Dee"))
    with count_queries() as still:
        host.get(base)
    assert len(still.texts) == len(more.texts) <= len(few.texts) + 2
    stage.confirmed(stage.beside(place))
    stage.clock.advance(FIRST_DAY - timedelta(days=7) - stage.now.date())
    host.sign_in(host.person)
    host.get(base)
    assert "Papers complete" in host.body

    # A long list says how much of it is elsewhere, and leads there.
    monkeypatch.setattr(today, "MOST", 1)
    monkeypatch.setattr(today, "A_PAGE", 1)
    monkeypatch.setattr(roster, "MOST", 1)
    host.get(base)
    assert f'<a href="{base}/coming">and 1 more</a>' in host.body
    host.get(f"{base}/coming")
    following = re.search(r'rel="next" href="([^"]+)"', host.body)[1]
    assert host.get(following).status_code == 200
    assert 'rel="next"' not in host.body
    stage.clock.advance(timedelta(days=8))
    host.sign_in(host.person)
    host.get(f"{base}/roster")
    assert "This is one; there are more." in host.body
    following = re.search(r'rel="next" href="([^"]+cursor[^"]+)"', host.body)[1]
    host.get(following.replace("&amp;", "&"))
    assert "there are more" not in host.body
    assert 'name="cursor"' in host.body

    stranger = browser_of(app, people.trainee())
    assert "You work for no site here." in stranger.get("/host").get_data(as_text=True)
    assert stranger.get(base).status_code == 404
    preceptor = browser_of(app, people.make("preceptor", site_id=place.site_id))
    preceptor.get(base)
    assert "To decide" not in preceptor.body
    assert preceptor.get(f"{base}/applications").status_code == 403


def test_applications_are_compared_and_decided_and_the_second_is_told(
    host, base, stage, place, people, app
):
    first, second, third = (
        stage.submitted(place, stage.trainee(name)) for name in ("Asha Rao", "Bo Chen", "Cy Dee")
    )
    list_of = f"{base}/applications"
    host.get(f"{list_of}?learner_status=graduate&state=submitted")
    assert "Bo Chen" in host.body
    assert host.get(f"{list_of}?first_day_from=soon").status_code == 422
    assert 'value="soon"' in host.body
    host.get(f"{list_of}/beside?booking={first}&booking={second}")
    assert host.body.count('scope="col"') == 2
    assert "B-1/B-2" in host.body

    page = f"{list_of}/{first}"
    host.get(page)
    other = browser_of(app, people.make("coordinator", site_id=place.site_id, locale="es"))
    other.get(page)
    assert host.send(f"{page}/approve").headers["Location"] == f"{page}?done=approved"
    host.get(f"{page}?done=approved")
    assert "Approved. The trainee is asked to pay." in host.body
    answer = other.send(f"{page}/decline", code="other", reason="We are full.")
    assert answer.status_code == 409
    assert "Olga Owner se adelantó" in other.body
    assert stage.state(first) == "awaiting_payment"

    page = f"{list_of}/{second}"
    host.get(page)
    refused = host.send(f"{page}/decline", code="other", reason="")
    assert refused.status_code == 422
    assert 'class="error" id="reason-note"' in host.body
    assert host.send(f"{page}/decline", code="scores", reason="We ask for 250.").status_code == 303
    assert stage.state(second) == "declined"

    page = f"{list_of}/{third}"
    host.get(page)
    assert host.send(f"{page}/more", text=" ").status_code == 422
    host.get(page)
    assert host.send(f"{page}/more", text="Which wards?").status_code == 303
    host.get(page)
    assert re.search(r"You asked for more.*Which wards\?", host.body, re.DOTALL)
    host.get(list_of)
    assert "Waits for the trainee" in host.body
    host.get(f"{list_of.removesuffix('/applications')}/listings/{place.listing_id}")
    assert "1 application is not decided yet" in host.body, "also who was asked for more"
    elsewhere = stage.place(approval="request")
    assert host.get(f"{list_of}/{stage.submitted(elsewhere)}").status_code == 404


def test_a_rotation_is_attended_closed_evaluated_and_talked_of(
    host, base, stage, place, people, app, run_jobs
):
    trainee = people.trainee(name="Asha Rao", visa_type="b1_b2")
    booking = stage.confirmed(stage.beside(place), trainee.id)
    other = stage.confirmed(stage.beside(place), people.trainee(visa_type="b1_b2").id)
    page, roster = f"{base}/rotations/{booking}", f"{base}/roster"
    talk, file_id, client = f"/api/v1/bookings/{booking}/messages", uuid4(), app.test_client()
    sent = {"data": PDF, "content_type": "application/pdf", "headers": trainee.headers}
    assert client.put(f"{talk}/files/{file_id}?filename=map.pdf", **sent).status_code == 200
    said = {"body": "See the map.", "file_ids": [str(file_id)]}
    assert client.post(talk, json=said, headers=trainee.headers).status_code == 201
    stage.clock.advance(timedelta(days=(FIRST_DAY - stage.now.date()).days, hours=6))
    host.sign_in(host.person)
    host.get(f"{roster}?day=someday")
    assert "Expected a date" in host.body
    host.get(roster)
    assert "Asha Rao" in host.body
    assert 'name="everybody"' in host.body
    whole = {f"mark-{other}": "absent", "everybody": "present"}
    assert host.send(roster, day=str(FIRST_DAY), **whole).status_code == 303
    assert stage.state(booking) == "in_progress"
    host.get(roster)
    assert host.body.count('value="present" checked') == host.body.count('"absent" checked') == 1
    assert "Present: 1 · Absent: 0" in host.body
    tomorrow = f"{roster}?day={FIRST_DAY + timedelta(days=1)}"
    host.get(tomorrow)
    assert 'type="radio"' not in host.body

    host.get(page)
    assert host.send(f"{page}/complete").status_code == 409
    assert "lasts until" in host.body
    assert host.send(f"{page}/messages", body="").status_code == 422
    assert host.send(f"{page}/messages", body="Welcome!\nRoom 4.").status_code == 303
    host.get(page)
    assert "Welcome!\nRoom 4." in host.body
    led = host.send(f"{page}/files/{file_id}").headers["Location"]
    link = led[led.index("/api/v1/message-files/") :]
    assert [client.get(link).status_code for _ in range(2)] == [200, 410]
    host.get(page)
    assert f'action="{page}/files/{file_id}"' in host.body
    stage.clock.advance(timedelta(days=27))
    host.sign_in(host.person)
    host.get(base)
    assert "To be closed" in host.body
    host.get(page)
    teacher = people.make("preceptor", site_id=place.site_id)
    assert host.send(f"{page}/complete").status_code == 303
    assert stage.told(teacher.id) == ["evaluation_wanted"]
    form = f"{page}/evaluation"
    host.get(base)
    assert f'href="{form}"' in host.body
    host.get(form)
    scores = dict.fromkeys(
        (
            "patient_care",
            "medical_knowledge",
            "practice_based_learning",
            "communication",
            "professionalism",
        ),
        "4",
    )
    assert host.send(form, **scores, comments="Good.", shown_to_trainee="true").status_code == 422
    assert 'id="systems_based_practice-note"' in host.body
    assert ">Good.</textarea>" in host.body
    scores["systems_based_practice"] = "5"
    assert host.send(form, **scores, comments="Good.", shown_to_trainee="true").status_code == 303
    host.get(base)
    assert f'href="{form}"' not in host.body
    host.get(page)
    assert f"<strong>{host.person.name}</strong>" in host.body
    assert '<p class="said">Good.</p>' in host.body
    host.get(page)
    assert "5 / 5" in host.body
    host.get(form)
    again = host.send(form, **scores, comments="Better.", shown_to_trainee="false")
    assert again.status_code == 422
    assert 'id="shown_to_trainee-note"' in host.body
    host.get(form)
    assert "The trainee may read it." in host.body

    coming = FIRST_DAY + timedelta(weeks=8)
    second = stage.confirmed(stage.beside(place), stage.trainee("Bo Chen"), coming)
    _hours_are_signed_and_taken_back(stage, booking, host, page)
    other = f"{base}/rotations/{second}"
    host.get(other)
    assert host.send(f"{other}/call-off", reason="").status_code == 422
    assert host.send(f"{other}/call-off", reason="The ward closes.").status_code == 303
    assert stage.state(second) == "cancelled_by_host"


def _hours_are_signed_and_taken_back(stage, booking, host, page):
    with stage.transaction() as session:
        days = [Worked(FIRST_DAY + timedelta(days=n), 480, "Ward") for n in range(2)]
        hours.write(session, booking, days, stage.now)
    form = f"{page}/hours"
    host.get(form)
    assert "16 h logged, 0 h of it signed." in host.body
    assert host.send(form).status_code == 422
    assert 'id="entries-note"' in host.body
    entries = re.findall(r'name="entries" value="([^"]+)"', host.body)
    assert host.send(form, entries=entries).status_code == 303
    host.get(form)
    assert "16 h of it signed." in host.body
    assert host.send(f"{form}/withdrawal", signed=entries[:1], reason="").status_code == 422
    assert 'id="reason-note"' in host.body
    gone = host.send(f"{form}/withdrawal", signed=entries[:1], reason="A conference.")
    assert gone.status_code == 303
    host.get(form)
    assert "8 h of it signed." in host.body
    assert "Taken back, to be logged anew" in host.body
    again = host.send(form, entries=entries[:1])
    assert again.status_code == 409


def test_weeks_are_changed_after_a_look_refused_with_names_and_undone(
    host, base, stage, place, people, app, monkeypatch
):
    booking = stage.confirmed(stage.beside(place, title="Night Externship"))
    stage.submitted(place)
    page = f"{base}/calendar"
    host.get(f"{page}?first_week={FIRST_DAY}")
    assert "1 of 3 taken" in host.body
    assert "Night Externship" in host.body
    scope = f"pool:{place.pool_id}"
    weeks = {"first_week": str(FIRST_DAY), "last_week": str(FIRST_DAY + timedelta(weeks=9))}

    def look(**fields):
        query = "&".join(f"{name}={value}" for name, value in {**weeks, **fields}.items())
        return host.get(f"{page}/edit?{query}")

    assert look(scope=scope, action="set", seats="0").status_code == 200
    assert "Bookings stand against this" in host.body
    assert "Asha Rao" in host.body
    assert "Do it" not in host.body
    # Of however many lines a few can be chosen here, and whichever was chosen stays so.
    with monkeypatch.context() as few:
        few.setattr(calendar, "MOST_CHOOSABLE", 1)
        few.setattr(calendar, "MOST_SHOWN", 0)
        look(action="add", seats="1")
        assert "and 2 more" in host.body
        look(scope=f"listing:{place.listing_id}", action="close")
        assert host.body.count('<option value="pool:') == 1
        assert f'<option value="listing:{place.listing_id}" selected>' in host.body
    assert look(scope=scope, action="set", seats="many").status_code == 422
    assert 'value="many"' in host.body
    assert look(scope=scope, action="set", seats="2", last_week="2027-05-05").status_code == 422
    assert "May 5, 2027 is not a Monday: May 3, 2027 or May 10, 2027." in host.body
    assert 'id="last_week-note"' in host.body

    wish = {"scope": scope, "action": "set", "seats": "2", "why": "A smaller ward.", **weeks}
    look(**wish)
    version = re.search(r'name="version" value="(\d+)"', host.body)[1]
    other = browser_of(app, people.make("coordinator", site_id=place.site_id, name="Cora Diaz"))
    other.get(page)
    other.send(f"{page}/edit", **{**wish, "seats": "4", "version": version})
    assert stage.capacity(place, FIRST_DAY) == 4
    late = host.send(f"{page}/edit", **wish, version=version)
    assert late.status_code == 409
    assert "Cora Diaz has edited this meanwhile" in host.body
    version = re.search(r'name="version" value="(\d+)"', host.body)[1]
    assert host.send(f"{page}/edit", **wish, version=version).status_code == 303
    assert stage.capacity(place, FIRST_DAY) == 2
    host.get(f"{page}/edits")
    assert "A smaller ward." in host.body
    undone, before = re.findall(r'action="([^"]+/undo)"', host.body)
    assert host.send(before).status_code == 409
    assert "No longer as this edit left it" in host.body
    assert host.send(undone).status_code == 303
    assert stage.capacity(place, FIRST_DAY) == 4

    look(action="close")
    assert f"/rotations/{booking}" in host.body
    wish = {"action": "close", "first_week": "2027-11-22", "last_week": "2027-11-22"}
    look(**wish)
    version = re.search(r'name="version" value="(\d+)"', host.body)[1]
    assert host.send(f"{page}/edit", **wish, version=version).status_code == 303
    host.get(f"{page}?first_week=2027-11-22&holidays=yes")
    assert "Thanksgiving" in host.body
    assert host.body.count('<span class="hidden">closed</span>') == 2


def fields_of(body):
    """What a browser would send of the listing's form as it is on the page."""
    form = body[body.index('id="listing"') : body.index('class="beside-form"')]
    found = {}
    for tag in re.findall(r"<input [^>]*>", form):
        name, value = (re.search(f'{one}="([^"]*)"', tag) for one in ("name", "value"))
        if re.search('type="(checkbox|radio)"', tag) and " checked" not in tag:
            continue
        found.setdefault(name[1], []).append(value[1] if value else "")
    for name, options in re.findall(r'<select id="(\w+)".*?>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    found["notes"] = re.search(r'<textarea id="notes"[^>]*>(.*?)<', form, re.DOTALL)[1]
    return found


def test_a_listing_is_written_explained_published_changed_and_retired(
    host, base, stage, place, people, app
):
    host.get(f"{base}/listings")
    assert "Internal Medicine Externship" in host.body
    host.get(f"{base}/listings/new")
    assert host.send(f"{base}/listings/new", title="Ward rounds", price="cheap").status_code == 422
    assert 'value="cheap"' in host.body
    assert 'id="price-note"' in host.body
    old = f"{base}/listings/{place.listing_id}"
    host.get(old)
    filled = {**fields_of(host.body), "external_id": "NEW-1", "title": "Ward Elective"}
    filled |= {"duties": ["history_taking", "physical_examination", "clinical_notes"]}
    filled |= {"audience": "both", "deposit_kind": "share", "deposit_percent": "25"}
    host.get(f"{base}/listings/new")
    assert host.send(f"{base}/listings/new", **filled, preview="yes").status_code == 200
    assert 'class="tier elective"' in host.body
    assert "The words contradict the duties:" in host.body
    assert 'value="Ward Elective"' in host.body
    made = host.send(f"{base}/listings/new", **filled)
    assert made.status_code == 303, host.body
    own = made.headers["Location"].partition("?")[0]
    host.get(f"{base}/listings/new")
    assert host.send(f"{base}/listings/new", **filled).status_code == 422
    assert 'class="error" id="external_id-note"' in host.body
    host.get(own)
    assert host.send(f"{own}/state", to="published").status_code == 303
    host.get(own)
    assert "It waits in review:" in host.body
    same = {**fields_of(host.body)}
    other = browser_of(app, people.make("coordinator", site_id=place.site_id, name="Cora Diaz"))
    other.get(own)
    other.send(own, **{**same, "title": "Ward Externship", "duties": ["history_taking"]})
    late = host.send(own, **{**same, "price": "650"})
    assert late.status_code == 409
    assert "Cora Diaz has changed this meanwhile" in host.body
    assert 'value="650"' in host.body
    # What only the other changed is theirs now, so that saving again takes nothing back.
    changed = fields_of(host.body)
    assert (changed["title"], changed["duties"]) == (["Ward Externship"], ["history_taking"])
    changed |= {"deposit_kind": "amount", "deposit_amount": "120"}
    assert host.send(own, **changed).status_code == 303
    host.get(own)
    assert "On show" in host.body
    assert host.send(f"{own}/state", to="paused", why="").status_code == 422
    assert host.send(f"{own}/state", to="paused", why="The ward moves.").status_code == 303
    host.get(f"{own}/versions")
    assert "The ward moves." in host.body
    assert re.search(r"<del>\$[\d,.]+</del> → <ins>\$650.00</ins>", host.body)
    assert "<del>25%</del> → <ins>$120.00</ins>" in host.body
    other.get(own)
    assert "Retire:" not in other.body
    assert other.send(f"{own}/state", to="retired", why_retire="Mine.").status_code == 422
    host.get(own)
    assert host.send(f"{own}/state", to="retired", why_retire="").status_code == 422
    assert 'id="why_retire-note"' in host.body
    assert host.send(f"{own}/state", to="retired", why_retire="Moved.").status_code == 303
