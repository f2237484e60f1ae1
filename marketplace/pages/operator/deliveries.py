"""Exports on schedule: which there are, made and ended; what was delivered, and what tried again."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.identity.access import caller, current_account, require
from marketplace.identity.rules import Role
from marketplace.pages import forms
from marketplace.pages.operator.exports import years
from marketplace.pages.view import Pages, Reader, form_page, reader
from marketplace.pages.words import noted
from marketplace.reporting.queries import exports as queries
from marketplace.reporting.rules.codebook import PROFILES
from marketplace.reporting.schemas.exports import ScheduleArgs
from marketplace.reporting.service import deliveries, exports
from marketplace.web import context

A_PAGE = 50
NOT_PROCESSABLE = 422
SCHEDULES, LOG = "/desk/exports/schedules", "/desk/exports/deliveries"
WORKERS = ("analyst", "operator")
FAILED = "failed"
DAILY, MONTHLY = "daily", "monthly"
# The day, month and weekday of a schedule, as cron has them; a weekday is its number, Monday 1.
DAYS = {DAILY: "* * *", MONTHLY: "1 * *", **{str(day): f"* * {day}" for day in range(1, 8)}}
SAID = {DAILY: noted("every day"), MONTHLY: noted("on the first of each month")}
HOURS = [str(hour) for hour in range(24)]

blueprint = Pages("desk_deliveries")


@blueprint.get(SCHEDULES)
@require(*WORKERS)
def list_schedules() -> Response:
    """List the schedules, ended ones too; an analyst makes another."""
    return _schedules({}, {})


@blueprint.post(SCHEDULES)
@require("analyst")
def make() -> Response:
    """Have an export made and delivered again and again."""
    typed = forms.typed()
    given: dict[str, Any] = {
        name: typed[name] for name in ("name", "profile", "reason") if name in typed
    }
    given |= {"formats": request.form.getlist("formats"), "time_zone": reader().zone.key}
    if "match_year" in typed:
        given["match_year"] = forms.whole_number(typed["match_year"])
    often, hour = typed.get("often", DAILY), typed.get("hour", "6")
    if often in DAYS and hour in HOURS:
        given["cron"] = f"0 {hour} {DAYS[often]}"
    errors = forms.carried_out(
        ScheduleArgs(),
        given,
        lambda values: deliveries.schedule(
            context.session(), created_by=current_account().id, now=context.now(), **values
        ),
        "name",
    )
    errors = {"often" if name == "cron" else name: texts for name, texts in errors.items()}
    return _schedules(typed, errors) if errors else redirect(SCHEDULES, 303)


@blueprint.post(f"{SCHEDULES}/<uuid:schedule_id>/end")
@require(*WORKERS)
def end(schedule_id: UUID) -> Response:
    """Start no more of its deliveries; what is under way still goes out."""
    deliveries.end(context.session(), schedule_id, by=current_account().id, now=context.now())
    return redirect(SCHEDULES, 303)


@blueprint.get(LOG)
@require(*WORKERS)
def list_deliveries() -> Response:
    """List the deliveries, the newest first."""
    found = queries.deliveries(context.session(), limit=A_PAGE, cursor=forms.cursor())
    return form_page("desk/deliveries.html", found=found, analyst=_analyst())


@blueprint.get(f"{LOG}/<uuid:delivery_id>")
@require(*WORKERS)
def show(delivery_id: UUID) -> Response:
    """Show a delivery and every attempt at it."""
    return _delivery(delivery_id, {})


@blueprint.post(f"{LOG}/<uuid:delivery_id>/again")
@require(*WORKERS)
def try_again(delivery_id: UUID) -> Response:
    """Have a delivery that failed tried once more, from where it failed."""
    _, errors = forms.tried(lambda: deliveries.retry(context.session(), delivery_id), "again")
    return _delivery(delivery_id, errors) if errors else redirect(f"{LOG}/{delivery_id}", 303)


def _delivery(delivery_id: UUID, errors: forms.Errors) -> Response:
    session = context.session()
    row = queries.delivery(session, delivery_id)
    if row is None:
        raise NotFound
    return form_page(
        "desk/delivery.html",
        NOT_PROCESSABLE if errors else 200,
        row=row,
        schedule=queries.schedule(session, row.schedule_id),
        attempts=queries.attempts(session, row.id),
        again=row.state == FAILED and row.export_id is not None,
        analyst=_analyst(),
        errors=errors,
    )


def _schedules(typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session, who = context.session(), reader()
    found = queries.schedules(session, limit=A_PAGE, cursor=forms.cursor())
    chosen = request.form.getlist("formats")
    right = queries.live_right(session, current_account().id, context.now())
    offered = [one for one in sorted(PROFILES, reverse=True) if right or one != exports.IDENTIFIED]
    return form_page(
        "desk/schedules.html",
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        found=found,
        people=identity.contacts(session, sorted({one.created_by for one in found.items})),
        when={one.id: _when(who, one.cron) for one in found.items},
        analyst=_analyst(),
        often=[(one, _day(who, one)) for one in DAYS],
        hours=[(one, f"{one:>02}:00") for one in HOURS],
        years=years(session),
        profiles=[(one, who.label(f"profile_{one}")) for one in offered],
        formats=[(one, one in chosen) for one in exports.FORMATS if one != "csv"],
        typed=typed,
        errors=errors,
    )


def _day(who: Reader, often: str) -> str:
    if often in SAID:
        return who.say(SAID[often])
    return who.say("every %(weekday)s", weekday=who.locale.days["format"]["wide"][int(often) - 1])


def _when(who: Reader, cron: str) -> str:
    """When it is due, in words; as cron has it, where it is none of those that the page makes."""
    minute, hour, days = cron.split(maxsplit=2)
    often = next((one for one, said in DAYS.items() if said == days), None)
    if often is None or hour not in HOURS or not minute.isdecimal():
        return cron
    return who.say("%(days)s at %(time)s", days=_day(who, often), time=f"{hour:>02}:{minute:>02}")


def _analyst() -> bool:
    return Role.ANALYST in caller().roles
