"""Stay limits as operators change them: checked, a version each, and what is judged by them."""

import copy
import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from marketplace.booking.errors import StayLimitsEdited, StayLimitsUnfit
from marketplace.booking.rules import stay_rules
from marketplace.booking.service import stay_limits
from marketplace.cli.catalog import listings
from marketplace.identity.service import memberships
from tests.factories import itineraries as make
from tests.factories.rotations import FIRST_DAY

WEEK = timedelta(days=7)


def shorter(months=1):
    found = copy.deepcopy(stay_rules.standard())
    found["limits"][0]["months"] = months
    return found


def change(stage, document, operator, read=0, note="8 CFR was amended."):
    with stage.transaction() as session:
        return stay_limits.change(
            session, document, read=read, note=note, actor_id=operator, now=stage.now
        )


def test_a_changed_limit_counts_at_once(stage):
    first, second = stage.place(), stage.place(site_name="Harbor Clinic")
    itinerary = make.draw_up(
        stage, stage.trainee(), (first, FIRST_DAY, 4), (second, FIRST_DAY + WEEK * 4, 4)
    )
    assert [one.verdict.value for one in make.look(stage, itinerary).stays] == ["fits"]
    assert change(stage, shorter(), stage.account()) == ["~ us_b.months: 6 -> 1"]
    (stay,) = make.look(stage, itinerary).stays
    assert (stay.verdict.value, stay.limit.months) == ("too_long", 1)


def test_what_is_unfit_the_same_or_edited_elsewhere_is_refused(stage):
    operator = stage.account()
    with pytest.raises(StayLimitsUnfit) as refused:
        change(stage, shorter(months=0), operator, note=" ")
    assert set(refused.value.fields) == {"limits.0.months", "note"}
    with pytest.raises(StayLimitsUnfit):
        change(stage, stay_rules.standard(), operator)
    change(stage, shorter(), operator)
    with pytest.raises(StayLimitsEdited):
        change(stage, shorter(2), operator)
    assert change(stage, shorter(2), operator, read=1) == ["~ us_b.months: 1 -> 2"]


def test_versions_stay_as_they_are(stage):
    change(stage, shorter(), stage.account())
    with pytest.raises(DBAPIError), stage.transaction() as session:
        session.execute(text("UPDATE stay_rule_version SET note = 'x'"))


def test_at_a_terminal(live_stage, live, tmp_path):
    operator = live_stage.account("Otto Operator")
    with live_stage.transaction() as session:
        memberships.grant_role(session, operator, "operator", now=live_stage.now)
    stranger = live_stage.account("Nobody")
    file = tmp_path / "limits.json"

    def run(*arguments):
        with live.app.app_context():
            return CliRunner().invoke(listings, ["stays", *arguments])

    def put(*more, by=operator, read="0"):
        who = f"{by}@example.org"
        given = ("--read", read, "--by", who, "--note", "Looked at again.")
        return run("change", str(file), *given, *more)

    shown = run("show")
    assert json.loads(shown.stdout) == stay_rules.standard(), shown.output
    assert shown.stderr == "version 0\n"
    file.write_text("{", "utf-8")
    assert put().exit_code == 1
    file.write_text(json.dumps(shorter()), "utf-8")
    tried = put()
    assert (tried.exit_code, tried.stdout) == (0, "~ us_b.months: 6 -> 1\n"), tried.output
    assert run("show").stderr == "version 0\n"
    assert put("--commit", by=stranger).exit_code == 1
    assert put("--commit").exit_code == 0
    late = put("--commit")
    assert (late.exit_code, "Version 1 counts now, not 0." in late.stderr) == (1, True)
    assert json.loads(run("show").stdout)["limits"][0]["months"] == 1
    assert json.loads(run("show", "--version", "0").stdout) == stay_rules.standard()
    assert run("show", "--version", "9").exit_code == 1
    told = run("history").stdout
    assert "Otto Operator" in told
    assert "us_b.months: 6 -> 1" in told
