"""The words for documents: what listings may ask for, and what proves one of these instead."""

from collections.abc import Mapping
from enum import StrEnum

from marketplace.catalog.rules.vocabulary import Document


class Proof(StrEnum):
    """Documents that no listing asks for by name: each stands in for one that it does."""

    MMR_TITRE = "mmr_titre"
    VARICELLA_TITRE = "varicella_titre"
    HEPATITIS_B_TITRE = "hepatitis_b_titre"
    CHEST_XRAY = "chest_xray"
    TOEFL_REPORT = "toefl_report"
    IELTS_REPORT = "ielts_report"
    OET_REPORT = "oet_report"


KINDS: tuple[str, ...] = (*(kind.value for kind in Document), *(kind.value for kind in Proof))

TITLES: Mapping[str, str] = {
    "passport": "passport",
    "cv": "curriculum vitae",
    "deans_letter": "dean's letter",
    "transcript": "transcript of the medical school",
    "mmr": "measles, mumps and rubella vaccination",
    "varicella": "varicella vaccination",
    "hepatitis_b": "hepatitis B vaccination",
    "tdap": "tetanus, diphtheria and pertussis vaccination",
    "tb_test": "tuberculosis test",
    "influenza": "influenza vaccination",
    "bls": "basic life support certificate",
    "hipaa_training": "HIPAA training certificate",
    "background_check": "background check",
    "drug_screen": "drug screen",
    "malpractice_insurance": "malpractice insurance",
    "health_insurance": "health insurance",
    "step_score_report": "Step score report",
    "english_proof": "proof of English",
    "mmr_titre": "positive titre for measles, mumps and rubella",
    "varicella_titre": "positive varicella titre",
    "hepatitis_b_titre": "positive hepatitis B titre",
    "chest_xray": "chest X-ray",
    "toefl_report": "TOEFL report",
    "ielts_report": "IELTS report",
    "oet_report": "OET report",
}
