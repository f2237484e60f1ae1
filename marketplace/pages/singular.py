"""One of a thing is not many: what a text says where the number in it is one.

A text that counts has its twin for one here; `Reader.say` takes it by itself, so that a template
needs no case of its own; what several pages count is in `sentences.COUNTED`. A test says which
text has neither.
"""

from collections.abc import Mapping

from marketplace.pages.marking import noted

# By the text: which of its values counts, and the text for one of them.
ONE: Mapping[str, tuple[str, str]] = {
    "%(changed)s of %(seen)s listings differ": ("seen", noted("%(changed)s of 1 listing differs")),
    "%(count)s found": ("count", noted("1 found")),
    "%(count)s free": ("count", noted("1 free")),
    "%(count)s listings closed or opened": ("count", noted("1 listing closed or opened")),
    "%(count)s minutes": ("count", noted("1 minute")),
    "%(count)s of %(most)s letters of yours in %(year)s": (
        "most",
        noted("%(count)s of 1 letter of yours in %(year)s"),
    ),
    "%(count)s places to be ranked": ("count", noted("1 place to be ranked")),
    "%(count)s trainees have ranked": ("count", noted("1 trainee has ranked")),
    "%(count)s were invited; those below were not.": (
        "count",
        noted("One was invited; those below were not."),
    ),
    "%(days)s days": ("days", noted("1 day")),
    "%(days)s days ahead": ("days", noted("1 day ahead")),
    "%(days)s days before the start, or more": ("days", noted("1 day before the start, or more")),
    "%(days)s days free between rotations %(one)s and %(other)s": (
        "days",
        noted("1 day free between rotations %(one)s and %(other)s"),
    ),
    "%(done)s of %(all)s bookings": ("all", noted("%(done)s of 1 booking")),
    "%(done)s of %(all)s rows": ("all", noted("%(done)s of 1 row")),
    "%(miles)s miles away": ("miles", noted("1 mile away")),
    "%(seen)s of %(total)s listings looked at": ("total", noted("%(seen)s of 1 listing looked at")),
    "%(some)s of %(all)s figures": ("all", noted("%(some)s of 1 figure")),
    "%(some)s of %(all)s results verified; %(reported)s only self-reported, %(disputed)s disputed.": (
        "all",
        noted(
            "%(some)s of 1 result verified; %(reported)s only self-reported, %(disputed)s disputed."
        ),
    ),
    "%(what)s, at most %(months)s months before the start": (
        "months",
        noted("%(what)s, at most 1 month before the start"),
    ),
    "%(what)s: %(count)s rows": ("count", noted("%(what)s: 1 row")),
    "%(without)s of %(all)s trainees without direct contact": (
        "all",
        noted("%(without)s of 1 trainee without direct contact"),
    ),
    "In %(days)s days, so that you can change your mind. We mail you a link that stops it.": (
        "days",
        noted("In 1 day, so that you can change your mind. We mail you a link that stops it."),
    ),
    "Less than %(days)s days before the start": ("days", noted("Less than 1 day before the start")),
    "Refunds are sent within %(days)s days.": ("days", noted("Refunds are sent within 1 day.")),
    "The first %(count)s are shown here.": ("count", noted("The first is shown here.")),
    "These are %(count)s; there are more.": ("count", noted("This is one; there are more.")),
    "and %(count)s more accounts": ("count", noted("and 1 more account")),
    "in %(days)s days": ("days", noted("in 1 day")),
}


def fitting(text: str, values: Mapping[str, object]) -> str:
    """Return the text that these values are put into: its twin where it counts one."""
    counts, one = ONE.get(text, ("", text))
    return one if values.get(counts) == 1 else text
