"""What codes are called, a file for each subject; every code has one name on all pages."""

from collections.abc import Mapping

from marketplace.pages.labels import bookings, catalogue, documents, money, outcomes, people, staff

SUBJECTS = (
    bookings.LABELS,
    catalogue.LABELS,
    documents.LABELS,
    money.LABELS,
    outcomes.LABELS,
    people.LABELS,
    staff.LABELS,
)
LABELS: Mapping[str, str] = {code: name for named in SUBJECTS for code, name in named.items()}
