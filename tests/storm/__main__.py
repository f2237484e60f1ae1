"""`make storm`: clients in processes of their own, kill -9 at random; one JSON line of the counts.

Exit status 1 if a promise was broken, with what was found on standard error.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from marketplace.identity.service import memberships
from tests.e2e.site import FIRST_DAY, WEEK, Site
from tests.factories.people import Person
from tests.factories.schools import a_school, link
from tests.smoke.clients import ROOT
from tests.storm import audit

CLIENTS = 8
SECONDS = 60.0
TRAINEES_EACH = 3
SHORTEST_PAUSE, LONGEST_PAUSE = 3.0, 8.0
# Past the end of the storm, a client may still wait for its last answer.
LEAVE_SECONDS = 120.0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="make storm, or python -m tests.storm",
        description="Book, pay, cancel, decide and change seats in many processes at once while web"
        " processes, the worker and the cache are killed; then look whether every promise was kept.",
    )
    made.add_argument("--seconds", type=float, default=SECONDS, help="how long (60)")
    made.add_argument("--clients", type=int, default=CLIENTS, help="processes (8)")
    made.add_argument("--seed", type=int, help="of all that is random; printed")
    return made


def main() -> int:
    """Entry point; returns the exit status."""
    given = parser().parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(2**32)
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        say("starting the stack")
        site = Site(Path(folder) / "home")
        try:
            found = storm(site, Path(folder), given, seed)
        finally:
            site.stop()
    print(json.dumps(found))
    for line in found["broken"]:
        say(f"BROKEN: {line}")
    return 1 if found["broken"] else 0


def storm(site: Site, folder: Path, given: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Let it rage, let it settle, look; what happened as one JSON object."""
    processes = [begin(folder, plan) for plan in plans(site, given.clients, given.seconds, seed)]
    say(f"{len(processes)} clients for {given.seconds:.0f} s, seed {seed}")
    kills = rage(site, random.Random(seed), given.seconds)
    reports = [end(process) for process in processes]
    say("letting it settle")
    site.await_ready()
    acknowledged = {
        booking: state for report in reports for booking, state in report["acknowledged"].items()
    }
    broken = [line for report in reports for line in report["unexpected"]]
    audit.settle(site)
    broken += audit.findings(site, acknowledged)
    counts: Counter[str] = Counter()
    for report in reports:
        counts.update(report["counts"])
    return {
        "seed": seed,
        "kills": dict(kills),
        "answers": dict(sorted(counts.items())),
        "acknowledged": len(acknowledged),
        **audit.facts(site),
        "broken": broken,
    }


def plans(site: Site, clients: int, seconds: float, seed: int) -> list[dict[str, Any]]:
    """Few seats, many who want them: an instant listing and one by request, at two sites.

    One of each client's trainees is a student whose school decides on each booking.
    """
    span = {
        "first_start": FIRST_DAY.isoformat(),
        "last_start": (FIRST_DAY + 20 * WEEK).isoformat(),
    }
    places = [
        site.stage.place(seats_per_week=2, **span),
        site.stage.place(seats_per_week=2, approval="request", **span),
    ]
    hosts = {
        str(place.site_id): site.people.make("coordinator", site_id=place.site_id).token
        for place in places
    }
    people = [
        [site.people.trainee(visa_type="b1_b2") for _ in range(TRAINEES_EACH)]
        for _ in range(clients)
    ]
    school = with_school(site, [each[0] for each in people])
    return [
        {
            "base": site.base,
            "seed": seed + number,
            "seconds": seconds,
            "first_day": FIRST_DAY.isoformat(),
            "listings": [str(place.listing_id) for place in places],
            "hosts": hosts,
            "school": school,
            "trainees": [person.token for person in people[number]],
        }
        for number in range(clients)
    ]


def with_school(site: Site, students: list[Person]) -> dict[str, str]:
    """A school that says yes or no to each booking of these students; its id and who decides."""
    school_id = a_school(site.stage, approves=True)
    coordinator = site.people.make(name="Sara Khan")
    with site.stage.transaction() as session:
        memberships.grant_role(
            session, coordinator.id, "school_coordinator", school_id=school_id, now=site.stage.now
        )
    link(site.stage, school_id, *(student.id for student in students))
    return {"id": str(school_id), "token": coordinator.token}


def begin(folder: Path, plan: dict[str, Any]) -> "subprocess.Popen[str]":
    path = folder / f"client-{plan['seed']}.json"
    path.write_text(json.dumps(plan))
    return subprocess.Popen(
        [sys.executable, "-m", "tests.storm.client", str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, err = process.communicate(timeout=LEAVE_SECONDS)
    if process.returncode != 0:
        return {"counts": {}, "acknowledged": {}, "unexpected": [f"a client ended: {err[-2000:]}"]}
    report: dict[str, Any] = json.loads(out.splitlines()[-1])
    return report


def rage(site: Site, chance: random.Random, seconds: float) -> Counter[str]:
    """Kill -9 what the product is made of, one thing after another."""
    kills: Counter[str] = Counter()
    blows: list[tuple[str, Callable[[], None], int]] = [
        ("one web process", site.kill_one_web_process, 10),
        ("the worker", lambda: site.kill("worker"), 4),
        ("the whole web server", lambda: site.kill("web"), 1),
        ("the cache", site.kill_cache, 2),
    ]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(chance.uniform(SHORTEST_PAUSE, LONGEST_PAUSE))
        ((name, strike, _),) = chance.choices(blows, [weight for _, _, weight in blows])
        try:
            strike()
        except (KeyError, ValueError):
            # It is between two lives already.
            kills[f"{name}, not there"] += 1
        else:
            kills[name] += 1
    return kills


def say(text: str) -> None:
    print(f"· {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
