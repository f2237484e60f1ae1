"""The controlled list of specialties: ABMS and ACGME names, with the usual abbreviations.

Codes are the names in lower case with underscores, as the Match benchmarks use them. A spelling
resolves to at most one code; one that could mean two (`PM`, `HO`) resolves to none.
Sources: ABMS "Specialty and Subspecialty Certificates"; ACGME list of accredited specialties.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache


@dataclass(frozen=True)
class Specialty:
    """`code` is API, `name` is for people, `spellings` are what hosts write for it."""

    code: str
    name: str
    spellings: tuple[str, ...]


# name | other spellings, separated by semicolons
_LIST = """
Addiction Medicine | addiction
Adolescent Medicine | adolescent
Allergy and Immunology | allergy; immunology; a&i; allergist; allergy/immunology
Anesthesiology | anesthesia; anaesthesiology; anaesthesia; anaesthetics; anes
Cardiovascular Disease | cardiology; cards; cardio; cardiovascular; cardiovascular medicine
Child and Adolescent Psychiatry | child psychiatry; cap
Child Neurology | pediatric neurology; paediatric neurology
Clinical Cardiac Electrophysiology | electrophysiology; ep
Colon and Rectal Surgery | colorectal surgery; proctology
Critical Care Medicine | critical care; icu; ccm; intensive care; intensive care medicine
Dermatology | derm
Diagnostic Radiology | radiology; rads; radiology-diagnostic; imaging
Emergency Medicine | em; er; ed; emergency; emergency room; accident and emergency; a&e
Endocrinology, Diabetes and Metabolism | endocrinology; endo; endocrine; diabetes; \
endocrinology diabetes & metabolism
Family Medicine | fm; family med; family practice; fp; family physician; general practice; gp
Gastroenterology | gi; gastro; digestive diseases
General Surgery | surgery; gs; gen surg; surgery-general; surgery general; gen surgery
Geriatric Medicine | geriatrics; elderly care; geriatric
Gynecologic Oncology | gyn onc; gynaecologic oncology; gynaecological oncology
Hematology | haematology; heme
Hematology and Medical Oncology | hematology/oncology; hematology oncology; heme/onc; heme onc; \
hem/onc; haematology/oncology; hematology-oncology
Hospice and Palliative Medicine | palliative care; hospice; palliative medicine; hpm
Hospital Medicine | hospitalist
Infectious Disease | id; infectious diseases; infectious disease medicine
Internal Medicine | im; int med; internal med; int. med.; internist; general internal medicine; \
medicine-internal
Internal Medicine-Pediatrics | med-peds; med/peds; medpeds; internal medicine/pediatrics; \
medicine-pediatrics; medicine/pediatrics
Interventional Cardiology | ic; interventional cardio
Interventional Radiology | ir; vascular and interventional radiology
Maternal-Fetal Medicine | mfm; maternal fetal medicine; perinatology
Medical Genetics and Genomics | genetics; medical genetics; clinical genetics
Medical Oncology | oncology; med onc; onc
Neonatal-Perinatal Medicine | neonatology; nicu; neonatal medicine; neonatal perinatal medicine
Nephrology | neph; renal; renal medicine
Neurological Surgery | neurosurgery; nsgy; nsurg; neuro surgery
Neurology | neuro; adult neurology
Neuroradiology | neuro radiology
Nuclear Medicine | nm; nuc med
Obstetrics and Gynecology | ob/gyn; obgyn; ob-gyn; ob gyn; o&g; obstetrics & gynaecology; \
obstetrics and gynaecology; obstetrics/gynecology; obstetrics-gynecology; gynecology; \
gynaecology; obstetrics; ob & gyn; ob and gyn
Occupational and Environmental Medicine | occupational medicine; occ med
Ophthalmology | ophtho; ophthal; ophth
Orthopaedic Surgery | ortho; orthopedics; orthopaedics; orthopedic surgery; orthopedic
Otolaryngology - Head and Neck Surgery | otolaryngology; ent; ear nose and throat; \
ear, nose and throat; oto; otorhinolaryngology
Pain Medicine | pain; pain management
Pathology | path; pathology-anatomic and clinical; anatomic and clinical pathology; ap/cp; \
anatomic pathology; clinical pathology; anatomical pathology
Pediatric Cardiology | peds cardiology; paediatric cardiology
Pediatric Critical Care Medicine | picu; pediatric critical care
Pediatric Emergency Medicine | peds em; pediatric em; paediatric emergency medicine
Pediatric Surgery | peds surgery; paediatric surgery
Pediatrics | peds; paediatrics; pediatric; paediatric; pediatric medicine; paeds; general pediatrics
Physical Medicine and Rehabilitation | pm&r; pmr; physiatry; rehabilitation; rehab; \
physical medicine & rehabilitation; rehabilitation medicine
Plastic Surgery | plastics; plastic and reconstructive surgery; plastic surgery-integrated
Preventive Medicine | public health; preventive medicine and public health
Psychiatry | psych; psy; adult psychiatry
Pulmonary Disease | pulmonology; pulm; pulmonary; pulmonary medicine; respiratory medicine
Pulmonary Disease and Critical Care Medicine | pulmonary/critical care; pulm/crit; pccm; \
pulmonary and critical care; pulmonary & critical care medicine; pulm crit
Radiation Oncology | rad onc; radonc; radiotherapy
Reproductive Endocrinology and Infertility | rei; fertility; infertility
Rheumatology | rheum; rheuma
Sleep Medicine | sleep
Sports Medicine | sports; sport medicine
Surgical Critical Care | sicu; trauma critical care
Surgical Oncology | surg onc; complex general surgical oncology
Thoracic Surgery | cardiothoracic surgery; ct surgery; cts; heart surgery; \
thoracic and cardiac surgery
Transplant Hepatology | hepatology
Urology | uro; gu; urologic surgery
Vascular Surgery | vascular; vascular surgery-integrated
"""


@lru_cache(maxsize=1024)
def fold(text: str) -> str:
    """The form in which spellings are compared: lower case, plain letters, single spaces."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.sub(r"\s*&\s*", " and ", plain.casefold())
    return " ".join(re.sub(r"[^a-z0-9]+", " ", words).split())


