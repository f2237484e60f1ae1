"""Whom one can sign in as in the demo: plain data, so that showing it needs no application.

`flask demo load` makes the accounts; `python -m marketplace.embedded.people` prints them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

# Shown on the terminal and in the documentation; the demo is refused in production.
PASSWORD = "a rotation in Chicago"  # noqa: S105 - a published password, for the demo only


@dataclass(frozen=True)
class Person:
    """An account of the demo; `role` and `profile` in the words of identity."""

    email: str
    name: str
    role: str
    about: str
    time_zone: str
    profile: Mapping[str, object] | None = None


TEAM = (
    Person(
        "owner@demo.test",
        "Morgan Reyes",
        "site_owner",
        "owns the sites of the spreadsheet",
        "America/Chicago",
    ),
    Person(
        "operator@demo.test",
        "Alex Kim",
        "operator",
        "reviews tiers, sees everything",
        "America/New_York",
    ),
    Person(
        "analyst@demo.test",
        "Noor Haddad",
        "analyst",
        "makes reports and exports",
        "America/New_York",
    ),
    Person(
        "student@demo.test",
        "Ana Souza",
        "trainee",
        "a student in Brazil who needs a visa",
        "America/Sao_Paulo",
        {
            "school_country": "BR",
            "school_name": "Universidade de São Paulo",
            "citizenship": "other",
            "needs_visa": True,
            "visa_type": "b1_b2",
            "graduation_date": date(2028, 6, 30),
            "step1_result": "passed",
            "step2_ck_score": 248,
            "target_specialty": "internal_medicine",
        },
    ),
    Person(
        "graduate@demo.test",
        "Samuel Okoro",
        "trainee",
        "a graduate and United States citizen",
        "America/New_York",
        {
            "school_country": "DM",
            "school_name": "Ross University School of Medicine",
            "citizenship": "us_citizen",
            "needs_visa": False,
            "graduation_date": date(2025, 5, 16),
            "step1_result": "passed",
            "step2_ck_score": 236,
            "target_specialty": "family_medicine",
        },
    ),
)
SCHOOL = Person(
    "school@demo.test",
    "Lucía Herrera",
    "school_coordinator",
    "of a school that waits to be verified",
    "America/Bogota",
)
PEOPLE = (*TEAM, SCHOOL)


def main() -> None:
    """Print the accounts as a table."""
    width = max(len(person.email) for person in PEOPLE)
    for person in PEOPLE:
        print(f"{person.email:<{width}}  {person.name}, {person.about}")
    print(f"The password of all of them: {PASSWORD}")


if __name__ == "__main__":
    main()
