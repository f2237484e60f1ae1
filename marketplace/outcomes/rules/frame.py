"""The frame of a survey: the facts that its margins are counted by."""

from datetime import date

FACTS = (
    "img_type",
    "specialty",
    "modality",
    "grad_band",
    "rotation_status",
    "frame_flag",
    "consent_to_contact",
    "invited",
    "delivery",
    "disposition",
    "wave",
    "match_items_answered",
    "lor_earned",
    "refused_items",
)
BANDS = ((3, "0-2y"), (6, "3-5y"))
LAST_BAND = "6y+"


def grad_band(graduation: date | None, match_year: int) -> str | None:
    """Return the band of years from graduation to the Match; none where it is not known.

    Who graduates in the year of the Match, or after it, is in the first band.
    """
    if graduation is None:
        return None
    years = match_year - graduation.year
    return next((band for below, band in BANDS if years < below), LAST_BAND)
