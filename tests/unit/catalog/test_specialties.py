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
# Whose programs the ACGME accredits, by the names in its public list of programs.
ACCREDITED = """
Allergy and immunology; Anesthesiology; Adult cardiothoracic anesthesiology;
Critical care medicine (Anesthesiology); Obstetric anesthesiology; Pain medicine (multidisciplinary);
Pediatric anesthesiology; Pediatric cardiac anesthesiology;
Regional anesthesiology and acute pain medicine; Colon and rectal surgery; Dermatology;
Dermatopathology (multidisciplinary); Micrographic surgery and dermatologic oncology;
Pediatric dermatology; Emergency medicine; Emergency medical services;
Medical toxicology (Emergency medicine); Pediatric emergency medicine (Emergency medicine);
Sports medicine (Emergency medicine); Undersea and hyperbaric medicine (Emergency medicine);
Family medicine; Geriatric medicine (Family medicine);
Hospice and palliative medicine (multidisciplinary); Sports medicine (Family medicine);
Internal medicine; Adult congenital heart disease;
Advanced heart failure and transplant cardiology; Cardiovascular disease;
Clinical cardiac electrophysiology; Critical care medicine (Internal medicine);
Endocrinology, diabetes, and metabolism; Gastroenterology; Geriatric medicine (Internal medicine);
Hematology; Hematology and medical oncology; Infectious disease; Interventional cardiology;
Interventional pulmonology; Medical oncology; Nephrology; Transplant nephrology; Pulmonary disease;
Pulmonary disease and critical care medicine; Rheumatology; Sleep medicine (multidisciplinary);
Transplant hepatology; Medical genetics and genomics; Medical biochemical genetics;
Clinical biochemical genetics; Laboratory genetics and genomics;
Molecular genetic pathology (multidisciplinary); Neurological surgery;
Neuroendovascular intervention (Neurological surgery); Neuroendovascular intervention (Neurology);
Neuroendovascular intervention (Radiology); Neurology; Clinical neurophysiology; Epilepsy;
Brain injury medicine (Neurology); Neurocritical care (multidisciplinary);
Neurodevelopmental disabilities; Neuromuscular medicine (Neurology); Vascular neurology;
Child neurology; Nuclear medicine; Obstetrics and gynecology;
Urogynecology and Reconstructive Pelvic Surgery (OBGYN); Gynecologic oncology;
Maternal-fetal medicine; Reproductive endocrinology and infertility; Complex family planning;
Ophthalmology; Ophthalmic plastic and reconstructive surgery; Orthopaedic surgery;
Adult reconstructive orthopaedics; Foot and ankle orthopaedics; Hand surgery (Orthopaedic surgery);
Musculoskeletal oncology; Orthopaedic sports medicine; Orthopaedic surgery of the spine;
Orthopaedic trauma; Pediatric orthopaedics; Osteopathic neuromusculoskeletal medicine;
Otolaryngology - Head and Neck Surgery; Neurotology; Pediatric otolaryngology;
Pathology-anatomic and clinical; Blood banking/transfusion medicine; Chemical pathology;
Clinical informatics (Pathology); Cytopathology; Forensic pathology; Hematopathology;
Medical microbiology; Neuropathology; Pediatric pathology; Selective pathology; Pediatrics;
Adolescent medicine; Child abuse pediatrics; Developmental-behavioral pediatrics;
Neonatal-perinatal medicine; Pediatric cardiology; Pediatric critical care medicine;
Pediatric emergency medicine (Pediatrics); Pediatric endocrinology; Pediatric gastroenterology;
Pediatric hematology/oncology; Pediatric infectious diseases; Pediatric nephrology;
Pediatric pulmonology; Pediatric rheumatology; Sports medicine (Pediatrics);
Pediatric transplant hepatology; Pediatric hospital medicine; Physical medicine and rehabilitation;
Brain injury medicine (Physical medicine and rehabilitation); Spinal cord injury medicine;
Pediatric rehabilitation medicine; Sports medicine (Physical medicine and rehabilitation);
Neuromuscular medicine (Physical medicine and rehabilitation); Plastic surgery;
Craniofacial surgery; Hand surgery (Plastic surgery); Plastic Surgery - Integrated;
Public health and general preventive medicine;
Undersea and hyperbaric medicine (Preventive medicine); Medical toxicology (Preventive medicine);
Aerospace medicine; Occupational and environmental medicine; Psychiatry;
Addiction medicine (multidisciplinary); Addiction psychiatry; Child and adolescent psychiatry;
Forensic psychiatry; Geriatric psychiatry; Consultation-liaison psychiatry; Radiation oncology;
Radiology-diagnostic; Abdominal radiology; Musculoskeletal radiology; Neuroradiology;
Nuclear radiology; Pediatric radiology; Vascular and interventional radiology;
Interventional radiology - independent; Interventional radiology - integrated; Surgery;
Complex general surgical oncology; Hand surgery (Surgery); Pediatric surgery;
Surgical critical care; Vascular surgery - independent; Vascular surgery - integrated;
Thoracic surgery - independent; Thoracic surgery - integrated; Congenital cardiac surgery; Urology;
Urogynecology and Reconstructive Pelvic Surgery (Urology); Pediatric urology; Transitional year
"""
# In which a board of the ABMS certifies beyond the primary certificates, as it spells them.
CERTIFIED = """
Adult Cardiac Anesthesiology; Pain Medicine; Hospice and Palliative Medicine; Sleep Medicine;
Micrographic Dermatologic Surgery; Anesthesiology Critical Care Medicine;
Health Care Administration, Leadership, and Management; Neurocritical Care; Sports Medicine;
Pediatric Hospital Medicine; Blood Banking/Transfusion Medicine; Clinical Informatics;
Pathology - Chemical; Pathology - Forensic; Pathology - Hematology; Pathology - Pediatric;
Pathology - Medical Microbiology; Pathology - Molecular Genetic; Neuropathology;
Complex Pediatric Otolaryngology; Plastic Surgery Within the Head and Neck; Surgery of the Hand;
Female Pelvic Medicine and Reconstructive Surgery; Public Health and General Preventive Medicine;
Diagnostic Medical Physics; Nuclear Medical Physics; Therapeutic Medical Physics;
Interventional Radiology and Diagnostic Radiology; Thoracic and Cardiac Surgery
"""


@pytest.mark.parametrize("names", [ACCREDITED, CERTIFIED])
def test_every_name_of_the_public_lists_is_known(names):
    named = [" ".join(name.split()) for name in names.split(";")]
    assert [name for name in named if specialties.resolve(name) is None] == []


def test_what_it_belongs_to_may_stand_behind_a_name_and_nothing_else():
    assert specialties.resolve("Sports Medicine (Pediatrics)").code == "sports_medicine"
    assert specialties.resolve("Sports medicine (Peds)").code == "sports_medicine"
    assert specialties.resolve("Sports Medicine (Urology)") is None
    assert specialties.resolve("Sports Medicine (weekends)") is None


def test_no_two_specialties_share_a_code_a_name_or_a_spelling():
    known = {}
    for specialty in SPECIALTIES:
        forms = {specialties.fold(one) for one in (specialty.name, specialty.code)}
        forms |= {specialties.fold(one) for one in specialty.spellings}
        assert not {known.setdefault(form, specialty.name) for form in forms} - {specialty.name}
        assert all(specialties.resolve(form) is specialty for form in forms)


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
