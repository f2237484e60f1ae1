"""The controlled list of specialties: complete, unambiguous, and cheap to have."""

import pytest

from marketplace.catalog.rules import specialties
from marketplace.catalog.rules.specialties import BY_CODE, SPECIALTIES
from tests.unit.catalog.sheets import read_one

# The specialties in which a board of the ABMS issues a primary certificate.
PRIMARY = (
    "Allergy and Immunology", "Anesthesiology", "Colon and Rectal Surgery", "Dermatology",
    "Diagnostic Radiology", "Emergency Medicine", "Family Medicine", "Internal Medicine",
    "Interventional Radiology", "Medical Genetics and Genomics", "Neurological Surgery",
    "Neurology", "Child Neurology", "Nuclear Medicine", "Obstetrics and Gynecology",
    "Ophthalmology", "Orthopaedic Surgery", "Otolaryngology - Head and Neck Surgery", "Pathology",
    "Pediatrics", "Physical Medicine and Rehabilitation", "Plastic Surgery", "Psychiatry",
    "Preventive Medicine", "Aerospace Medicine", "Occupational and Environmental Medicine",
    "Radiation Oncology", "General Surgery", "Vascular Surgery", "Thoracic Surgery", "Urology",
)  # fmt: skip


def test_the_boards_specialties_are_there_and_subspecialties_belong_to_one():
    assert {specialties.code_of(name) for name in PRIMARY} <= BY_CODE.keys()
    for specialty in SPECIALTIES:
        assert set(specialty.parents) <= BY_CODE.keys() - {specialty.code}, specialty.name
    assert len(SPECIALTIES) == len(BY_CODE) > 150


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("FM", "family_medicine"),
        ("Peds", "pediatrics"),
        ("EM", "emergency_medicine"),
        ("Heme/Onc", "hematology_and_medical_oncology"),
        ("Hematology & Oncology", "hematology_and_medical_oncology"),
        ("ENT", "otolaryngology_head_and_neck_surgery"),
        ("peds heme/onc", "pediatric_hematology_oncology"),
        ("Stroke", "vascular_neurology"),
        ("Mohs", "micrographic_dermatologic_surgery"),
        ("FPMRS", "urogynecology_and_reconstructive_pelvic_surgery"),
        ("trauma surgery", "surgical_critical_care"),
        ("C-L Psychiatry", "consultation_liaison_psychiatry"),
        ("Med-Peds", "internal_medicine_pediatrics"),
        ("PICU", "pediatric_critical_care_medicine"),
        ("ACHD", "adult_congenital_heart_disease"),
    ],
)
def test_usual_abbreviations(text, code):
    found = specialties.resolve(text)
    assert found
    assert found.code == code


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("PM", {"Pain Medicine", "Hospice and Palliative Medicine", "Preventive Medicine"}),
        ("ho", {"Hematology and Medical Oncology", "Pediatric Hematology-Oncology"}),
        ("Primary care", {"Family Medicine", "Internal Medicine", "Pediatrics"}),
        ("Women's Health", {"Obstetrics and Gynecology"}),
    ],
)
def test_a_short_form_that_means_several_is_refused_and_each_is_named(text, names):
    assert specialties.resolve(text) is None
    assert names <= set(specialties.suggestions(text))
    (problem,) = read_one(specialty=text).problems
    assert (problem.column, problem.code) == ("specialty", "ambiguous_specialty")
    assert all(name in problem.expected for name in names)


def test_every_short_form_is_ambiguous_and_every_name_is_not():
    forms = specialties._by_short_form()
    assert all(len(set(meanings)) > 1 for meanings in forms.values())
    assert all(specialties.candidates(specialty.name) == () for specialty in SPECIALTIES)