def code_of(name: str) -> str:
    return fold(name).replace(" ", "_")


def _read(listing: str) -> tuple[Specialty, ...]:
    specialties = []
    for line in listing.strip().splitlines():
        name, _, others = line.partition("|")
        spellings = tuple(other.strip() for other in others.split(";") if other.strip())
        specialties.append(Specialty(code_of(name.strip()), name.strip(), spellings))
    return tuple(specialties)


def _index(specialties: tuple[Specialty, ...]) -> dict[str, Specialty]:
    index: dict[str, Specialty] = {}
    for specialty in specialties:
        for spelling in (specialty.name, specialty.code, *specialty.spellings):
            known = index.setdefault(fold(spelling), specialty)
            if known is not specialty:
                raise ValueError(f"{spelling!r} means both {known.name} and {specialty.name}")
    return index


SPECIALTIES: tuple[Specialty, ...] = _read(_LIST)
BY_CODE: Mapping[str, Specialty] = {specialty.code: specialty for specialty in SPECIALTIES}
_BY_SPELLING: Mapping[str, Specialty] = _index(SPECIALTIES)


def resolve(text: str) -> Specialty | None:
    """The specialty that `text` names in any usual spelling, or none."""
    return _BY_SPELLING.get(fold(text))


def suggestions(text: str, count: int = 3) -> list[str]:
    """Names close to a `text` that resolves to nothing, best first; perhaps none."""
    close = get_close_matches(fold(text), _BY_SPELLING, n=count * 2, cutoff=0.7)
    return list(dict.fromkeys(_BY_SPELLING[spelling].name for spelling in close))[:count]
