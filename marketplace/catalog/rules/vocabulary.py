"""The words that a listing is described in: each closed list, and the spellings that mean them."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache


class Duty(StrEnum):
    """What a trainee may do there; the tier follows from these and from nothing else."""

    HISTORY_TAKING = "history_taking"
    PHYSICAL_EXAMINATION = "physical_examination"
    PROCEDURES_ASSIST = "procedures_assist"
    PATIENT_COUNSELLING = "patient_counselling"
    CLINICAL_NOTES = "clinical_notes"
    CASE_PRESENTATION = "case_presentation"
    ORDER_ENTRY_SUPERVISED = "order_entry_supervised"
    SHADOWING = "shadowing"
    ROUNDS_ATTENDANCE = "rounds_attendance"
    CONFERENCE_ATTENDANCE = "conference_attendance"
    CHART_REVIEW = "chart_review"
    SLIDE_REVIEW = "slide_review"
    RESEARCH = "research"


class Setting(StrEnum):
    INPATIENT = "inpatient"
    OUTPATIENT = "outpatient"
    BOTH = "both"
    REMOTE = "remote"


class Audience(StrEnum):
    STUDENTS = "students"
    GRADUATES = "graduates"
    BOTH = "both"


class LetterPolicy(StrEnum):
    """A letter is earned, not owed: there is no word for a promised one."""

    ON_MERIT = "on_merit"
    NEVER = "never"


class Approval(StrEnum):
    INSTANT = "instant"
    REQUEST = "request"


class Document(StrEnum):
    """What a host may ask a trainee to bring; how long each is valid is compliance's to say."""

    PASSPORT = "passport"
    CV = "cv"
    DEANS_LETTER = "deans_letter"
    TRANSCRIPT = "transcript"
    MMR = "mmr"
    VARICELLA = "varicella"
    HEPATITIS_B = "hepatitis_b"
    TDAP = "tdap"
    TB_TEST = "tb_test"
    INFLUENZA = "influenza"
    BLS = "bls"
    HIPAA_TRAINING = "hipaa_training"
    BACKGROUND_CHECK = "background_check"
    DRUG_SCREEN = "drug_screen"
    MALPRACTICE_INSURANCE = "malpractice_insurance"
    HEALTH_INSURANCE = "health_insurance"
    STEP_SCORE_REPORT = "step_score_report"
    ENGLISH_PROOF = "english_proof"


class EvidenceKind(StrEnum):
    """By what a site is known to be what it says."""

    NPI_REGISTRY = "npi_registry"
    STATE_LICENSE = "state_license"
    CMS_CERTIFICATION = "cms_certification"
    ACCREDITATION = "accreditation"
    AFFILIATION_AGREEMENT = "affiliation_agreement"
    LETTERHEAD = "letterhead"
    TELEPHONE = "telephone"
    VISIT = "visit"
    OTHER = "other"


CREDENTIALS = (
    "MD", "DO", "MBBS", "MBChB", "MBBCh", "BMBS", "PhD", "DPM", "DDS", "DMD", "PharmD", "PsyD",
    "MPH", "MSc", "MS", "MBA", "MHA", "RN", "NP", "DNP", "APRN", "PA-C",
    "FACP", "FACS", "FAAP", "FAAFP", "FACC", "FACOG", "FACEP", "FACG", "FCCP", "FASN", "FAAN",
    "FAPA", "FAAD", "FACR", "FIDSA", "FASCO", "FRCP", "FRCS", "FRCPC", "FRCSC", "MRCP",
)  # fmt: skip
# What a host may claim for a rotation; the computed tier is the one that counts.
CLAIMABLE = ("observership", "externship", "elective")
ANY_VISA = "any"
NO_VISA = "none_needed"
VISAS = ("B1/B2", "J-1", "F-1", "H-1B", "ESTA", ANY_VISA, NO_VISA)

