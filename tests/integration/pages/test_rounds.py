"""A round by its pages: ranked by numbers, ordered by the host, explained, accepted."""

import re
from datetime import timedelta

import pytest

from marketplace.booking.service import allocating, rounds
from tests.factories.rotations import FIRST_DAY
from tests.integration.pages.hosting import browser_of
from tests.integration.pages.test_schools import to

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
    assert ana.body.count('href="/rounds"') == 2
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
    stage.clock.advance(2 * DAY)
    with stage.transaction() as session:
        assert allocating.decide_due(session, stage.now)
    ben.get(path)
    assert "You got this place." in ben.body
    assert "A seat is kept for you until" in ben.body
    ana.get(path)
    assert "Its seats went to 1 ranked above you" in ana.body
    assert "/accept" not in ana.body
    assert "Ben" not in ana.body
    assert ana.send(f"{path}/accept").status_code == 422
    assert to(ben.send(f"{path}/accept")).startswith("/rotations/")
    ben.get(path)
    assert "To the rotation" in ben.body
    assert ben.send(f"{path}/decline").status_code == 422
