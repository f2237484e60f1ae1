"""Applicant facts as the field counts them: pure functions of what a trainee told us.

Country of the medical school, citizenship and need of a visa are three facts; none is derived
from another. The groups are those of the NRMP and of Intealth (ECFMG).
"""

from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from importlib import resources
from uuid import UUID
from zoneinfo import available_timezones

# ISO 3166-1 alpha-2, as in the IANA time zone database's iso3166.tab (public domain).
COUNTRIES = frozenset(
    resources.files("marketplace.identity").joinpath("data/countries.txt").read_text().split()
)
# The territories have ISO codes of their own, but their schools are schools of the United States.
UNITED_STATES = frozenset({"US", "AS", "GU", "MP", "PR", "UM", "VI"})
NON_IMG_COUNTRIES = UNITED_STATES | {"CA"}
LOCALES = ("en", "es")


class Citizenship(StrEnum):
    """Citizenship in the words of the NRMP's registration form."""

    US_CITIZEN = "us_citizen"
    PERMANENT_RESIDENT = "permanent_resident"
    OTHER = "other"


class ApplicantType(StrEnum):
    NON_IMG = "non_img"
    US_IMG = "us_img"
    NON_US_IMG = "non_us_img"


class LearnerStatus(StrEnum):
    STUDENT = "student"
    GRADUATE = "graduate"


class Step1Result(StrEnum):
    """Step 1 has been reported as pass or fail since 26 January 2022."""

    NOT_TAKEN = "not_taken"
    PASSED = "passed"
    FAILED = "failed"


class VisaType(StrEnum):
    """What a trainee comes on: rotations are done on B-1, residencies on J-1 or H-1B."""

    B1 = "b1"
    B1_B2 = "b1_b2"
    F1 = "f1"
    J1 = "j1"
    H1B = "h1b"
    ESTA = "esta"
    OTHER = "other"


class Role(StrEnum):
    TRAINEE = "trainee"
    SITE_OWNER = "site_owner"
    COORDINATOR = "coordinator"
    PRECEPTOR = "preceptor"
    SCHOOL_COORDINATOR = "school_coordinator"
    OPERATOR = "operator"
    ANALYST = "analyst"


SITE_ROLES = frozenset({Role.SITE_OWNER, Role.COORDINATOR, Role.PRECEPTOR})
SCHOOL_ROLES = frozenset({Role.SCHOOL_COORDINATOR})


class SchoolEvidence(StrEnum):
    """By what a school is known to be the one that it says, and who speaks for it."""

    DIRECTORY = "directory"
    """Its entry in the World Directory of Medical Schools."""
    ACCREDITATION = "accreditation"
    WEBSITE = "website"
    """The school's own pages name who speaks for it."""
    AFFILIATION_AGREEMENT = "affiliation_agreement"
    LETTERHEAD = "letterhead"
    TELEPHONE = "telephone"
    OTHER = "other"


class Scope(StrEnum):
    """What an API key may do of what its account may do."""

    READ = "read"
    WRITE = "write"


def is_country(code: str) -> bool:
    """Tell whether `code` is a country's ISO 3166-1 alpha-2 code, in capitals."""
    return code in COUNTRIES


def is_time_zone(name: str) -> bool:
    """Tell whether `name` is a zone of the IANA database."""
    return name in _time_zones()


def zones() -> tuple[str, ...]:
    """Time zones to choose from, in order: places, and UTC."""
    places = (name for name in _time_zones() if "/" in name and not name.startswith("Etc/"))
    return ("UTC", *sorted(places))


@cache
def _time_zones() -> frozenset[str]:
    """Return all names; the library would look through its folders at every call."""
    return frozenset(available_timezones())


