"""A published report as sections of words, charts and tables: the same for the page and the PDF.

All of it is made from the frozen document; a figure that is hidden there is hidden here, in
charts, too. Every chart has its table. Sentences that compare are the report's own, word for word.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from marketplace.pages.public import report_words as said
from marketplace.pages.public.report_parts import (
    ASKED,
    UNKNOWN,
    Document,
    Section,
    Table,
    disposition,
    estimate,
    number,
    of,
    p_value,
    percent,
    rate_cells,
    span,
)
from marketplace.pages.view import Reader
from marketplace.pages.words import noted
from marketplace.reporting.rules import charts
from marketplace.reporting.rules.charts import Bar, Step
from marketplace.reporting.rules.groupings import (
    CORE,
    GROUPINGS,
    NOT_KNOWN,
    PROGRAM,
    WITHHELD,
)
from marketplace.reporting.rules.showing import HIDDEN

GROUPS = ("all", "us_img", "non_us_img")
RATE_COLUMNS = (
    noted("Eligible"),
    noted("Answered"),
    noted("Active applicants"),
    noted("Matched"),
    noted("Match rate"),
    noted("Wilson 95% interval"),
    noted("Bounds"),
)
FLOW = (
    ("rows", noted("In the frame"), ""),
    (
        "eligible",
        noted("Eligible: rotation completed before the freeze"),
        noted("not eligible, or in the frame twice"),
    ),
    ("match_items_answered", noted("Answered the questions on the Match"), noted("silent")),
    ("registered", noted("Registered for the Match"), noted("did not register")),
    ("active_applicants", noted("Certified a rank order list"), noted("certified no list")),
    ("matched_pgy1", noted("Matched to PGY-1"), noted("not matched to PGY-1")),
)


def sections(
    who: Reader,
    document: Document,
    years: Sequence[Document],
    fielding: Mapping[str, str],
) -> list[Section]:
    """The whole report; `years` are the public documents of all years, for the trend."""
    made = [
        _in_short(who, document),
        _rates(who, document),
        _flow(who, document),
        *_response(who, document),
        _placements(who, document),
        *(
            _grouping(who, name, categories)
            for name, categories in document.get("groupings", {}).items()
            if GROUPINGS[name] is CORE
        ),
        *_matched_in(who, document),
    ]
    if years:
        made.append(trend(who, years))
    made += [
        _weighting(who, document),
        _disclosure(who, document, fielding),
        Section(who.say("Methods"), texts=[who.say(text) for text in said.METHODS], code="methods"),
    ]
    return made


def trend(who: Reader, years: Sequence[Document]) -> Section:
    """Match rates of all years that are published."""
    rows = []
    for document in years:
        figures = document["groups"]["all"]
        year = str(document["match_year"])
        rows.append((year, estimate(who, year, figures), figures))
    return Section(
        who.say("Year by year"),
        [who.say("The match rate of each year with its interval; the dash is the national rate.")],
        chart=charts.trend([estimate for _, estimate, _ in rows]),
        table=Table(
            [who.say("Match year"), *map(who.say, RATE_COLUMNS), who.say("National rate")],
            [
                [year, *rate_cells(figures), percent(figures.get("benchmark"))]
                for year, _, figures in rows
            ],
        ),
        code="trend",
    )


def _in_short(who: Reader, document: Document) -> Section:
    texts = [
        who.say("In brief: of those who answered, and only of those, unless a sentence says more.")
    ]
    if document["public"]:
        texts.append(
            who.say("%(symbol)s stands for a figure that is hidden, so that nobody is recognised.",
                    symbol=HIDDEN)
        )  # fmt: skip
    # Word for word, in English whoever reads; the days in them as people write them.
    sentences = [replace(who, language="en").written(one["text"]) for one in document["claims"]]
    if not sentences:
        texts.append(who.say("There are too few to say anything in a sentence."))
    return Section(who.say("In short"), texts, sentences, code="short")


def _rates(who: Reader, document: Document) -> Section:
    groups = document["groups"]
    return Section(
        who.say("Match rates"),
        [who.say(text) for text in said.FOREST],
        chart=charts.forest([estimate(who, who.label(g), groups[g]) for g in GROUPS]),
        table=Table(
            [
                who.say("Group"),
                *map(who.say, RATE_COLUMNS),
                who.say("National rate"),
                who.say("p (two-sided, exact)"),
                who.say("p (Holm)"),
                who.say("Tipping point"),
                who.say("Verified-only floor"),
                who.say("Without the panel"),
            ],
            [
                [
                    who.label(group),
                    *rate_cells(groups[group]),
                    percent(groups[group].get("benchmark")),
                    p_value(groups[group].get("p_two_sided")),
                    p_value(groups[group].get("p_holm")),
                    of(groups[group].get("tipping_point"), "rate"),
                    percent(groups[group]["matched_verified_only_rate_lower"]),
                    of(groups[group].get("benchmark_without_panel"), "rate"),
                ]
                for group in GROUPS
            ],
        ),
        code="rates",
    )


def _flow(who: Reader, document: Document) -> Section:
    figures = document["groups"]["all"]
    steps, rows = [], []
    before: Any = None
    for name, label, lost in FLOW:
        count = figures[name]
        loss = _loss(before, count, document["k"]) if lost else ""
        words = f"{loss} {who.say(lost)}" if lost else ""
        steps.append(Step(who.say(label), str(count), words))
        rows.append([who.say(label), str(count), words or UNKNOWN])
        before = count
    return Section(
        who.say("From eligible to matched"),
        [who.say("Each step counts who is left; beside the way stands who was lost.")],
        chart=charts.flow(steps),
        table=Table([who.say("Step"), who.say("Persons"), who.say("Lost before it")], rows),
        code="flow",
    )


def _response(who: Reader, document: Document) -> list[Section]:
    waves = document.get("groupings", {}).get("wave", {})
    counts = {} if waves == WITHHELD else {w: waves[w]["responded_I_or_P"] for w in waves}
    rows = [(who.say("Wave %(number)s", number=wave), n) for wave, n in counts.items()]
    rates = document["aapor"]
    by_wave = Section(
        who.say("Response by wave"),
        [who.say("Who answered, by the invitation that they answered to.")]
        if rows
        else [who.say("The answers by wave can't be shown without giving small counts away.")],
        chart=charts.bars([Bar(label, None if n == HIDDEN else n, str(n)) for label, n in rows])
        if rows
        else None,
        table=Table([who.say("Wave"), who.say("Responded")], [[label, str(n)] for label, n in rows])
        if rows
        else None,
        code="waves",
    )
    figures = document["groups"]["all"]
    listed = (
        *((who.say(text), str(figures[name])) for name, text in ASKED),
        *((disposition(who, code), str(n)) for code, n in document["dispositions"].items()),
        *((f"{name} · {who.say(text)}", percent(rates[name])) for name, text in said.RATES.items()),
    )
    return [
        by_wave,
        Section(
            who.say("Response (AAPOR)"),
            [who.say(text) for text in said.RESPONSE],
            table=Table(
                [who.say("Item"), who.say("Figure")], [list(one) for one in listed]
            ),
            code="response",
        ),
    ]  # fmt: skip


def _placements(who: Reader, document: Document) -> Section:
    columns: tuple[tuple[str, Callable[[Any], str], str], ...] = (
        (noted("Placement rate, active"), percent, "placement_rate_active"),
        (noted("Placement rate, all registered"), percent, "placement_rate_all_registered"),
        (noted("Registered"), str, "registered"),
        (noted("Matched to PGY-2 only"), str, "matched_pgy2_only"),
        (noted("Outside the Match"), str, "outside_match"),
        (noted("Share of matches verified"), percent, "share_of_matches_verified"),
        (noted("Letters earned"), str, "lor_earned"),
        (noted("Letters known"), str, "lor_known"),
        (noted("Letter rate"), percent, "lor_rate"),
        (noted("Letter rate, 95%"), span, "lor_wilson95"),
    )
    return Section(
        who.say("Placement and letters"),
        [who.say(text) for text in said.PLACEMENT],
        table=Table(
            [who.say("Group"), *(who.say(title) for title, _, _ in columns)],
            [
                [
                    who.label(group),
                    *(show(document["groups"][group][name]) for _, show, name in columns),
                ]
                for group in GROUPS
            ],
        ),
        code="placement",
    )


def _grouping(who: Reader, name: str, categories: Any) -> Section:
    title = who.say(said.GROUPINGS[name])
    if categories == WITHHELD:
        text = who.say("This can't be shown without giving small counts away.")
        return Section(title, [text], code=name)
    named = [(_category(who, name, category), categories[category]) for category in categories]
    return Section(
        title,
        [who.say(said.ABOUT[name])],
        chart=charts.forest([estimate(who, label, figures) for label, figures in named]),
        table=Table(
            [title, *map(who.say, RATE_COLUMNS), who.say("Letter rate"), who.say("Letters known")],
            [
                [label, *rate_cells(one), percent(one["lor_rate"]), str(one["lor_known"])]
                for label, one in named
            ],
        ),
        code=name,
    )


def _matched_in(who: Reader, document: Document) -> list[Section]:
    """Where trainees matched: by specialty, and by program where enough agreed to be named."""
    groupings = document.get("groupings", {})
    made = []
    if (by_specialty := groupings.get("residency_specialty")) is not None:
        made.append(
            _matches(
                who,
                who.say("Specialties that were matched in"),
                who.say("Of those who matched to PGY-1 and agreed to be counted."),
                {
                    _category(who, "specialty", category): figures
                    for category, figures in by_specialty.items()
                }
                if by_specialty != WITHHELD
                else None,
                "residency",
            )
        )
    if (by_program := groupings.get(PROGRAM)) is not None:
        made.append(
            _matches(
                who,
                who.say("Programs that were matched at"),
                who.say(
                    "Only of those who agreed to be named, where a document or a roster shows the"
                    " program, and where enough matched. All others are counted together."
                ),
                {
                    who.say("Elsewhere, or not named") if name == NOT_KNOWN else name: figures
                    for name, figures in by_program.items()
                }
                if by_program != WITHHELD
                else None,
                "programs",
            )
        )
    return made


def _matches(
    who: Reader, title: str, about: str, categories: Mapping[str, Any] | None, code: str
) -> Section:
    """How many matched by category; None: withheld."""
    if categories is None:
        text = who.say("This can't be shown without giving small counts away.")
        return Section(title, [text], code=code)
    rows = [(label, figures["matched_pgy1"]) for label, figures in categories.items()]
    return Section(
        title,
        [about],
        chart=charts.bars([Bar(label, None if n == HIDDEN else n, str(n)) for label, n in rows]),
        table=Table([title, who.say("Matched")], [[label, str(n)] for label, n in rows]),
        code=code,
    )


def _weighting(who: Reader, document: Document) -> Section:
    found = document["weighting"]["all"]
    texts = [who.say(text) for text in said.WEIGHTING]
    if found == HIDDEN:
        texts.append(who.say("The weighted rate can't be shown without giving small counts away."))
        return Section(who.say("Weighting"), texts, code="weighting")
    if "error" in found:
        return Section(who.say("Weighting"), texts, [found["error"]["message"]], code="weighting")
    rows = [
        [who.say("Unweighted rate"), percent(found["unweighted_rate"])],
        [who.say("Raked rate"), percent(found["raked_rate"])],
        [who.say("Wilson 95% interval"), span(found["wilson_on_effective_n"])],
        [who.say("Effective sample size"), number(found["kish_effective_n_applicants"])],
        [who.say("Design effect (Kish)"), number(found["kish_design_effect_applicants"])],
        [
            who.say("Weights, least and largest"),
            f"{number(found['raked_weight_min'])} – {number(found['raked_weight_max'])}",
        ],
    ]
    table = Table([who.say("Item"), who.say("Figure")], rows)
    return Section(who.say("Weighting"), texts, table=table, code="weighting")


def _disclosure(who: Reader, document: Document, fielding: Mapping[str, str]) -> Section:
    """The items that AAPOR's transparency initiative asks to be told."""
    figures = document["groups"]["all"]
    values = {
        "frame": str(figures["rows"]),
        "not_eligible": str(document["dispositions"]["NE"]),
        "deceased": str(document["dispositions"]["O_deceased"]),
        "rr1": percent(document["aapor"]["RR1"]),
        "rr2": percent(document["aapor"]["RR2"]),
        "as_of": who.told(document["as_of"]) or UNKNOWN,
        "year": str(document["match_year"]),
        "dates": fielding.get("dates", UNKNOWN),
        "questionnaire": fielding.get("questionnaire", UNKNOWN),
        "method": document.get("method", "cohort-1"),
        "k": str(document["k"] or UNKNOWN),
    }
    rows = [[who.say(item), who.say(text, **values)] for item, text in said.DISCLOSURE]
    for group in GROUPS:
        about = document["benchmarks"][group]
        used = about["used"]
        rows.append(
            [
                who.say("National rate: %(group)s", group=who.label(group)),
                f"{used['value']}% ({used['status']}; {used['source']})" if used
                else str(about["reason"]),
            ]
        )  # fmt: skip
    return Section(
        who.say("What was done (AAPOR disclosure)"),
        table=Table([who.say("Item"), who.say("Answer")], rows),
        code="disclosure",
    )


def _category(who: Reader, grouping: str, category: str) -> str:
    return who.specialty(category) if grouping == "specialty" else who.label(category)


def _loss(before: Any, count: Any, k: int | None) -> str:
    if HIDDEN in (before, count):
        return HIDDEN
    lost = before - count
    return HIDDEN if k is not None and 0 < lost < k else str(lost)
