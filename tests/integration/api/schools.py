"""A school in the world that requests are made of: students, a request, a cohort, an agreement."""

from datetime import date

from marketplace.identity.rules import SEEN_WORDING
from tests.factories.cohorts import Desk
from tests.factories.people import Person
from tests.factories.rotations import Place, Stage
from tests.factories.schools import link
from tests.integration.outcomes.conftest import Done

WHEN = date(2027, 10, 25)


def a_school_in_it(done: Done, stage: Stage, place: Place) -> tuple[Person, list[str]]:
    """Make it as its people would; its coordinator, and the links that were mailed."""
    desk = Desk(stage, 2)
    coordinator = done.people.make("trainee", name="Sara Khan")
    path = f"/operator/schools/{desk.school}/coordinators"
    done.call(done.operator, "POST", path, 201, json={"email": coordinator.email})
    link(stage, desk.school, done.trainee.id)
    cohort_id = desk.hold(place, first_day=WHEN)
    desk.answer(cohort_id)
    desk.invoice(cohort_id)
    asked = stage.hold(done.trainee.id, place, date(2027, 7, 5))
    done.call(done.trainee, "POST", f"/bookings/{asked}/school-request", 201, json={})
    invited = {"email": "new@grant.example"}
    done.call(coordinator, "POST", f"/schools/{desk.school}/students", 201, json=invited)
    invited = {"email": "dev@grant.example"}
    where = f"/schools/{desk.school}/coordinators/invitations"
    done.call(coordinator, "POST", where, 201, json=invited)
    template = {"name": "plain", "title": "Affiliation", "body": "We agree."}
    made = done.call(done.operator, "POST", "/operator/agreement-templates", 201, json=template)
    wish = {
        "school_id": str(desk.school),
        "site_id": str(place.site_id),
        "template_id": made.get_json()["id"],
        "signers": [
            {"side": side, "name": "A Signer", "email": f"{side}@x.example", "role": "Dean"}
            for side in ("school", "site")
        ],
        "starts_on": "2027-01-01",
        "ends_on": "2027-12-31",
    }
    for send in (True, False):
        agreement = done.call(coordinator, "POST", "/agreements", 201, json=wish).get_json()
        if send:
            done.call(coordinator, "POST", f"/agreements/{agreement['id']}/send")
    return coordinator, [SEEN_WORDING]
