"""A survey's response as it comes in, for those who run it: the page looks again by itself."""

from uuid import UUID

from flask import Response

from marketplace.identity.access import require
from marketplace.pages.public.report_parts import Section, Table, percent
from marketplace.pages.view import Pages, Reader, page, reader
from marketplace.reporting.rules import charts
from marketplace.reporting.rules.charts import Bar
from marketplace.reporting.service import response
from marketplace.web import context

SHOWN_RATES = ("RR1", "RR2", "COOP1", "REF1", "CON1")
AGAIN_SECONDS = 60

blueprint = Pages("campaign_pages")


@blueprint.get("/campaigns/<uuid:campaign_id>")
@require("analyst", "operator")
def look(campaign_id: UUID) -> Response:
    """The response by wave and by day, with AAPOR's rates."""
    who = reader()
    found = response.response(context.session(), campaign_id, context.now())
    return page(
        "reports/campaign.html",
        reader=who,
        found=found,
        sections=[_standing(who, found), _waves(who, found), _days(who, found)],
        draw=charts.svg,
        again=AGAIN_SECONDS,
    )


def _standing(who: Reader, found: response.Response) -> Section:
    rows = [
        [who.say("Frame"), str(found.frame)],
        [who.say("Eligible"), str(found.eligible)],
        [who.say("Responded"), str(found.responded)],
        [who.say("Begun, and nothing that counts yet"), str(found.broken_off)],
        *([name, percent(found.rates[name])] for name in SHOWN_RATES),
        *([who.label(f"aapor_{code}"), str(n)] for code, n in found.dispositions.items()),
    ]
    table = Table([who.say("Item"), who.say("Figure")], rows)
    return Section(who.say("As it stands"), table=table, code="standing")


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
        chart=charts.bars([Bar(day, total, str(total)) for day, _, total in days])
        if days
        else None,
        table=Table(
            [who.say("Day"), who.say("Responded"), who.say("Until then")],
            [[day, str(n), str(total)] for day, n, total in days],
        ),
        code="days",
    )
