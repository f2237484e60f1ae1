"""Sheets for tests: one good row, changed cell by cell."""

import csv
import io

from marketplace.catalog.rules.spreadsheet import read_sheet

GOOD = {
    "external_id": "X-1",
    "site_name": "Lakeview Community Hospital",
    "address": "100 Chicago Medical Way",
    "city": "Chicago",
    "state": "IL",
    "country": "US",
    "timezone": "America/Chicago",
    "preceptor": "Dr. Amara Okafor",
    "npi": "2000871097",
    "specialty": "Internal Medicine",
    "title": "Inpatient Internal Medicine Elective",
    "setting": "inpatient",
    "duties": "history_taking;physical_examination;clinical_notes",
    "audience": "students",
    "weeks_min": "4",
    "weeks_max": "12",
    "price_per_week": "425.00",
    "currency": "USD",
    "seats_per_week": "3",
    "first_start": "2027-01-04",
    "last_start": "2027-12-06",
    "blackout_weeks": "2027-11-22;2027-12-20",
    "visa_types": "B1/B2;J-1",
    "step1_required": "yes",
    "step2_min": "220",
    "letter_policy": "on_merit",
    "cancellation_policy": "tiered_days",
    "approval": "request",
    "notes": "",
}


def sheet(*rows, columns=tuple(GOOD), delimiter=","):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([row.get(column, "") for column in columns])
    return text.getvalue()


def read_one(**changes):
    (row,) = read_sheet(sheet({**GOOD, **changes})).rows
    return row
