"""The words of the pages: English as written, Spanish from `translations/es.*`; labels of codes.

A text is marked by `_` where it is shown and by `noted` where it is only named; a test finds every
marked text in the catalogue of each language.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from babel.messages.pofile import read_po

LANGUAGES = ("en", "es")


def noted(text: str) -> str:
    """Mark a text that is translated where it is shown."""
    return text


LABELS: Mapping[str, str] = {
    "elective": noted("Hands-on elective"),
    "externship": noted("Externship"),
    "observership": noted("Observership"),
    "student": noted("Student"),
    "graduate": noted("Graduate"),
    "students": noted("Students"),
    "graduates": noted("Graduates"),
    "inpatient": noted("Inpatient"),
    "outpatient": noted("Outpatient"),
    "both": noted("Inpatient and outpatient"),
    "remote": noted("Remote"),
    "on_merit": noted("Can be earned"),
    "never": noted("Not written here"),
    "instant": noted("Booked at once"),
    "request": noted("The host decides"),
    "history_taking": noted("History taking"),
    "physical_examination": noted("Physical examination"),
    "procedures_assist": noted("Assisting with procedures"),
    "patient_counselling": noted("Patient counselling"),
    "clinical_notes": noted("Clinical notes"),
    "case_presentation": noted("Case presentation"),
    "order_entry_supervised": noted("Order entry under supervision"),
    "shadowing": noted("Shadowing"),
    "rounds_attendance": noted("Attending rounds"),
    "conference_attendance": noted("Attending conferences"),
    "chart_review": noted("Chart review"),
    "slide_review": noted("Slide review"),
    "research": noted("Research"),
    "passport": noted("Passport"),
    "cv": noted("CV"),
    "deans_letter": noted("Dean's letter"),
    "transcript": noted("Transcript"),
    "mmr": noted("MMR, two doses or titre"),
    "varicella": noted("Varicella, two doses or titre"),
    "hepatitis_b": noted("Hepatitis B"),
    "tdap": noted("Tdap within ten years"),
    "tb_test": noted("Tuberculosis test"),
    "influenza": noted("Influenza vaccine"),
    "bls": noted("Basic life support"),
    "hipaa_training": noted("HIPAA training"),
    "background_check": noted("Background check"),
    "drug_screen": noted("Drug screen"),
    "malpractice_insurance": noted("Malpractice insurance"),
    "health_insurance": noted("Health insurance"),
    "step_score_report": noted("Step score report"),
    "english_proof": noted("Proof of English"),
    "mmr_titre": noted("Positive titre, MMR"),
    "varicella_titre": noted("Positive titre, varicella"),
    "hepatitis_b_titre": noted("Positive titre, hepatitis B"),
    "chest_xray": noted("Chest X-ray"),
    "toefl_report": noted("TOEFL report"),
    "ielts_report": noted("IELTS report"),
    "oet_report": noted("OET report"),
    "doc_missing": noted("Missing"),
    "doc_uploaded": noted("Sent, to be looked at"),
    "doc_accepted": noted("Accepted"),
    "doc_rejected": noted("Rejected"),
    "doc_expiring": noted("Accepted, expires soon"),
    "doc_expired": noted("Expired"),
    "doc_deleted": noted("Deleted"),
    "doc_not_needed": noted("Not needed in this season"),
    "doc_waived": noted("Waived for you"),
    "step_done": noted("Done"),
    "step_overdue": noted("Overdue"),
    "step_passed": noted("The day is over"),
    "document.uploaded": noted("Sent"),
    "document.read": noted("Read"),
    "document.deleted": noted("Deleted"),
    "trainee": noted("Trainee"),
    "host": noted("Host"),
    "school": noted("School"),
    "operator": noted("Our staff"),
    "letter_asked": noted("Asked for"),
    "letter_agreed": noted("Agreed, being written"),
    "letter_refused": noted("Refused"),
    "letter_withdrawn": noted("Taken back"),
    "letter_uploaded": noted("Uploaded"),
    "letter_confirmed": noted("Confirmed by its author"),
    "itinerary_draft": noted("Draft"),
    "itinerary_held": noted("All seats kept"),
    "itinerary_confirmed": noted("Confirmed"),
    "itinerary_ended": noted("Ended"),
    "stay_fits": noted("Fits"),
    "stay_close": noted("Close"),
    "stay_too_long": noted("Too long"),
    "stay_unknown": noted("No limit known"),
    "wait_waiting": noted("Waiting"),
    "wait_offered": noted("Offered to you"),
    "wait_accepted": noted("Taken"),
    "wait_declined": noted("Let go"),
    "wait_lapsed": noted("The offer ran out"),
    "wait_left": noted("Left"),
    "credit_cancellation": noted("From a cancellation"),
    "credit_goodwill": noted("Goodwill"),
    "credit_promotion": noted("Promotion"),
    "credit_handed_on": noted("Handed on by another trainee"),
    "moved_granted": noted("Given"),
    "moved_used": noted("Spent"),
    "moved_returned": noted("Came back"),
    "moved_expired": noted("Expired"),
    "moved_revoked": noted("Taken back by us"),
    "moved_handed_on": noted("Handed on"),
    "pay_whole": noted("the whole price"),
    "pay_deposit": noted("the deposit"),
    "pay_balance": noted("the balance"),
    "consent_reporting": noted("Outcome reports"),
    "consent_research": noted("Research"),
    "consent_named_testimonial": noted("A testimonial with your name"),
    "relevance": noted("Relevance"),
    "price": noted("Price"),
    "soonest": noted("Earliest start"),
    "distance": noted("Distance"),
    "tier": noted("Tier"),
    "verified": noted("Verified by us"),
    "unverified": noted("Not verified"),
    "trainee_cancels": noted("You cancel"),
    "visa_denied": noted("Your visa is denied"),
    "host_withdraws": noted("The host calls it off"),
    "request_unanswered": noted("Your request is not answered"),
    "no_show": noted("You do not come"),
    "original_payment": noted("back to your card"),
    "voucher": noted("as a voucher"),
    "held": noted("Kept for you"),
    "submitted": noted("With the host"),
    "more_asked": noted("The host asks for more"),
    "awaiting_payment": noted("To be paid"),
    "confirmed": noted("Confirmed"),
    "in_progress": noted("Under way"),
    "completed": noted("Completed"),
    "expired": noted("Run out"),
    "withdrawn": noted("Given up"),
    "declined": noted("Declined by the host"),
    "cancelled_by_trainee": noted("Cancelled by you"),
    "cancelled_by_host": noted("Called off by the host"),
    "cancelled_by_operator": noted("Called off by us"),
    "us_citizen": noted("U.S. citizen"),
    "permanent_resident": noted("Permanent resident of the United States (green card)"),
    "other": noted("Other"),
    "not_taken": noted("Not taken"),
    "passed": noted("Passed"),
    "failed": noted("Failed"),
    "b1": noted("B-1"),
    "b1_b2": noted("B-1/B-2"),
    "f1": noted("F-1"),
    "j1": noted("J-1"),
    "h1b": noted("H-1B"),
    "esta": noted("ESTA"),
    "native": noted("English is my first language"),
    "toefl_ibt": noted("TOEFL iBT"),
    "ielts": noted("IELTS"),
    "oet": noted("OET"),
    "listening": noted("Listening"),
    "reading": noted("Reading"),
    "writing": noted("Writing"),
    "speaking": noted("Speaking"),
    "pass": noted("Met"),
    "fail": noted("Not met"),
    "unknown": noted("Not known"),
    "patient_care": noted("Patient care"),
    "medical_knowledge": noted("Medical knowledge"),
    "practice_based_learning": noted("Practice-based learning and improvement"),
    "communication": noted("Interpersonal and communication skills"),
    "professionalism": noted("Professionalism"),
    "systems_based_practice": noted("Systems-based practice"),
    "delivered": noted("Delivered"),
    "pending": noted("On its way"),
    "matched_pgy1": noted("Matched to a PGY-1 position"),
    "matched_pgy2_only": noted("Matched to a PGY-2 position only"),
    "unmatched": noted("Not matched"),
    "placed_pgy1": noted("Yes, placed by SOAP"),
    "not_placed": noted("No, not placed"),
    "not_applicable": noted("I was not in SOAP"),
    "all": noted("All IMGs"),
    "us_img": noted("US IMGs"),
    "non_us_img": noted("Non-US IMGs"),
    "not_known": noted("Not known"),
    "northeast": noted("Northeast"),
    "midwest": noted("Midwest"),
    "south": noted("South"),
    "west": noted("West"),
    "territory": noted("Territories"),
    "enabled": noted("Enabled"),
    "disabled": noted("Disabled"),
}


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Text to its translation; empty for English and for what we don't speak."""
    if language not in LANGUAGES or language == "en":
        return {}
    found: dict[str, str] = {}
    for place in (files("marketplace.pages") / "translations").iterdir():
        if place.name.startswith(f"{language}.") and place.name.endswith(".po"):
            with place.open("rb") as file:
                found |= {
                    str(message.id): str(message.string)
                    for message in read_po(file)
                    if message.id and message.string
                }
    return found


def translated(text: str, language: str) -> str:
    """The text in that language; itself where it has no translation."""
    return catalogue(language).get(text, text)


def label(code: str, language: str) -> str:
    """What a code is called; one without a label is spelt out."""
    return translated(LABELS.get(code, code.replace("_", " ").capitalize()), language)
