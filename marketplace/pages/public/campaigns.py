"""A survey's response as it comes in, for those who run it: the page looks again by itself."""

from collections.abc import Mapping
from uuid import UUID

from flask import Response, redirect
from werkzeug.wrappers import Response as Answer

from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, require
from marketplace.outcomes.queries import marks as queries
from marketplace.outcomes.schemas.survey import MarkArgs
from marketplace.outcomes.service import marks
from marketplace.pages import forms
from marketplace.pages.public.report_parts import Section, Table, percent
from marketplace.pages.public.report_words import RATES
from marketplace.pages.view import Pages, Reader, form_page, page, reader
from marketplace.reporting.rules import charts
from marketplace.reporting.rules.charts import Bar
from marketplace.reporting.service import response
from marketplace.web import context

AGAIN_SECONDS = 60
A_PAGE = 50
NOT_PROCESSABLE = 422

blueprint = Pages("campaign_pages")


@blueprint.get("/campaigns/<uuid:campaign_id>")
@require("analyst", "operator")
def look(campaign_id: UUID) -> Response:
    """The response by wave and by day, with AAPOR's rates."""
    who = reader()
    found = response.response(context.session(), campaign_id, context.now())
    return page(
        "reports/campaign.html",
        campaign_id=campaign_id,
        reader=who,
        found=found,
        sections=[_standing(who, found), _meant(who), _waves(who, found), _days(who, found)],
        draw=charts.svg,
        again=AGAIN_SECONDS,
    )


@blueprint.get("/campaigns/<uuid:campaign_id>/marks")
@require("analyst", "operator")
def list_marks(campaign_id: UUID) -> Response:
    """Who of the frame has died or is in it twice, by whom it was said and why; and say so."""
    return _marks(campaign_id, {}, {})


@blueprint.post("/campaigns/<uuid:campaign_id>/marks")
@require("analyst", "operator")
def mark(campaign_id: UUID) -> Answer:
    """Record it, or take it back."""
    typed, session = forms.typed(), context.session()
    campaign = marks.campaign(session, campaign_id)
    errors = forms.carried_out(
        MarkArgs(),
        typed,
        lambda values: marks.mark(
            session, campaign, actor_id=current_account().id, now=context.now(), **values
        ),
        "trainee_id",
    )
    if errors:
        return _marks(campaign_id, typed, errors)
    return redirect(f"/campaigns/{campaign_id}/marks", 303)


def _marks(campaign_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    campaign = marks.campaign(session, campaign_id)
    found = queries.history(session, campaign.id, limit=A_PAGE, cursor=forms.cursor())
    people = queries.people(session, found.items)
    ids = [one.recorded_by for one in found.items]
    ids += [one.account_id for one in people.values() if one.account_id]
    return form_page(
        "reports/marks.html",
        NOT_PROCESSABLE if errors else 200,
        campaign=campaign,
        found=found,
        people=people,
        contacts=identity.contacts(session, ids) if ids else {},
        typed=typed,
        errors=errors,
    )


def _standing(who: Reader, found: response.Response) -> Section:
    rows = [
        [who.say("Frame"), str(found.frame)],
        [who.say("Eligible"), str(found.eligible)],
        [who.say("Responded"), str(found.responded)],
        [who.say("Begun, and nothing that counts yet"), str(found.broken_off)],
        *([name, percent(found.rates[name])] for name in RATES),
        *([who.label(f"aapor_{code}"), str(n)] for code, n in found.dispositions.items()),
    ]
    table = Table([who.say("Item"), who.say("Figure")], rows)
    return Section(who.say("As it stands"), table=table, code="standing")


def _meant(who: Reader) -> Section:
    reached = who.say(
        "Reached is who answered whole or in part, said no, or is known to have died. The rates are"
        " those of AAPOR's Standard Definitions; of our own trainees nobody's eligibility is unknown."
    )
    rows = [[name, who.say(text)] for name, text in RATES.items()]
    table = Table([who.say("Rate"), who.say("What it says")], rows)
    return Section(who.say("What the rates say"), [reached], table=table, code="disclosure")


def _waves(who: Reader, found: response.Response) -> Section:
    rows = [
        [
            who.say("Wave %(number)s", number=wave.wave),
            str(wave.sent),
            who.moment(wave.first_sent_at) if wave.first_sent_at else "",
            str(wave.interviews),
            str(wave.partials),
            str(wave.refusals),
        ]
        for wave in found.waves
    ]
    columns = [
        who.say("Wave"),
        who.say("Sent"),
        who.say("First sent"),
        who.say("Whole"),
        who.say("Partial"),
        who.say("Refused"),
    ]
    bars = [
        Bar(row[0], wave.interviews + wave.partials, str(wave.interviews + wave.partials))
        for row, wave in zip(rows, found.waves, strict=True)
    ]
    return Section(
        who.say("Response by wave"),
        [] if rows else [who.say("No wave has been sent yet.")],
        chart=charts.bars(bars) if rows else None,
        table=Table(columns, rows) if rows else None,
        code="waves",
    )


def _days(who: Reader, found: response.Response) -> Section:
    days = [
        (who.day(day.day), day.responded, total)
        for day, total in zip(found.days, found.cumulative, strict=True)
    ]
    return Section(
        who.say("Response by day"),
        [] if days else [who.say("Nobody has answered yet.")],
        chart=charts.bars([Bar(day, total, str(total)) for day, _, total in days])
        if days
        else None,
        table=Table(
            [who.say("Day"), who.say("Responded"), who.say("Until then")],
            [[day, str(n), str(total)] for day, n, total in days],
        )
        if days
        else None,
        code="days",
    )