_SPELLINGS: Mapping[str, Mapping[str, str]] = {
    "duty": {
        "history": "history_taking",
        "taking history": "history_taking",
        "taking histories": "history_taking",
        "patient history": "history_taking",
        "physical exam": "physical_examination",
        "physical exams": "physical_examination",
        "physical examinations": "physical_examination",
        "physical": "physical_examination",
        "assist procedures": "procedures_assist",
        "assisting procedures": "procedures_assist",
        "procedure assist": "procedures_assist",
        "procedures": "procedures_assist",
        "assist in procedures": "procedures_assist",
        "counselling": "patient_counselling",
        "counseling": "patient_counselling",
        "patient counseling": "patient_counselling",
        "notes": "clinical_notes",
        "clinical note": "clinical_notes",
        "note writing": "clinical_notes",
        "writing notes": "clinical_notes",
        "case presentations": "case_presentation",
        "presenting cases": "case_presentation",
        "supervised order entry": "order_entry_supervised",
        "order entry supervised": "order_entry_supervised",
        "shadow": "shadowing",
        "observing": "shadowing",
        "observation": "shadowing",
        "rounds": "rounds_attendance",
        "attending rounds": "rounds_attendance",
        "conferences": "conference_attendance",
        "conference": "conference_attendance",
        "attending conferences": "conference_attendance",
        "chart reviews": "chart_review",
        "slide reviews": "slide_review",
    },
    "setting": {
        "in patient": "inpatient",
        "hospital": "inpatient",
        "out patient": "outpatient",
        "clinic": "outpatient",
        "inpatient and outpatient": "both",
        "inpatient outpatient": "both",
        "virtual": "remote",
        "telehealth": "remote",
        "telemedicine": "remote",
        "online": "remote",
    },
    "audience": {
        "student": "students",
        "medical student": "students",
        "medical students": "students",
        "graduate": "graduates",
        "medical graduates": "graduates",
        "students and graduates": "both",
        "graduates and students": "both",
        "all": "both",
    },
    "letter_policy": {
        "merit": "on_merit",
        "if merited": "on_merit",
        "no": "never",
        "none": "never",
    },
    "approval": {
        "instant booking": "instant",
        "by request": "request",
        "on request": "request",
        "requested": "request",
    },
    "document": {
        "curriculum vitae": "cv",
        "resume": "cv",
        "dean letter": "deans_letter",
        "dean s letter": "deans_letter",
        "mspe": "deans_letter",
        "transcripts": "transcript",
        "medical school transcript": "transcript",
        "mmr x2": "mmr",
        "mmr titre": "mmr",
        "mmr titer": "mmr",
        "measles mumps rubella": "mmr",
        "varicella x2": "varicella",
        "varicella titre": "varicella",
        "varicella titer": "varicella",
        "chickenpox": "varicella",
        "hep b": "hepatitis_b",
        "hbv": "hepatitis_b",
        "tetanus": "tdap",
        "tb": "tb_test",
        "ppd": "tb_test",
        "quantiferon": "tb_test",
        "tuberculosis test": "tb_test",
        "flu": "influenza",
        "flu shot": "influenza",
        "flu vaccine": "influenza",
        "influenza vaccine": "influenza",
        "basic life support": "bls",
        "hipaa": "hipaa_training",
        "background": "background_check",
        "criminal background check": "background_check",
        "drug test": "drug_screen",
        "drug screening": "drug_screen",
        "malpractice": "malpractice_insurance",
        "liability insurance": "malpractice_insurance",
        "step scores": "step_score_report",
        "step score": "step_score_report",
        "usmle transcript": "step_score_report",
        "english": "english_proof",
        "proof of english": "english_proof",
    },
    "credential": {
        "m d": "MD",
        "d o": "DO",
        "m b b s": "MBBS",
        "mb bs": "MBBS",
        "mb chb": "MBChB",
        "mbbch": "MBBCh",
        "ph d": "PhD",
        "pac": "PA-C",
    },
    "tier": {
        "hands on elective": "elective",
        "hands on observership": "externship",
        "observation": "observership",
    },
    "visa": {
        "b1 b2": "B1/B2",
        "b1b2": "B1/B2",
        "b 1 b 2": "B1/B2",
        "visitor": "B1/B2",
        "j1": "J-1",
        "j 1": "J-1",
        "f1": "F-1",
        "f 1": "F-1",
        "h1b": "H-1B",
        "h 1b": "H-1B",
        "esta": "ESTA",
        "visa waiver": "ESTA",
        "any": ANY_VISA,
        "any visa": ANY_VISA,
        "all": ANY_VISA,
        "none needed": NO_VISA,
        "not needed": NO_VISA,
        "no visa needed": NO_VISA,
    },
}
_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "duty": tuple(Duty),
    "setting": tuple(Setting),
    "audience": tuple(Audience),
    "letter_policy": tuple(LetterPolicy),
    "approval": tuple(Approval),
    "document": tuple(Document),
    "tier": CLAIMABLE,
    "credential": CREDENTIALS,
    "visa": VISAS,
}
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")


def plain(text: str) -> str:
    """`text` in lower case, with typographic dashes, quotes and widths made plain."""
    folded = _DASHES.sub("-", unicodedata.normalize("NFKC", text)).casefold()
    return folded.replace("’", "'").replace("‘", "'").replace("“", '"').replace("”", '"')


def allowed(vocabulary: str) -> tuple[str, ...]:
    """The words of a closed list, in the order in which people expect them."""
    return _ALLOWED[vocabulary]


@lru_cache(maxsize=1024)
def resolve(vocabulary: str, text: str) -> str | None:
    """The listed word that `text` means, or none; case, spaces and dashes don't matter."""
    key = " ".join(re.sub(r"[^a-z0-9]+", " ", plain(text)).split())
    for word in _ALLOWED[vocabulary]:
        if " ".join(re.sub(r"[^a-z0-9]+", " ", word.casefold()).split()) == key:
            return str(word)
    return _SPELLINGS[vocabulary].get(key)


def accepted_as(visa_type: str) -> str | None:
    """The listed visa under which a listing would accept a trainee's, or none.

    Whoever may come on a B-1 alone meets "B1/B2"; a rotation is done on the B-1 part of it.
    """
    return "B1/B2" if visa_type == "b1" else resolve("visa", visa_type)


def in_order(vocabulary: str, words: Iterable[str]) -> tuple[str, ...]:
    """Each of `words` once, in the order of its list, so that equal sets compare as equal."""
    given = set(words)
    return tuple(str(word) for word in _ALLOWED[vocabulary] if word in given)
