"""Who works for a site, where its systems are told, and which listings share seats: by forms."""

import re
import threading
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from marketplace.identity.service import api_keys, site_people
from marketplace.pages.host import pools
from tests.factories.people import People
from tests.factories.rotations import FIRST_DAY, Stage
from tests.integration.pages.hosting import browser_of
from tests.integration.pages.test_pages import Browser

ACTION = re.compile(r'action="([^"]+)"')
LINK = re.compile(r"/site-invitations/[\w-]+")


@pytest.fixture
def key_of(session, clock):
    """Headers of a key of an account's that may write."""

    def make(who):
        _, key = api_keys.create(
            session, who.id, name="k", scopes=["write"], expires_at=None, now=clock.now()
        )
        return {"Authorization": f"Bearer {key}"}

    return make


def actions(browser, end):
    return [one for one in ACTION.findall(browser.body) if one.endswith(end)]


def test_a_colleague_is_invited_accepts_is_given_other_rights_and_asked_to_go(
    host, base, people, app, mail, run_jobs, session
):
    page = f"{base}/people"
    host.get(page)
    assert host.send(f"{page}/invitations", email="cora", role="boss").status_code == 422
    assert 'value="cora"' in host.body
    invited = host.send(f"{page}/invitations", email="Cora@Example.org", role="coordinator")
    assert invited.headers["Location"].endswith("done=invited")
    host.get(page)
    assert "cora@example.org" in host.body
    run_jobs()
    link = re.search(r"/site-invitations/\S+", mail.to("cora@example.org")[0].text)[0]

    # Another account is told which address it is for, a stranger to sign in; neither gets in.
    other = browser_of(app, people.make(name="Otto Other"))
    other.get(link)
    assert "Only an account of cora@example.org can accept" in other.body
    assert other.send(f"{link}/accept").status_code == 422
    stranger = Browser(app.test_client())
    stranger.get(link)
    assert "/sign-in?next=" in stranger.body
    stranger.get(f"/register?next={link}")
    assert "Register with the address that was invited." in stranger.body
    cora = people.make(email="cora@example.org", name="Cora Diaz")
    own = browser_of(app, cora)
    own.get(link)
    assert own.send(f"{link}/accept").headers["Location"] == base
    assert people.roles_of(cora) == {"coordinator"}
    assert own.get(link).status_code == 404
    own.get(page)
    assert "An owner of the site gives and takes these rights." in own.body
    assert own.send(f"{page}/invitations", email="x@example.org").status_code == 403

    host.get(page)
    roles = actions(host, "/role")
    (hers,) = [one for one in roles if host.send(one, role="").status_code == 422 and one][-1:]
    host.get(page)
    assert host.send(hers, role="preceptor").status_code == 303
    assert people.roles_of(cora) == {"preceptor"}
    host.get(page)
    assert host.send(f"{page}/invitations", email=cora.email, role="preceptor").status_code == 422
    assert "has this role there already" in host.body
    removals = actions(host, "/remove")
    assert host.send(removals[-1]).status_code == 303
    assert people.roles_of(cora) == set()
    assert own.get(page).status_code == 404

    # The last owner stays, whatever is tried.
    host.get(page)
    other, last = actions(host, "/remove")
    assert host.send(other).status_code == 303
    host.get(page)
    assert not actions(host, "/remove")
    assert "You are the only owner" in host.body
    assert host.send(last).status_code == 422
    assert "last owner" in host.body
    assert host.send(last.replace("/remove", "/role"), role="preceptor").status_code == 422
    assert people.roles_of(host.person) == {"site_owner"}
    run_jobs()
    assert any("you have other rights" in one.subject for one in mail.to(cora.email))
    said = session.execute(
        text("SELECT action FROM audit_entry WHERE subject_kind = 'site' ORDER BY id")
    ).scalars()
    assert [one for one in said if one.startswith("site_people.")] == [
        "site_people.invited",
        "site_people.added",
        "site_people.changed",
        "site_people.removed",
        "site_people.removed",
    ]


