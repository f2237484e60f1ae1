"""What fields are refused for, in the reader's language where that is known.

Schemas, which the API has too, and forms say it in English; each sentence that many fields can be
refused with is marked here. Numbers in it stand for any others.
"""

import re
from collections.abc import Sequence

from marketplace.pages import told as rules
from marketplace.pages.words import noted, translated

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# Where a sentence ends and another begins.
STOP = re.compile(r"(?<=[.?!]) ")
# What schemas say of lengths, as people say it.
LENGTHS = {
    "Length must be between %(n1)s and %(n2)s.": noted("Expected %(n1)s to %(n2)s characters."),
    "Shorter than minimum length %(n1)s.": noted("Expected at least %(n1)s characters."),
    "Longer than maximum length %(n1)s.": noted("Expected at most %(n1)s characters."),
    "Password must be at least %(n1)s characters.": noted("Expected at least %(n1)s characters."),
}
# What programs are told, as people say it.
PLAIN = {
    "Missing data for required field.": noted("Fill this in."),
    "Field may not be null.": noted("Fill this in."),
    "Shorter than minimum length 1.": noted("Fill this in."),
    "The content is not application/pdf.": noted("Inside it is no PDF: save it as one anew."),
    "The content is not image/jpeg.": noted("Inside it is no JPEG: save it as one anew."),
    "The content is not image/png.": noted("Inside it is no PNG: save it as one anew."),
    "Give seats with `set` and `add`, and only there.": noted("Say how many seats."),
    "It is after valid_from: the first day that no longer counts.": noted(
        "It comes after the first day: from then on the contract no longer counts."
    ),
    "Expected a moment to come, within 366 days.": noted("Expected a day to come, within a year."),
}
# Who may do what a role is needed for.
WHO = {
    "analyst": noted("our analysts"),
    "coordinator": noted("coordinators of the site"),
    "operator": noted("our staff"),
    "preceptor": noted("preceptors of the site"),
    "school_coordinator": noted("coordinators of the school"),
    "site_owner": noted("owners of the site"),
    "trainee": noted("trainees"),
}
NEEDS_ROLE = re.compile(r"This needs the role ([a-z_]+(?: or [a-z_]+)*)(?: at the site)?\.")
NOT_YOURS = noted(
    "This is only for %(who)s. If you are one of them, sign in with that account; if not, ask them."
)
OR = {"en": " or ", "es": " o "}
# What is in no table of sentences as a whole: it was expected, and this is what.
EXPECTED = re.compile(r"Expected (.+)\.")
EXPECTS = noted("Expected %(what)s.")
SENTENCES = (
    noted("Save it as CSV in UTF-8."),
    noted("Some cells can't be read. Mend them, and send the file again."),
    noted(
        "Two contracts of one site can't count on the same day. Another counts from"
        " %(n1)s-%(n2)s-%(n3)s on: replace or withdraw that one, or choose other days."
    ),
    noted(
        "Two contracts of one site can't count on the same day. Another counts from"
        " %(n1)s-%(n2)s-%(n3)s to before %(n4)s-%(n5)s-%(n6)s: replace or withdraw that one, or"
        " choose other days."
    ),
    noted("Expected a day after %(n1)s-%(n2)s-%(n3)s."),
    noted("Expected a day after %(n1)s-%(n2)s-%(n3)s and before %(n4)s-%(n5)s-%(n6)s."),
    noted("This contract was replaced: see the site's contracts."),
    noted("At most two decimals."),
    noted("Expected the account of an analyst."),
    noted("Somebody else has to give you this right."),
    noted("There is a schedule of this name. Choose another one."),
    noted("Expected a-z, 0-9 and -, such as weekly-2027."),
    noted("Say what it is for; it is recorded with each export."),
    noted("There is nothing of this delivery to try again."),
    noted("All waves of this survey have been sent."),
    noted("Invalid value."),
    noted("Invalid input."),
    noted("Unknown field."),
    noted("Expected text."),
    noted("Expected an id, such as 01a20199-0c47-776c-9cf7-5fee34ddd44d."),
    noted("Expected a number."),
    noted("Expected a whole number."),
    noted("Expected true or false."),
    noted("Expected a date, such as 2027-01-04."),
    noted("Expected a date and time, such as 2027-01-04T09:00:00Z."),
    noted("Expected a time with its zone, such as 2027-01-04T09:00:00Z."),
    noted("Expected an e-mail address."),
    noted("Not a valid e-mail address."),
    noted("This is your address already."),
    noted("Try again after %(n1)s-%(n2)s-%(n3)s %(n4)s:%(n5)s UTC."),
    noted("Expected a list."),
    noted("Expected an object."),
    noted("Not a valid URL."),
    noted("Not a day such as %(n1)s-%(n2)s-%(n3)s."),
    noted("Expected a day from %(n1)s-%(n2)s-%(n3)s to %(n4)s-%(n5)s-%(n6)s."),
    noted("Must be at least %(n1)s."),
    noted("Must be at most %(n1)s."),
    noted("Must be at least %(n1)s and at most %(n2)s."),
    noted("Between %(n1)s and %(n2)s."),
    noted("A whole number from %(n1)s to %(n2)s."),
    noted("Text of at most %(n1)s characters."),
    noted("Answer true or false."),
    noted("There is no such question."),
    noted("Contains a NUL character."),
    noted("One line of text."),
    noted("No line breaks, links or <>/@."),
    noted("The last day is before the first."),
    noted("%(n1)s-%(n2)s-%(n3)s is not a Monday: %(n4)s-%(n5)s-%(n6)s or %(n7)s-%(n8)s-%(n9)s."),
    noted("The last week is before the first."),
    noted("At most %(n1)s weeks at once."),
    noted("At most %(n1)s sites by name at once."),
    noted("From %(n1)s-%(n2)s-%(n3)s on: earlier weeks are over."),
    noted("A week has from %(n1)s to %(n2)s seats; this would make %(n3)s."),
    noted("A week has from %(n1)s to %(n2)s seats; this would make -%(n3)s."),
    noted("Must not be in the future."),
    noted("Expected yes or no."),
    noted("Expected an amount, such as %(n1)s."),
    noted("Expected an amount above %(n1)s."),
    noted("Expected an amount in dollars, such as %(n1)s."),
    noted("Expected an amount such as %(n1)s, and a currency such as USD."),
    noted("Expected a percentage, such as %(n1)s."),
    noted("Expected an id: %(n1)s digits and letters in five groups."),
    noted("Expected %(n1)s to %(n2)s addresses; these are %(n3)s."),
    noted("Expected a time that is still to come."),
    noted("Expected a time not before the end of ranking."),
    noted("Expected a time after the run."),
    noted("Nobody has this address here."),
    noted("Tick at least one."),
    noted("Say why: the trainee reads it."),
    noted("Expected the address of a rotation."),
    noted("Choose a CSV file."),
    noted("Choose a CSV file or an .xlsx workbook."),
    noted("The file is too large."),
    noted("A PDF, a JPEG or a PNG is needed."),
    noted("The file is empty."),
    noted("This file can't be taken."),
    noted("Expected 0 to 16 hours."),
    noted("A plain file name is needed, without a path in it."),
    noted("A document has at most %(n1)s MiB."),
    noted("The PDF is protected: save it without a password."),
    noted("The PDF holds scripts or files: print it to a new PDF."),
    noted("The PDF breaks off: save it again."),
    noted("The picture can't be read: save it again."),
    noted("The file is of two types at once: save it anew."),
    noted("This can't be done with it now."),
    noted("The address and the password don't belong together."),
    noted("Send the code of your authenticator app as well."),
    noted("This code is not the present one, or has been used."),
    noted("The account has a second factor. Turn it off first."),
    noted("This link is not valid, or has been used or replaced. Ask for a new one."),
    noted("This link has expired. Ask for a new one."),
    noted("Your new password must be different than your previous password."),
)


