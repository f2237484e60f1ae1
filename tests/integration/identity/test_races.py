"""Two at once, on a database of their own with real commits."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import func, select

from marketplace.identity.models import Account, Membership, TraineeProfileRevision
from tests.factories.people import People
from tests.integration.identity.test_profile import FACTS


def at_once(times, call):
    gate = Barrier(times)

    def one(number):
        gate.wait(10)
        return call(number)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


@pytest.fixture
def live_people(live):
    made = People(live.app)
    yield made
    made.close()


@pytest.mark.fault(2)
def test_one_address_registered_eight_times_at_once_is_one_account(live):
    def register(number):
        return live.app.test_client().post(
            "/api/v1/auth/register",
            json={
                "email": "asha@example.org",
                "password": f"password number {number}",
                "name": "Asha Rao",
            },
        )

    answers = at_once(8, register)
    assert {answer.status_code for answer in answers} == {202}
    with live.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Account)) == 1
        assert session.scalar(select(func.count()).select_from(Membership)) == 1


def test_two_operators_can_not_revoke_each_other_at_once(live, live_people):
    operators = [live_people.make("operator") for _ in range(2)]
    with live.sessions() as session:
        ids = {
            row.account_id: row.id
            for row in session.scalars(select(Membership).where(Membership.role == "operator"))
        }

    def revoke_the_other(number):
        other = ids[operators[1 - number].id]
        return live.app.test_client().delete(
            f"/api/v1/operator/memberships/{other}?reason=Gone.", headers=operators[number].headers
        )

    codes = sorted(answer.status_code for answer in at_once(2, revoke_the_other))
    assert codes[0] == 200
    assert codes[1] in {403, 409}
    assert sum("operator" in live_people.roles_of(person) for person in operators) == 1


def test_first_savings_of_one_profile_at_once_are_not_mixed(live, live_people):
    trainee = live_people.make("trainee")

    def save(number):
        return live.app.test_client().put(
            "/api/v1/me/profile",
            json={**FACTS, "step2_ck_score": 240 + number},
            headers=trainee.headers,
        )

    answers = at_once(4, save)
    saved = [answer for answer in answers if answer.status_code == 200]
    assert len(saved) == 1
    assert {answer.status_code for answer in answers} <= {200, 412, 428}
    with live.sessions() as session:
        revisions = session.scalars(select(TraineeProfileRevision)).all()
    assert [row.data["step2_ck_score"] for row in revisions] == [saved[0].json["step2_ck_score"]]


def test_one_role_granted_four_times_at_once_is_one_grant(live, live_people):
    operator, person = live_people.make("operator"), live_people.make()

    def grant(_):
        return live.app.test_client().post(
            f"/api/v1/operator/accounts/{person.id}/memberships",
            json={"role": "analyst", "reason": "For the report."},
            headers=operator.headers,
        )

    codes = sorted(answer.status_code for answer in at_once(4, grant))
    assert codes == [201, 409, 409, 409]