def test_programs_do_the_same_but_no_key_does(
    client, people, place, mail, run_jobs, monkeypatch, key_of, clock
):
    owner = people.make("site_owner", site_id=place.site_id)
    cora = people.make(email="cora@example.org")
    members = f"/api/v1/sites/{place.site_id}/members"

    def call(who, method, path, status, headers=None, **sent):
        answer = client.open(path, method=method, headers=headers or who.headers, **sent)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.get_json(silent=True)

    asked = {"json": {"email": "Cora@Example.org", "role": "preceptor"}}
    key = key_of(owner)
    call(owner, "POST", f"{members}/invitations", 403, headers=key, **asked)
    call(cora, "POST", f"{members}/invitations", 404, **asked)
    made = call(owner, "POST", f"{members}/invitations", 201, **asked)
    assert (made["email"], made["role"]) == (cora.email, "preceptor")
    monkeypatch.setattr(site_people, "MOST_OPEN", 1)
    more = {"json": {"email": "otto@example.org", "role": "preceptor"}}
    full = call(owner, "POST", f"{members}/invitations", 409, **more)
    assert full["code"] == "too_many_invitations"
    # Another link to the same address is no other invitation; it may be to another role.
    asked["json"]["role"] = "coordinator"
    clock.advance(timedelta(minutes=1))
    assert call(owner, "POST", f"{members}/invitations", 201, **asked)["id"] == made["id"]
    listed = call(owner, "GET", f"{members}/invitations", 200)["items"]
    assert [(one["id"], one["role"]) for one in listed] == [(made["id"], "coordinator")]
    run_jobs()
    links = ["/api/v1" + LINK.search(sent.text)[0] for sent in mail.to(cora.email)]
    call(cora, "GET", links[0], 404)
    seen = call(cora, "GET", links[1], 200)
    assert (seen["role"], seen["email"]) == ("coordinator", cora.email)
    assert call(owner, "POST", f"{links[1]}/acceptance", 403)["code"] == "other_address"
    own = call(cora, "POST", f"{links[1]}/acceptance", 201)
    assert people.roles_of(cora) == {"coordinator"}
    call(cora, "DELETE", f"{members}/{own['id']}", 403)
    call(owner, "PATCH", f"{members}/{own['id']}", 204, json={"role": "preceptor"})
    assert people.roles_of(cora) == {"preceptor"}
    rows = call(owner, "GET", members, 200)["items"]
    (hers,) = [one["membership_id"] for one in rows if one["account_id"] == str(cora.id)]
    call(owner, "DELETE", f"{members}/{hers}", 204, headers=None)
    assert people.roles_of(cora) == set()
    call(owner, "POST", f"{members}/invitations", 201, **more)
    run_jobs()
    (link,) = [LINK.search(sent.text)[0] for sent in mail.to("otto@example.org")]
    call(cora, "POST", f"/api/v1{link}/refusal", 204)
    call(owner, "POST", f"{members}/invitations/{made['id']}/withdraw", 404)