def applicant_type(school_country: str, citizenship: Citizenship | str) -> ApplicantType:
    """Return the group in which the NRMP counts the applicant.

    An IMG's school is outside the United States and Canada, whatever the citizenship. A permanent
    resident is a non-U.S. IMG: the NRMP's "U.S. IMG" are citizens only. `ValueError` for an unknown
    country or citizenship.
    """
    kind = Citizenship(citizenship)
    if not is_country(school_country):
        raise ValueError(f"{school_country!r} is no ISO 3166-1 alpha-2 code")
    if school_country in NON_IMG_COUNTRIES:
        return ApplicantType.NON_IMG
    return ApplicantType.US_IMG if kind is Citizenship.US_CITIZEN else ApplicantType.NON_US_IMG


def learner_status(graduation_date: date, on: date) -> LearnerStatus:
    """Return `student` before the graduation date, `graduate` from that day on."""
    return LearnerStatus.GRADUATE if on >= graduation_date else LearnerStatus.STUDENT


def membership_place(role: Role, *, has_site: bool, has_school: bool) -> str | None:
    """Say what is wrong with the place of a membership, or None if nothing is.

    Host roles belong to a site, a school's coordinator to a school, the others to no place.
    """
    wanted = (role in SITE_ROLES, role in SCHOOL_ROLES)
    if (has_site, has_school) == wanted:
        return None
    if wanted[0]:
        return f"The role {role.value} needs a site, and no school."
    if wanted[1]:
        return f"The role {role.value} needs a school, and no site."
    return f"The role {role.value} belongs to no site and no school."


class NoticeKind(StrEnum):
    """Why somebody is written to. What secures an account, moves money or decides is always sent."""

    SECURITY = "security"
    MONEY = "money"
    DECISIONS = "decisions"
    MESSAGES = "messages"
    REMINDERS = "reminders"
    NEWS = "news"
    SURVEYS = "surveys"


# How notices of a kind may be had, the default first. A `brief` one says that there is something,
# and not what; `daily` ones stand together in one mail a day.
NOTICE_CHOICES: dict[NoticeKind, tuple[str, ...]] = {
    NoticeKind.MESSAGES: ("each", "brief", "daily", "off"),
    NoticeKind.REMINDERS: ("each", "daily", "off"),
    NoticeKind.NEWS: ("each", "daily", "off"),
    NoticeKind.SURVEYS: ("each", "off"),
}


class Seen(StrEnum):
    """What a student may let their school see, each by itself."""

    BOOKINGS = "bookings"
    DATES = "dates"
    CLEARANCE = "clearance"
    MESSAGES = "messages"


# The words that a student reads, and the version of them that is kept with each consent.
SEEN_WORDING = "2026-11"
SEEN_WORDS: dict[Seen, str] = {
    Seen.BOOKINGS: "That you have bookings, where, and the state of each.",
    Seen.DATES: "The first and the last day of each booking.",
    Seen.CLEARANCE: "Whether your documents for a booking are complete, and what is missing;"
    " never a document itself.",
    Seen.MESSAGES: "Your messages with the host: your school's coordinators read and write there.",
}


def in_domain(email: str, domain: str | None) -> bool:
    """Tell whether the address is in the domain or a part of it; every one is where there is none."""
    host = email.rpartition("@")[2]
    return domain is None or host == domain or host.endswith(f".{domain}")


# An account is erased so long after it was asked for: until then a link in the mail stops it.
ERASURE_WAIT = timedelta(days=14)
ERASED_NAME = "Erased account"
# No mail is ever taken there (RFC 2606).
ERASED_DOMAIN = "erased.invalid"


class ErasureStep(StrEnum):
    """What is done of an erasure in one transaction; in this order, the account itself last."""

    ACCESS = "access"
    SEARCHES = "searches"
    DOCUMENTS = "documents"
    CARDS = "cards"
    BOOKINGS = "bookings"
    LETTERS = "letters"
    CONSENTS = "consents"
    PROFILE = "profile"
    NOTICES = "notices"
    ACCOUNT = "account"


ERASURE_STEPS = tuple(ErasureStep)


def erased_address(account_id: UUID) -> str:
    """The address that an erased account has: nobody's, and no other account's."""
    return f"erased-{account_id}@{ERASED_DOMAIN}"


def is_erased(address: str) -> bool:
    return address.endswith(f"@{ERASED_DOMAIN}")
