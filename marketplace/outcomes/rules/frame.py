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
    "tier",
    "learner_status",
    "site_group",
    "consent_reporting",
    "consent_research",
    "consent_named",
)
BANDS = ((3, "0-2y"), (6, "3-5y"))
LAST_BAND = "6y+"
# the regions of the U.S. Census Bureau: a grouping of sites that nobody chose for the report
REGIONS = {
    "northeast": "CT ME MA NH RI VT NJ NY PA",
    "midwest": "IL IN MI OH WI IA KS MN MO NE ND SD",
    "south": "DE DC FL GA MD NC SC VA WV AL KY MS TN AR LA OK TX",
    "west": "AZ CO ID MT NV NM UT WY AK CA HI OR WA",
}
ELSEWHERE = "territory"


def site_group(state: str) -> str:
    """Return the Census region of a state's postal code; `territory` outside of the regions."""
    return next((name for name, states in REGIONS.items() if state in states.split()), ELSEWHERE)


def grad_band(graduation: date | None, match_year: int) -> str | None:
    """Return the band of years from graduation to the Match; none where it is not known.

    Who graduates in the year of the Match, or after it, is in the first band.
    """
    if graduation is None:
        return None
    years = match_year - graduation.year
    return next((band for below, band in BANDS if years < below), LAST_BAND)
