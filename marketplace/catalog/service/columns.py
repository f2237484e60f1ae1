"""What a draft is in the columns of `listing`."""

from typing import Any

from marketplace.catalog.rules.drafts import ListingDraft
from marketplace.catalog.rules.terms import search_words
from marketplace.catalog.service.classification import columns_of


def copies_of(draft: ListingDraft) -> dict[str, str]:
    """A listing's copies of what its site is called and where it is."""
    return {
        "site_name": draft.site.name,
        "city": draft.site.city,
        "us_state": draft.site.state,
        "search_text": search_words(draft),
    }


def values_of(draft: ListingDraft) -> dict[str, Any]:
    """The columns of `listing` that follow from a draft alone, price and keys left out."""
    return {
        "title": draft.title,
        "specialty": draft.specialty,
        "setting": draft.setting,
        "duties": list(draft.duties),
        "audience": draft.audience,
        "weeks_min": draft.weeks_min,
        "weeks_max": draft.weeks_max,
        "seats_per_week": draft.seats_per_week,
        "first_start": draft.first_start,
        "last_start": draft.last_start,
        "blackout_weeks": list(draft.blackout_weeks),
        "visa_types": list(draft.visa_types),
        "step1_required": draft.step1_required,
        "step2_min": draft.step2_min,
        "letter_policy": draft.letter_policy,
        "cancellation_policy": draft.cancellation_policy,
        "approval": draft.approval,
        "notes": draft.notes,
        "english_native": draft.english.native,
        "toefl_ibt_min": draft.english.toefl_ibt,
        "ielts_min": draft.english.ielts,
        "oet_min": draft.english.oet,
        "documents": list(draft.documents),
        "deposit_kind": draft.deposit.kind.value,
        "deposit_basis_points": draft.deposit.basis_points,
        "deposit_minor": draft.deposit.amount.minor if draft.deposit.amount else None,
        "lead_days": draft.lead_days,
        "residency_affiliation": draft.residency_affiliation,
        "claimed_tier": draft.claimed_tier,
        **columns_of(draft),
        **copies_of(draft),
    }