def told(text: str, language: str) -> str:
    """The sentence in that language; itself where it is none of those above."""
    if needs := NEEDS_ROLE.fullmatch(text):
        return _not_yours(needs[1].split(" or "), language)
    text = PLAIN.get(text, text)
    found = translated(text, language)
    if found != text:
        return found
    numbers: dict[str, str] = {}

    def place(number: re.Match[str]) -> str:
        name = f"n{len(numbers) + 1}"
        numbers[name] = number[0]
        return f"%({name})s"

    shape = NUMBER.sub(place, text)
    known = translated(LENGTHS.get(shape, shape), language)
    if known != shape:
        return known % numbers
    return _in_parts(text, language)


def _in_parts(text: str, language: str) -> str:
    """A refusal as its rule says it; else by its sentences: what is refused, then why or what to do."""
    some = ""
    for stop in reversed(list(STOP.finditer(text))):
        parts = text[: stop.start()], text[stop.end() :]
        said = [told(part, language) for part in parts]
        known = sum(part != each for part, each in zip(parts, said, strict=True))
        if known == len(parts):
            return " ".join(said)
        some = some or (" ".join(said) if known else "")
    whole = rules.told(text, language)
    if whole == text and (expected := EXPECTED.fullmatch(text)):
        what = rules.told(expected[1], language)
        whole = translated(EXPECTS, language) % {"what": what} if what != expected[1] else text
    return whole if whole != text else some or text


def _not_yours(roles: Sequence[str], language: str) -> str:
    """Whom something is for, in words, and what to do about it."""
    who = OR[language].join(translated(WHO[role], language) for role in roles)
    return translated(NOT_YOURS, language) % {"who": who}
