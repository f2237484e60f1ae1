"""What states and consents are called on the pages of schools, marked to be translated.

What a school sees of a booking is told from its own side: who cancelled is its student, not the reader.
"""

import re
from collections.abc import Mapping
from datetime import date

from marketplace.identity.rules import Seen
from marketplace.pages.view import Reader
from marketplace.pages.words import noted

DAY = r"\d{4}-\d\d-\d\d"
# What an invoice is for: a cohort's places, one place, or a line of a place's price.
PLACES = re.compile(rf"(?P<what>.+), (?P<count>\d+) places? from (?P<first>{DAY})")
PLACE = re.compile(rf"(?P<what>.+), one place, (?P<first>{DAY}) to (?P<last>{DAY})")
PRICE = re.compile(rf"(?P<what>.+), (?P<first>{DAY}) to (?P<last>{DAY}): (?P<line>.+)")

# As `identity.rules.SEEN_WORDS` and `compliance.rules.agreements.CONSENT` have them; a test compares.
SEEN: Mapping[str, str] = {
    Seen.BOOKINGS: noted("That you have bookings, where, and the state of each."),
    Seen.DATES: noted("The first and the last day of each booking."),
    Seen.CLEARANCE: noted(
        "Whether your documents for a booking are complete, and what is missing;"
        " never a document itself."
    ),
    Seen.MESSAGES: noted(
        "Your messages with the host: your school's coordinators read and write there."
    ),
}
CONSENT = noted(
    "I have read this agreement. I sign it electronically, with the same effect as by hand, and I"
    " am entitled to sign for the side that I am named for."
)
SHOWN: Mapping[str, str] = {
    Seen.BOOKINGS: noted("bookings"),
    Seen.DATES: noted("days"),
    Seen.CLEARANCE: noted("papers"),
    Seen.MESSAGES: noted("messages"),
}
AGREEMENT_STATES: Mapping[str, str] = {
    "draft": noted("Draft"),
    "out_for_signature": noted("Being signed"),
    "in_force": noted("In force"),
    "ended": noted("Ended"),
    "void": noted("Void"),
}
REQUEST_STATES: Mapping[str, str] = {
    "waiting": noted("Waits for your decision"),
    "approved": noted("Approved by your school"),
    "declined": noted("Declined by your school"),
}
BOOKING_STATES: Mapping[str, str] = {
    "held": noted("Seat kept"),
    "more_asked": noted("The host asks for more"),
    "awaiting_payment": noted("Waits for the money"),
    "declined": noted("Declined"),
    "cancelled_by_trainee": noted("Cancelled by the student or for the school"),
    "no_show": noted("Did not come"),
}
STUDENT_STATES: Mapping[str, str] = {
    "invited": noted("Invited"),
    "linked": noted("Linked"),
    "declined": noted("Said no"),
    "ended": noted("Ended"),
}
COHORT_STATES: Mapping[str, str] = {
    "held": noted("Places kept"),
    "invoiced": noted("Invoiced, to be paid"),
    "confirmed": noted("Confirmed"),
    "ended": noted("Ended"),
}
ANSWERS: Mapping[str, str] = {
    "waiting": noted("No answer yet"),
    "agreed": noted("Said yes"),
    "declined": noted("Said no"),
}
INVOICE_STATES: Mapping[str, str] = {
    "open": noted("To be paid"),
    "overdue": noted("Past due"),
    "paid": noted("Paid in full"),
    "void": noted("Void"),
}
TONES = {
    "waiting": "fair",
    "approved": "good",
    "linked": "good",
    "invited": "fair",
    "held": "fair",
    "invoiced": "fair",
    "open": "fair",
    "paid": "good",
    "agreed": "good",
    "draft": "fair",
    "out_for_signature": "fair",
    "in_force": "good",
    "submitted": "fair",
    "more_asked": "fair",
    "awaiting_payment": "fair",
    "confirmed": "good",
    "in_progress": "good",
    "completed": "good",
}


def tone(state: str) -> str:
    """How a state is coloured: good, fair or bad."""
    return TONES.get(state, "bad")


def invoiced(who: Reader, text: str) -> str:
    """What an invoice or a line of it is for, in the reader's words; names stay as they are."""
    if found := PRICE.fullmatch(text):
        return f"{found['what']}, {_days(who, found)}: {who.told(found['line'])}"
    if found := PLACE.fullmatch(text):
        return f"{found['what']}, {who.counted(1, 'places')}, {_days(who, found)}"
    if found := PLACES.fullmatch(text):
        places = who.counted(int(found["count"]), "places")
        return (
            f"{found['what']}, {places}, {who.say('from %(day)s', day=_day(who, found, 'first'))}"
        )
    return who.told(text)


def _days(who: Reader, found: re.Match[str]) -> str:
    return who.days(date.fromisoformat(found["first"]), date.fromisoformat(found["last"]))


def _day(who: Reader, found: re.Match[str], name: str) -> str:
    return who.day(date.fromisoformat(found[name]))
