"""What codes are called, a file for each subject; every code has one name on all pages."""

from collections.abc import Mapping

from marketplace.pages.labels import (
    bookings,
    catalogue,
    desk,
    documents,
    jobs,
    money,
    outcomes,
    people,
    records,
    staff,
)

SUBJECTS = (
    bookings.LABELS,
    catalogue.LABELS,
    desk.LABELS,
    documents.LABELS,
    jobs.LABELS,
    money.LABELS,
    outcomes.LABELS,
    people.LABELS,
    records.LABELS,
    staff.LABELS,
)
LABELS: Mapping[str, str] = {code: name for named in SUBJECTS for code, name in named.items()}
