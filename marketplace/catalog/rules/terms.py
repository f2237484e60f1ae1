"""A listing's terms as the cells of a host's sheet: for comparing, for history, for export.

What `terms_of` writes, `spreadsheet` reads back as the same draft without a fix.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping

from marketplace.catalog.rules import deposits, english, specialties
from marketplace.catalog.rules.drafts import ListingDraft
from marketplace.catalog.rules.places import STATES

SITE_COLUMNS = ("site_name", "address", "city", "state", "country", "timezone")
Difference = Mapping[str, tuple[str, str]]


def terms_of(draft: ListingDraft) -> dict[str, str]:
    """Every column of the sheet with its canonical text, in the sheet's order."""
    return {
        "external_id": draft.external_id,
        "site_name": draft.site.name,
        "address": draft.site.address,
        "city": draft.site.city,
        "state": draft.site.state,
        "country": draft.site.country,
        "timezone": draft.site.time_zone,
        "preceptor": draft.preceptor.name,
        "npi": draft.preceptor.npi,
        "specialty": specialties.BY_CODE[draft.specialty].name,
        "title": draft.title,
        "setting": draft.setting,
        "duties": ";".join(draft.duties),
        "audience": draft.audience,
        "weeks_min": str(draft.weeks_min),
        "weeks_max": str(draft.weeks_max),
        "price_per_week": f"{draft.price.as_decimal():f}",
        "currency": draft.price.currency,
        "seats_per_week": str(draft.seats_per_week),
        "first_start": draft.first_start.isoformat(),
        "last_start": draft.last_start.isoformat(),
        "blackout_weeks": ";".join(week.isoformat() for week in draft.blackout_weeks),
        "visa_types": ";".join(draft.visa_types),
        "step1_required": "yes" if draft.step1_required else "no",
        "step2_min": "" if draft.step2_min is None else str(draft.step2_min),
        "letter_policy": draft.letter_policy,
        "cancellation_policy": draft.cancellation_policy,
        "approval": draft.approval,
        "english": english.text_of(draft.english),
        "documents": ";".join(draft.documents),
        "deposit": deposits.text_of(draft.deposit),
        "lead_days": str(draft.lead_days),
        "residency_affiliation": draft.residency_affiliation,
        "claimed_tier": draft.claimed_tier or "",
        "notes": draft.notes,
    }


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Changed columns with what each was and is."""
    return {
        column: (before.get(column, ""), text)
        for column, text in after.items()
        if before.get(column, "") != text
    }


def fingerprint(
    title: str, setting: str, duties: Iterable[str], audience: str, conflicts: Iterable[str]
) -> str:
    """What an operator decides on: the decision holds while this stays the same.

    `conflicts` are the codes that were found, whichever version of the classifier found them: a
    new version that finds the same ones asks nobody again.
    """
    parts = [title, setting, sorted(duties), audience, sorted(conflicts)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def search_words(draft: ListingDraft) -> str:
    """What a listing is found by besides its title: place, people, specialty and its spellings."""
    specialty = specialties.BY_CODE[draft.specialty]
    words = [
        draft.site.name,
        draft.site.city,
        STATES[draft.site.state],
        draft.site.state,
        draft.preceptor.name,
        specialty.name,
        *specialty.spellings,
    ]
    return " ".join(words)
