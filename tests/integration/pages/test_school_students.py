"""A school's students, invited on its page: many at once, each wrong one named, none too often."""

import re
from datetime import timedelta

from tests.integration.pages.schooling import mailed, to


def test_an_invitation_is_refused_without_an_account_and_one_is_taken_back(
    desk, anybody, school, run_jobs, mail
):
    base = f"/schools/{school}"
    desk.get(f"{base}/students")
    several = (
        "a@grant.example, Bo Li <b@grant.example>;c@grant.example d@grant.example\r\nnobody\r\nx@y"
    )
    answer = desk.send(f"{base}/students", email=several)
    assert answer.status_code == 200
    assert "4 were invited" in desk.body
    assert ">nobody\nx@y</textarea>" in desk.body
    for wrong in ("nobody: ", "x@y: "):
        assert desk.body.count(wrong) >= 1
    several = "\n".join(f"s{n}@grant.example" for n in range(101))
    assert desk.send(f"{base}/students", email=several).status_code == 422
    assert "these are 101" in desk.body
    path = mailed(run_jobs, mail, "invites you as its student")
    anybody.get(path)
    assert anybody.send(f"{path}/refusal").status_code == 200
    assert anybody.get(path).status_code == 404
    desk.get(f"{base}/students?state=invited")
    one = re.search(rf'href="({base}/students/[0-9a-f-]+)"', desk.body)[1]
    desk.get(one)
    assert desk.send(f"{one}/end").status_code == 422
    assert to(desk.send(f"{one}/end", reason="A typo."))


def test_each_of_many_addresses_counts_by_itself(desk, school, stage):
    """Ten links a day to one address, however they are asked for; the others go on."""
    path = f"/schools/{school}/students"
    desk.get(path)
    for n in range(10):
        desk.get(path)
        assert to(desk.send(path, email=f"a@grant.example, n{n}@grant.example"))
    desk.get(path)
    assert desk.send(path, email="a@grant.example, b@grant.example").status_code == 200
    assert "One was invited" in desk.body
    assert "a@grant.example: This address has had ten invitations" in desk.body
    assert desk.send(path, email="a@grant.example").status_code == 422
    stage.clock.advance(timedelta(days=1))
    desk.get(path)
    assert to(desk.send(path, email="a@grant.example"))
