"""Sentences that any page may say: how many there are of something, and why it stopped."""

from marketplace.pages.marking import noted

COUNTED = {
    "weeks": (noted("1 week"), noted("%(count)s weeks")),
    "seats": (noted("1 seat"), noted("%(count)s seats")),
    "places": (noted("1 place"), noted("%(count)s places")),
    "bookings": (noted("1 booking"), noted("%(count)s bookings")),
    "sites": (noted("1 site by name"), noted("%(count)s sites by name")),
    "mismatches": (noted("1 mismatch"), noted("%(count)s mismatches")),
    "papers": (noted("1 paper missing"), noted("%(count)s papers missing")),
    "texts": (noted("1 text cut"), noted("%(count)s texts cut")),
    "doses": (noted("1 dose"), noted("%(count)s doses")),
    "listings": (noted("1 listing"), noted("%(count)s listings")),
    "in_line": (
        noted("1 trainee waits for weeks of yours that are full."),
        noted("%(count)s trainees wait for weeks of yours that are full."),
    ),
    "hanging_rotations": (
        noted("1 rotation is booked. It stays as it is."),
        noted("%(count)s rotations are booked. They stay as they are."),
    ),
    "hanging_kept": (
        noted("1 seat is kept for somebody, who can still apply or pay."),
        noted("%(count)s seats are kept for somebody, who can still apply or pay."),
    ),
    "hanging_applications": (
        noted("1 application is not decided yet, and can still be approved."),
        noted("%(count)s applications are not decided yet, and can still be approved."),
    ),
    "hanging_in_line": (
        noted("1 trainee waits in line."),
        noted("%(count)s trainees wait in line."),
    ),
    "changes": (
        noted("1 change of a booked rotation waits for your word."),
        noted("%(count)s changes of booked rotations wait for your word."),
    ),
    "offers": (
        noted("1 offer waits for your word."),
        noted("%(count)s offers wait for your word."),
    ),
    "days_left": (noted("1 day left"), noted("%(count)s days left")),
    "hours": (noted("1 hour"), noted("%(count)s hours")),
}
# What HTTP's own names of errors say to people.
STOPPED = {
    "Something went wrong on our side.": (
        noted("Something went wrong on our side."),
        noted("Nothing was changed, and it is on record here. Try again in a while."),
    ),
    "A part of the service does not answer. Please try again.": (
        noted("A part of the service does not answer."),
        noted("Nothing was changed. Most often it is back within a minute: try again then."),
    ),
    "Not Found": (
        noted("There is nothing here."),
        noted("The address may be mistyped, or what was here has gone."),
    ),
    "There is nothing here, or nothing that you may see.": (
        noted("There is nothing here, or nothing that you may see."),
        noted("If a mail led you here: sign in with the address that it was sent to."),
    ),
    "Method Not Allowed": (
        noted("This page can't be asked for like this."),
        noted("Go back, and use the page's own button."),
    ),
    "Too Many Requests": (
        noted("This was tried too often."),
        noted("Wait a minute, then try again."),
    ),
    "Request Entity Too Large": (
        noted("This is too large."),
        noted("Send a smaller file, or less text at once."),
    ),
}
# After these the same address may be asked for again.
PASSING = frozenset({429, 500, 503})
# After these the very same form may be sent again.
RETRY = frozenset({429, 503})
# A form that was drawn for a session that is over.
STALE = (
    noted("You have signed in or out since this page was opened."),
    noted("Nothing was done. What you typed is kept here: send it again, if it is still meant."),
)
