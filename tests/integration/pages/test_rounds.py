"""A round by its pages: ranked by numbers, ordered by the host, explained, accepted."""

import re
from datetime import timedelta

import pytest

from marketplace.booking.service import allocating, rounds, waiting
from tests.factories.rotations import FIRST_DAY
from tests.integration.pages.hosting import browser_of
from tests.integration.pages.schooling import to

DAY = timedelta(days=1)


@pytest.fixture
def place(stage):
    return stage.place()


@pytest.fixture
def opened(stage, place, host):
    """A round of two places: one at the host's site, one elsewhere."""
    wanted = [rounds.Wanted(one.listing_id, FIRST_DAY, 4, None) for one in (place, stage.place())]
    times = rounds.Times(stage.now + DAY, stage.now + 2 * DAY, stage.now + 5 * DAY)
    with stage.transaction() as session:
        made = rounds.open_round(
            session, title="Summer 2027", site_id=None, wanted=wanted, times=times,
            actor_id=host.person.id, now=stage.now)  # fmt: skip
        return made.round.id, {one.listing_id: one.id for one in made.places}


def test_a_round_from_ranks_to_an_accepted_place(host, base, stage, place, people, app, opened):
    round_id, places = opened
    mine, path = places[place.listing_id], f"/rounds/{round_id}"
    (other,) = set(places.values()) - {mine}
    ana, ben = (
        browser_of(app, people.trainee(visa_type="b1_b2", name=name)) for name in ("Ana", "Ben")
    )
    ana.get("/waiting-list")
    assert ana.body.count('href="/rounds"') == 1
    ana.get("/rounds")
    assert f'href="{path}"' in ana.body
    ana.get(path)
    assert ana.send(f"{path}/ranking", **{f"rank-{mine}": "one"}).status_code == 422
    assert 'value="one"' in ana.body
    assert f'id="rank-{mine}-note"' in ana.body
    same = {f"rank-{mine}": "2", f"rank-{other}": "2", "wait_if_unmatched": "yes"}
    assert ana.send(f"{path}/ranking", **same).status_code == 422
    assert "give each its own" in ana.body
    assert " checked" in ana.body
    assert to(ana.send(f"{path}/ranking", **{**same, f"rank-{other}": "1"}))
    ana.get(path)
    assert re.search(rf'name="rank-{mine}"[^>]*value="2"', ana.body)
    assert to(ana.send(f"{path}/ranking", **{f"rank-{mine}": "1"})).endswith("done=ranked")
    ben.get(path)
    assert to(ben.send(f"{path}/ranking", **{f"rank-{mine}": "1"}))
    host.get(base)
    assert f'href="{base}/rounds"' in host.body
    host.get(f"{base}/rounds")
    spot = f"{base}/rounds/{round_id}/places/{mine}"
    assert f'href="{spot}"' in host.body
    assert str(other) not in host.body
    host.get(spot)
    names = dict(
        re.findall(r'name="tier-([0-9a-f-]+)"[^>]*aria-label="Number of (\w+)"', host.body)
    )
    ids = {name: trainee for trainee, name in names.items()}
    assert set(ids) == {"Ana", "Ben"}
    assert host.send(spot, **{f"tier-{ids['Ana']}": "first"}).status_code == 422
    assert 'value="first"' in host.body
    ranks = {f"tier-{ids['Ana']}": "2", f"tier-{ids['Ben']}": "1"}
    assert to(host.send(spot, **ranks)) == f"{spot}?done=saved"
    assert host.get(f"{base}/rounds/{round_id}/places/{other}").status_code == 404
    host.get(spot)
    assert host.body.count("India</td>") == 2
    # Run two hours late: there is as long to answer as was promised.
    stage.clock.advance(2 * DAY + timedelta(hours=2))
    with stage.transaction() as session:
        assert allocating.decide_due(session, stage.now)
    for browser, seen in ((host, f"{base}/rounds/{round_id}"), (ben, path)):
        browser.get(seen)
        planned = re.search(r"Planned was ([^:]+:\d\d [AP]M [^:]+):", browser.body)
        until = re.search(r"Offers are open until</dt><dd>([^<]+)<", browser.body)
        assert planned[1] != until[1]
    ben.get("/rounds")
    assert until[1] in ben.body
    assert planned[1] not in ben.body
    host.get(spot)
    assert host.body.count(">Offered</span>") == 1
    ben.get(path)
    assert "You got this place." in ben.body
    assert "A seat is kept for you until" in ben.body
    ana.get(path)
    assert "Its seats went to 1 ranked above you" in ana.body
    assert "/accept" not in ana.body
    assert "Ben" not in ana.body
    assert ana.send(f"{path}/accept").status_code == 422
    assert to(ben.send(f"{path}/accept")).startswith("/rotations/")
    host.get(spot)
    assert "Rotation of Ben" in host.body
    ben.get(path)
    assert "To the rotation" in ben.body
    assert ben.send(f"{path}/decline").status_code == 422


def test_a_place_that_is_not_open_to_one_says_so_before_it_is_ranked(app, people, opened, place):
    round_id, places = opened
    mine, path = places[place.listing_id], f"/rounds/{round_id}"
    other = next(one for one in places.values() if one != mine)
    ana = browser_of(app, people.trainee(visa_type="b1_b2"))
    ana.get(path)
    assert "Not open to you" not in ana.body
    low = browser_of(app, people.trainee(visa_type="esta"))
    low.get(path)
    assert low.body.count("Not open to you") == 2
    assert re.search(rf'id="rank-{mine}"[^>]* disabled[^>]*rank-{mine}-why', low.body)
    assert "ESTA is not accepted here" in re.search(rf'id="rank-{mine}-why">(.*?)</p>', low.body)[1]
    bare = browser_of(app, people.make("trainee"))
    bare.get(path)
    assert "Fill in your profile first" in bare.body
    assert f"/profile?next={path}" in bare.body
    # A number that stands is not taken out of the form: it is for its owner to take away.
    assert low.send(f"{path}/ranking", **{f"rank-{other}": "1"}).status_code == 422
    assert "Take its number away" in low.body


def test_a_host_sees_who_waits_in_order_and_without_names(host, base, stage, place, people):
    one = stage.beside(place)
    stage.hold(stage.trainee("Bo Chen"), one)
    first = f"{base}/calendar/waiting-list"
    host.get(f"{base}/calendar")
    assert f'href="{first}"' in host.body
    host.get(first)
    assert "Nobody waits." in host.body
    for name in ("Cy Dee", "Dora Esch"):
        with stage.transaction() as session:
            waiting.join(
                session, trainee_id=stage.trainee(name), listing_id=one.listing_id,
                first_day=FIRST_DAY, weeks=4, now=stage.now,
            )  # fmt: skip
    host.get(f"{first}?listing_id={one.listing_id}")
    assert re.findall(r"<tr><td[^>]*>(\d)</td>", host.body) == ["1", "2"]
    assert "Cy Dee" not in host.body
    # Where a host looks first, and before the listing is paused or retired.
    host.get(base)
    assert "2 trainees wait for weeks of yours that are full." in host.body
    host.get(f"{base}/listings/{one.listing_id}")
    assert "1 seat is kept for somebody" in host.body
    assert "2 trainees wait in line." in host.body
    host.get(f"{first}?listing_id={place.listing_id}")
    assert "Nobody waits." in host.body
    assert host.get(f"{first}?listing_id=x").status_code == 422
