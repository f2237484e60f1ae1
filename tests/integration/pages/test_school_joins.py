"""A school joins by its own people: registered, shown to be real, refused, shown again, verified."""

import re

from marketplace.identity.service import schools
from tests.integration.pages.schooling import to
from tests.integration.pages.test_pages import Browser

VERSION = re.compile(r'name="version" value="([^"]+)"')
ASKED = {"name": "Grant  Medical College", "country": "IN", "city": "Mumbai"}
PROOF = {"kind": "website", "reference": "https://grant.example/electives"}


def test_a_school_is_registered_shown_to_be_real_and_verified(
    client, people, app, run_jobs, mail, monkeypatch
):
    own, staff = Browser(client), Browser(app.test_client())
    person = people.make(name="Sara Khan")
    own.sign_in(person)
    own.get("/schools")
    assert 'href="/schools/new"' in own.body
    own.get("/schools/new")
    assert own.send("/schools/new", **ASKED, kind="website").status_code == 422
    assert 'id="reference-note"' in own.body
    base = to(own.send("/schools/new", **ASKED, **PROOF)).partition("?")[0]
    own.get(base)
    assert "Not verified yet" in own.body
    assert "Grant Medical College" in own.body
    students = base.replace("/about", "/students")
    assert f'action="{students}"' not in own.get(students).get_data(as_text=True)

    other = Browser(app.test_client())
    other.sign_in(people.make(name="Somebody Else"))
    other.get("/schools/new")
    assert other.send("/schools/new", **ASKED | {"name": "grant MEDICAL college"}, **PROOF)
    assert "There is a school of this name in this country." in other.body
    assert other.get(base).status_code == 404
    monkeypatch.setattr(schools, "MOST_UNVERIFIED", 1)
    other.get("/schools/new")
    to(other.send("/schools/new", **ASKED | {"name": "Another College"}, **PROOF))
    other.get("/schools/new")
    assert other.send("/schools/new", **ASKED | {"name": "A third one"}, **PROOF).status_code == 422
    assert "several schools that are not verified yet" in other.body

    staff.sign_in(people.make("operator", name="Olga Staff"), going_to="/desk")
    desk = base.replace("/schools/", "/desk/schools/").removesuffix("/about")
    assert desk in staff.get("/desk/schools").get_data(as_text=True)
    staff.get(desk)
    assert PROOF["reference"] in staff.body
    to(staff.send(desk, verified="no", note="Nobody of this address is named there."))
    run_jobs()
    assert f"{base}\n" in mail.to(person.email)[-1].text + "\n"
    own.get(base)
    assert "Nobody of this address is named there." in own.body
    to(own.send(f"{base}/evidence", kind="telephone", reference="+91 22 1234"))
    assert desk in staff.get("/desk/schools").get_data(as_text=True)
    staff.get(desk)
    to(staff.send(desk, verified="yes", kind="telephone", reference="+91 22 1234"))
    assert desk not in staff.get("/desk/schools").get_data(as_text=True)
    assert f'action="{students}"' in own.get(students).get_data(as_text=True)
    own.get(base)
    version = VERSION.search(own.body)[1]
    assert own.send(f"{base}/evidence", **PROOF).status_code == 422
    own.get(base)
    to(own.send(base, version=version, approves="yes", city="Bombay"))
    assert " checked>" in own.get(base).get_data(as_text=True)
    assert own.send(base, version=version, city="Mumbai").status_code == 422
    assert "Somebody has changed it" in own.body


def test_a_coordinator_makes_and_revokes_a_key(desk, school):
    path = f"/schools/{school}/people"
    desk.get(path)
    assert desk.send(f"{path}/keys", name="Our records").status_code == 422
    made = desk.send(f"{path}/keys", name="Our records", scopes="read")
    key = re.search(r"rmk_[\w-]+_[\w-]+", made.get_data(as_text=True))[0]
    asked = desk.client.application.test_client().get(
        f"/api/v1/schools/{school}/verification", headers={"Authorization": f"Bearer {key}"}
    )
    assert asked.status_code == 200, asked.get_data(as_text=True)
    assert asked.json["refused_at"] is None
    desk.get(path)
    revoke = re.search(rf'action="({path}/keys/[^"]+/revoke)"', desk.body)[1]
    to(desk.send(revoke))
    assert "Revoked" in desk.get(path).get_data(as_text=True)
