"""What the fields of a Match outcome, their values and how they are known are called at the desk."""

import re
from collections.abc import Mapping

from marketplace.pages.words import noted

WORDS: Mapping[str, str] = {
    "outcome_registered": noted("Registered for the Match"),
    "outcome_certified_rol": noted("Certified a rank order list"),
    "outcome_main_result": noted("Result of the algorithm"),
    "outcome_soap_result": noted("Result of SOAP"),
    "outcome_outside_match": noted("Position outside the Match"),
    "outcome_program": noted("Program"),
    "outcome_specialty": noted("Specialty of the residency"),
    "outcome_interviews": noted("Interviews"),
    "outcome_matched_pgy1": noted("Matched to a PGY-1 position"),
    "outcome_matched_pgy2_only": noted("Matched to a PGY-2 position only"),
    "outcome_unmatched": noted("Not matched"),
    "outcome_not_in_algorithm": noted("Not in the algorithm"),
    "outcome_placed_pgy1": noted("Placed in a PGY-1 position by SOAP"),
    "outcome_not_placed": noted("Not placed by SOAP"),
    "outcome_not_applicable": noted("Was not in SOAP"),
    "outcome_soap": noted("Placed in a PGY-1 position by SOAP"),
    "outcome_withdrew": noted("Not in the algorithm"),
    "outcome_not_registered": noted("Not registered for the Match"),
    "outcome_unknown": noted("Result not known"),
    "known_self_reported": noted("Self-reported"),
    "known_document_verified": noted("Verified by a document"),
    "known_roster_verified": noted("Verified by a roster"),
    "known_disputed": noted("Disputed"),
    "evidence_panel": noted("From an imported panel"),
    "evidence_survey": noted("From the survey"),
    "verdict_document_verified": noted("It is so: seen in a document"),
    "verdict_roster_verified": noted("It is so: seen in a roster of the program"),
    "verdict_disputed": noted("Another source says otherwise: it is disputed"),
    "verdict_rejected": noted("It is not borne out: take it back"),
}

# What was claimed beside a value that stayed, as it is written behind the evidence.
CLAIM = re.compile(r"\s*\(claims (.*)\)$", re.DOTALL)


def parted(evidence: str) -> tuple[str, str | None]:
    """The words of an entry's evidence, and what was claimed meanwhile and did not count."""
    found = CLAIM.search(evidence)
    return (evidence, None) if found is None else (evidence[: found.start()], found[1])


# Whose and what the published figures are that a report is compared with.
POPULATIONS: Mapping[str, str] = {
    "all": noted("All applicants"),
    "img": noted("IMGs"),
    "us_img": noted("US IMGs"),
    "non_us_img": noted("Non-US IMGs"),
    "peer_amo_us_img": noted("US IMGs of another provider"),
    "peer_amo_non_us_img": noted("Non-US IMGs of another provider"),
}
METRICS: Mapping[str, str] = {
    "pgy1_match_rate": noted("PGY-1 match rate"),
    "placement_rate_active": noted("Placement rate of active applicants"),
    "placement_rate_all_applicants": noted("Placement rate of all applicants"),
    "share_of_matched_pgy1": noted("Share of those matched to PGY-1"),
    "share_of_pgy1_positions_filled": noted("Share of PGY-1 positions filled"),
    "share_of_pgy1_positions_offered": noted("Share of PGY-1 positions offered"),
    "mean_step2ck_matched": noted("Mean Step 2 CK score of the matched"),
}
