"""What a report says in words: what its charts show, its methods, what AAPOR asks to be told."""

from marketplace.pages.words import noted

FOREST = (
    noted(
        "The dot is the rate among active applicants who answered, the line its 95% interval. The"
        " band shows how far the rate could lie if all who are silent had applied and none, or all,"
        " of them had matched. The upright mark is the national rate of the same group and year."
    ),
)
RESPONSE = (
    noted(
        "RR1 counts whole interviews, RR2 partial ones, too, among all who are eligible. I: whole,"
        " P: partial, R: refused, NC: not reached or no answer, O: died, NE: not eligible."
    ),
)
PLACEMENT = (
    noted(
        "These are other rates than the match rate, with other denominators: placement counts SOAP,"
        " among active applicants or among all who registered. A letter is counted over completed"
        " rotations of which it is known. Positions outside the Match are in none of these rates."
    ),
)
# AAPOR's rates, and what each says.
RATES = {
    "RR1": noted("Response: complete answers, of all who are eligible."),
    "RR2": noted("Response that counts partial answers too, of all who are eligible."),
    "COOP1": noted("Cooperation: complete answers, of those who were reached in any way."),
    "REF1": noted("Refusal: those who said no, of all who are eligible."),
    "CON1": noted("Contact: those who were reached in any way, of all who are eligible."),
}
WEIGHTING = (
    noted(
        "Weights make those who answered look like all who are eligible, by specialty, setting,"
        " time since graduation and applicant type. They can't repair an answer that depends on"
        " having matched: the weighted rate is never read alone."
    ),
)
GROUPINGS = {
    "specialty": noted("By specialty of the rotation"),
    "tier": noted("By tier of the rotation"),
    "learner_status": noted("By learner status in the rotation"),
    "site_group": noted("By region of the site"),
    "wave": noted("By wave"),
}
ABOUT = {
    "specialty": noted("The specialty of the last completed rotation."),
    "tier": noted("The tier of the last completed rotation, as it was when it was booked."),
    "learner_status": noted("Student or graduate on the rotation's first day."),
    "site_group": noted("The Census region of the site of the last completed rotation."),
}
METHODS = (
    noted(
        "Whom it is about: everybody with a completed rotation before the freeze, one row a person."
        " The deceased, those never reached and those who never answered stay in the denominators"
        " of response and in the bounds."
    ),
    noted(
        "Match rate: matched by the algorithm to a PGY-1 position, of those who certified a rank"
        " order list and answered. SOAP and positions outside the Match are not in it; a match to"
        " PGY-2 only is in the denominator alone."
    ),
    noted(
        "Intervals are Wilson's at 95%. Tests are exact and two-sided, against a published rate of"
        " the same year, group and definition or against none, and adjusted by Holm's method."
    ),
    noted(
        "Bounds assume nothing about the silent: all of them applied, and none matched or all did."
        " The tipping point is the share of the silent who would have to match for the rate to"
        " equal the national one."
    ),
    noted("The verified-only floor counts a match only where a document or a roster shows it."),
    noted(
        "Counts from 1 to k - 1 are hidden (k is 11, unless it is said otherwise), and as many others as it takes that no hidden one can be"
        " worked out from the rest: over all groups, groupings and charts of this report together"
        " with every version of it that was published before."
    ),
    noted(
        "The report is frozen as of a moment. The same rows give the same bytes for ever; the hash"
        " below is that of the bytes."
    ),
)
DISCLOSURE = (
    (noted("Who asked, paid and did it"), noted("The marketplace itself, for its own trainees.")),
    (
        noted("Population and frame"),
        noted("International medical graduates with a completed rotation: %(frame)s rows."),
    ),
    (noted("Sampling"), noted("None: everybody in the frame is asked.")),
    (
        noted("Mode and languages"),
        noted("By a personal link in an e-mail, on the web; English and Spanish."),
    ),
    (noted("Dates"), noted("%(dates)s; as of %(as_of)s")),
    (
        noted("Questionnaire"),
        noted("Version %(questionnaire)s; a partial answer is one with the items on the Match."),
    ),
    (
        noted("Not eligible, and deceased"),
        noted(
            "%(not_eligible)s not eligible: no completed rotation, or in the frame twice; they are in"
            " no denominator. %(deceased)s deceased, who stay in all of them."
        ),
    ),
    (noted("Response"), noted("RR1 %(rr1)s, RR2 %(rr2)s")),
    (
        noted("Verification"),
        noted("Self-reports, documents and rosters are told apart; the floor counts the last two."),
    ),
    (
        noted("Limits"),
        noted(
            "Who answers may differ from who does not. Bounds say by how much at most; nothing here shows that a rotation causes a match."
        ),
    ),
    (noted("Method"), noted("%(method)s, for the %(year)s Match; k: %(k)s")),
)