def test_of_two_owners_who_end_each_other_one_stays(live):
    people, place = People(live.app), Stage(live.sessions, live.clock).place()
    owners = [people.make("site_owner", site_id=place.site_id) for _ in range(2)]
    ours = {"ours": [one.id for one in owners], "now": live.clock.now()}
    with live.transaction() as session:
        session.execute(
            text("UPDATE membership SET revoked_at = :now WHERE account_id <> ALL(:ours)"), ours
        )
        rows = session.execute(
            text("SELECT account_id, id FROM membership WHERE account_id = ANY(:ours)"), ours
        )
        held = {row.account_id: row.id for row in rows}
    browsers = [browser_of(live.app, one) for one in owners]
    page = f"/host/sites/{place.site_id}/people"
    answers = []

    def end(browser, membership_id: UUID) -> None:
        answers.append(browser.send(f"{page}/{membership_id}/remove").status_code)

    for one in browsers:
        one.get(page)
    threads = [
        threading.Thread(target=end, args=pair)
        for pair in zip(browsers, (held[one.id] for one in reversed(owners)), strict=True)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert min(answers) == 303
    assert max(answers) in {404, 422}
    assert sum("site_owner" in people.roles_of(one) for one in owners) == 1


def test_a_webhook_is_made_changed_its_secret_rotated_and_deleted(host, base, place, app, people):
    host.get("/webhooks")
    new = f"/webhooks/sites/{place.site_id}/new"
    assert new in host.body
    host.get(new)
    bad = host.send(new, url="http://10.0.0.1/x", types="booking.confirmed")
    assert bad.status_code == 422
    assert 'value="http://10.0.0.1/x"' in host.body
    assert host.send(new, url="https://ehr.example.org/hooks").status_code == 422
    made = host.send(new, url="https://ehr.example.org/hooks", types="booking.confirmed")
    assert made.status_code == 200
    assert "whsec_" in host.body
    assert "no-store" in made.headers["Cache-Control"]
    host.get("/webhooks")
    assert "whsec_" not in host.body
    one = re.search(r'href="(/webhooks/sites/[^"]+/[0-9a-f-]{36})"', host.body)[1]
    host.get(f"{one}/edit")
    stale = {"version": "7", "url": "https://ehr.example.org/b", "types": "booking.confirmed"}
    assert host.send(f"{one}/edit", **stale).status_code == 412
    changed = host.send(f"{one}/edit", **{**stale, "version": "1"})
    assert changed.headers["Location"] == one
    host.get(one)
    assert "Disabled" in host.body
    host.get(f"{one}/edit")
    assert host.send(f"{one}/secrets", overlap_hours="24").status_code == 200
    assert "whsec_" in host.body
    host.get(f"{one}/edit")
    (ending,) = actions(host, "/end")
    assert host.send(ending).status_code == 303
    host.get(f"{one}/edit")
    coordinator = browser_of(app, people.make("coordinator", site_id=place.site_id))
    assert coordinator.get(f"{one}/edit").status_code == 403
    assert host.send(f"{one}/delete").status_code == 303
    assert host.get(one).status_code == 404


def test_listings_share_seats_and_stop_sharing_them(host, base, stage, place, monkeypatch):
    other = stage.beside(place)
    page = f"{base}/calendar/pools"
    assert page in host.get(f"{base}/calendar").get_data(as_text=True)
    host.get(page)
    assert host.send(page).status_code == 422
    assert host.send(page, name="Ward 4").status_code == 303
    host.get(page)
    assert "No listing draws on it yet." in host.body
    # However many listings a site has, the page stays one that can be read.
    assert not actions(host, "/listings")
    put = re.findall(r'href="([^"]+pools\?put=[^"#]+)', host.body)[-1]
    with monkeypatch.context() as few:
        few.setattr(pools, "MOST_CHOOSABLE", 1)
        host.get(put)
        assert "The first is shown here." in host.body
        host.get(f"{put}&words={place.listing_id}")
        assert "No listing is like this." in host.body
    host.get(put)
    (ward,) = actions(host, "/listings")
    assert host.send(ward, alone="yes").status_code == 422
    ids = [str(place.listing_id), str(other.listing_id)]
    assert host.send(ward, alone="no", listings=ids).status_code == 303
    host.get(page)
    leaves = [one for one in actions(host, "/leave") if ward.rpartition("/")[0] in one]
    assert len(leaves) == 2
    assert "It has no seats: what draws on it alone" in host.body
    assert host.send(leaves[0]).status_code == 303
    host.get(f"{base}/calendar?first_week={FIRST_DAY}")
    assert "Ward 4" in host.body
    # Whoever draws on a line alone has the one that it came with again, with its bookings' seats.
    stage.set_seats(replace(place, pool_id=UUID(ward.split("/")[-2])), 1)
    assert host.send(ward, alone="yes", listings=ids).status_code == 303
    stage.confirmed(other)
    host.get(f"{base}/calendar?first_week={FIRST_DAY}")
    assert host.body.count("no listing draws on it") == 2
    host.get(page)
    assert host.body.count("which draws on shared seats now") == 2
    (dissolve,) = actions(host, "/dissolve")
    stage.set_seats(other, 0)
    assert host.send(dissolve).status_code == 422
    assert "too few free seats" in host.body
    stage.set_seats(other, 1)
    assert host.send(dissolve).status_code == 303
    assert stage.taken(other)[FIRST_DAY] == 1
    host.get(page)
    assert host.send(ward, alone="yes", listings=ids[:1]).status_code == 303
    host.get(page)
    (leave,) = actions(host, "/leave")
    assert host.send(leave).status_code == 303
    host.get(f"{base}/calendar/edits")
    assert "no listing draws on it" not in host.body
    assert re.search(r"Internal Medicine Externship left Ward 4</p>", host.body)
    assert re.search(r"Internal Medicine Externship draws on Ward 4</p>", host.body)
    assert "It is changed back where it was done:" in host.body
