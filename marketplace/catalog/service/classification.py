"""The tier of a listing in its columns: computed when its words or duties change, at no other time."""

from collections.abc import Iterable, Mapping
from typing import Any

from marketplace.catalog.rules import classifiers
from marketplace.catalog.rules.drafts import ListingDraft
from marketplace.catalog.rules.terms import fingerprint
from marketplace.catalog.rules.tiers import Classification, Reason
from marketplace.identity.rules import LearnerStatus


def classification_of(draft: ListingDraft) -> Classification:
    """The answer of the published classifier."""
    return classifiers.KNOWN.current(
        draft.duties, draft.setting, draft.title, draft.audience, draft.claimed_tier
    )


def columns_of(draft: ListingDraft) -> Mapping[str, Any]:
    """The columns of `listing` that hold the classification of `draft`."""
    found = classification_of(draft)
    return columns(found, draft.title, draft.setting, draft.duties, draft.audience)


def columns(
    found: Classification, title: str, setting: str, duties: Iterable[str], audience: str
) -> dict[str, Any]:
    """The columns of `listing` that hold `found`, the answer for these words and duties."""
    codes = [reason.code for reason in found.conflicts]
    return {
        "tier_student": found.offered(LearnerStatus.STUDENT),
        "tier_graduate": found.offered(LearnerStatus.GRADUATE),
        "classifier": found.version,
        "reasons": {
            status.value: as_json(found.for_status(status).reasons) for status in found.open_to
        },
        "conflicts": as_json(found.conflicts),
        "fingerprint": fingerprint(title, setting, duties, audience, codes),
    }


def as_json(reasons: tuple[Reason, ...]) -> list[dict[str, str]]:
    return [{"code": reason.code, "text": reason.text} for reason in reasons]
