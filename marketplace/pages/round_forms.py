"""Opening a round and watching it, for the hosts and operators who opened it.

The times are typed in the reader's zone, which is named beside them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import request

from marketplace.booking.queries import rounds as queries
from marketplace.booking.schemas.rounds import RoundOpenArgs, RoundReasonArgs
from marketplace.booking.service import allocating, rounds
from marketplace.identity.access import current_account
from marketplace.pages import forms
from marketplace.pages.school.cohorts import LISTING
from marketplace.pages.trainee.rounds import STATES, TONES
from marketplace.pages.view import reader
from marketplace.web import context

TIMES = ("rank_by", "run_at", "decide_by")
OF_PLACE = ("listing_id", "first_day", "weeks", "quota")
BLANK, MOST_ROWS = 3, 40
RUNS_SHOWN = 20
NOBODY = "none"


def rows(typed: Mapping[str, str]) -> range:
    """The lines of the form: three to begin with, two more whenever they are asked for."""
    asked = forms.whole_number(typed.get("rows", ""))
    number = asked if isinstance(asked, int) else BLANK
    more = 2 if "more" in request.form else 0
    return range(min(max(number, BLANK) + more, MOST_ROWS))


def opened(typed: Mapping[str, str], site_id: UUID | None) -> tuple[UUID | None, forms.Errors]:
    """Open the round that was typed; its id, or what is wrong by field."""
    given = [(row, _place(typed, row)) for row in rows(typed)]
    wanted = [(row, one) for row, one in given if one]
    sent = {
        "title": typed.get("title", ""),
        **{name: _moment(typed.get(name, "")) for name in TIMES},
        "places": [one for _, one in wanted],
    }
    values, errors = forms.read(RoundOpenArgs(), sent)
    if errors:
        return None, _beside(errors, [row for row, _ in wanted])
    made, errors = forms.tried(
        lambda: (
            rounds.open_round(
                context.session(),
                title=values["title"],
                site_id=site_id,
                wanted=[rounds.Wanted(**one) for one in values["places"]],
                times=rounds.Times(*(values[name] for name in TIMES)),
                actor_id=current_account().id,
                now=context.now(),
            ).round.id
        ),
        "places",
    )
    return made, errors


def dry_run(round_id: UUID) -> tuple[str, forms.Errors]:
    """Have it run without effect by a job; how its page tells that the run has not come yet."""
    session, by = context.session(), current_account().id
    again = request.form.get("replays")
    last = queries.runs(session, round_id, limit=1, cursor=None).items
    before = str(last[0].id) if last else NOBODY
    _, errors = forms.tried(
        lambda: allocating.ask_dry_run(
            session, round_id, actor_id=by, replays=UUID(again) if again else None
        ),
        "run",
    )
    return f"?after={before}", errors


def called_off(round_id: UUID, typed: Mapping[str, str]) -> forms.Errors:
    """Call it off with the reason that was typed; what is wrong, by field."""
    by: dict[str, Any] = {"actor_id": current_account().id, "now": context.now()}
    return forms.carried_out(
        RoundReasonArgs(),
        {"reason": typed.get("reason", "")},
        lambda values: rounds.call_off(context.session(), round_id, **by, **values),
        "reason",
    )


def watched(round_id: UUID) -> dict[str, Any]:
    """What a page shows of a round: who ranks and orders, each run, and what came of it."""
    session, now = context.session(), context.now()
    found = queries.find(session, round_id)
    places = queries.places(session, [round_id]).get(round_id, [])
    ranked = queries.rankings(session, round_id)
    runs = queries.runs(session, round_id, limit=RUNS_SHOWN, cursor=None).items
    decided = next((one for one in runs if not one.dry), None)
    offers = queries.offers(session, round_id)
    after = request.args.get("after")
    newest = str(runs[0].id) if runs else NOBODY
    return {
        "round": found,
        "places": places,
        "trainees": sum(bool(one.choices) for one in ranked),
        "wanted": Counter(choice for one in ranked for choice in one.choices),
        "ordered": queries.orders(session, [one.id for one in places]),
        "runs": [_run(one) for one in runs],
        "given": Counter(decided.result["matched"].values()) if decided else None,
        "offers": offers,
        "until": max((one.expires_at for one in offers), default=found.decide_by),
        "history": queries.steps(session, round_id),
        "waiting": after == newest and found.state == "open",
        "is_open": found.state == "open",
        "rankable": found.state == "open" and now < found.rank_by,
        "states": STATES,
        "tones": TONES,
    }


def form(typed: Mapping[str, str], errors: forms.Errors) -> dict[str, Any]:
    """What both forms that open a round have."""
    return {
        "rows": rows(typed),
        "typed": typed,
        "errors": errors,
        "zone": reader().place_time(reader().zone.key),
    }


def _run(run: Any) -> dict[str, Any]:
    return {
        "id": run.id,
        "dry": run.dry,
        "replays": run.replays,
        "ran_at": run.ran_at,
        "trainees": len(run.inputs["choices"]),
        "matched": len(run.result["matched"]),
        "left_out": len(run.inputs["left_out"]),
        "result_hash": run.result_hash,
    }


def _place(typed: Mapping[str, str], row: int) -> dict[str, Any]:
    """A line of the form as the schema takes it; empty where nothing was typed into it."""
    line = {name: typed.get(f"places.{row}.{name}", "").strip() for name in OF_PLACE}
    if not any(line.values()):
        return {}
    named = LISTING.search(line["listing_id"])
    quota = forms.whole_number(line["quota"]) if line["quota"] else None
    return {
        "listing_id": named[0] if named else line["listing_id"],
        "first_day": line["first_day"],
        "weeks": forms.whole_number(line["weeks"]),
        "quota": quota,
    }


def _moment(text: str) -> str:
    """A moment that was typed in the reader's zone; anything else as it is, to be refused."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=reader().zone).isoformat()
    except ValueError:
        return text


def _beside(errors: forms.Errors, numbers: Sequence[int]) -> forms.Errors:
    """Errors by the lines of the form: those that were left empty were not sent."""
    found: dict[str, list[str]] = {}
    for name, texts in errors.items():
        parts = name.split(".")
        if parts[0] == "places" and len(parts) > 1 and parts[1].isdecimal():
            parts[1] = str(numbers[int(parts[1])])
        found[".".join(parts)] = list(texts)
    return found
