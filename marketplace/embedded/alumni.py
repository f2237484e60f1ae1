"""The demo's past: who did a rotation, how they answered the survey, two more sites. Plain data.

And what is asked for there, and the text of an agreement.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

SHEET_HEAD = (
    "external_id,site_name,address,city,state,country,timezone,preceptor,npi,specialty,title,setting,"
    "duties,audience,weeks_min,weeks_max,price_per_week,currency,seats_per_week,first_start,"
    "last_start,blackout_weeks,visa_types,step1_required,step2_min,letter_policy,"
    "cancellation_policy,approval,notes\n"
)
# Where the past rotations took place; the days are filled in.
PAST_SITE = (
    "BOS-FM-01,{name},18 Harbor Street,Boston,MA,US,America/New_York,"
    "Dr. Ruth Adeyemi,{npi},Family Medicine,Family Medicine Externship,outpatient,"
    "history_taking;physical_examination;case_presentation,graduates,4,8,300.00,USD,2,"
    "{first},{last},,B1/B2,no,,on_merit,tiered_days,instant,A community clinic near the harbour\n"
)
# A second listing there, on whose trainees its host decides; the days are filled in.
ASKED_SITE = (
    "BOS-FM-02,{name},18 Harbor Street,Boston,MA,US,America/New_York,"
    "Dr. Ruth Adeyemi,{npi},Family Medicine,Community Medicine Externship,outpatient,"
    "history_taking;physical_examination;patient_counselling,graduates,4,8,340.00,USD,2,"
    "{first},{last},,B1/B2,no,,on_merit,tiered_days,request,Evening clinics twice a week\n"
)
# What the site of the past rotations asks whoever books from now on for, of what is usual.
ASKED_FOR = ("cv", "tb_test", "bls")
AGREEMENT = "Affiliation agreement"
AGREED = """\
Between {{school_name}} (the school) and {{site_name}} (the site), from {{starts_on}} to {{ends_on}}.

1. The site takes trainees of the school for rotations that are booked one by one.
2. The school says of each that they are enrolled and in good standing.
3. The site supervises them, and evaluates them at the end.
4. Liability: {{liability}}
5. Either side may end this agreement; rotations that have begun are completed.
"""
LEFT_OPEN = ({"key": "liability", "label": "Who is liable for what"},)
# Whose document is loaded last.
LAST = "graduate@demo.test"
# A site that its host has shown evidence for, and nobody has looked at yet.
NEW_SITE = (
    "PHX-PED-01,{name},2200 East Camelback Road,Phoenix,AZ,US,America/Phoenix,"
    "Dr. Daniel Ortega,{npi},Pediatrics,Pediatrics Observership,outpatient,"
    "shadowing;rounds_attendance,both,1,4,180.00,USD,2,"
    "{first},{last},,B1/B2,no,,never,tiered_days,instant,\n"
)


@dataclass(frozen=True)
class Place:
    """A site, its preceptor's number and the row of its listing; the days are filled in."""

    name: str
    npi: str
    row: str

    def sheet(self, first: date, last: date) -> str:
        """The spreadsheet that its host sends."""
        row = self.row.format(name=self.name, npi=self.npi, first=first, last=last)
        return SHEET_HEAD + row


PAST = Place("Harbor Street Family Clinic", "2000413379", PAST_SITE)
ASKED = Place(PAST.name, PAST.npi, ASKED_SITE)
NEW = Place("Desert Willow Pediatrics", "2000524480", NEW_SITE)

MATCHED: Mapping[str, object] = {
    "consent_reporting": True,
    "registered": True,
    "certified_rol": True,
    "main_result": "matched_pgy1",
    "soap_result": "not_applicable",
    "outside_match": False,
    "interviews": 6,
    "lor_earned": True,
    "consent_research": True,
    "consent_named": False,
}
PLACED = {**MATCHED, "main_result": "unmatched", "soap_result": "placed_pgy1", "interviews": 3}
UNMATCHED = {**PLACED, "soap_result": "not_placed", "lor_earned": False}
# The items on the Match answered, the others not.
HALF = {
    name: MATCHED[name]
    for name in ("consent_reporting", "registered", "certified_rol", "main_result")
}
REFUSAL = {"consent_reporting": False}


@dataclass(frozen=True)
class Alumnus:
    """Somebody who did the past rotation: what they then did, as they said, and answered to a wave."""

    name: str
    school: str
    country: str
    citizenship: str
    wave: int | None = None
    answers: Mapping[str, object] | None = None
    duties: tuple[str, ...] = ()
    score: int = 240

    @property
    def email(self) -> str:
        return f"{self.name.split(' ')[0].lower()}@demo.test"


WATCHED = ("shadowing", "rounds_attendance")
WORKED = ("history_taking", "physical_examination", "case_presentation")
ALUMNI = (
    Alumnus("Priya Nair", "Grant Medical College", "IN", "permanent_resident", 1, MATCHED, WATCHED),
    Alumnus("Omar Haddad", "Cairo University", "EG", "permanent_resident", 1, MATCHED, WORKED),
    Alumnus("Grace Lee", "St. George's University", "GD", "us_citizen", 1, UNMATCHED, WATCHED),
    Alumnus("Yusuf Bello", "University of Lagos", "NG", "permanent_resident", 1, REFUSAL),
    Alumnus("Elena Petrova", "Sofia Medical University", "BG", "us_citizen", 2, PLACED, WATCHED),
    Alumnus("Diego Ramos", "Universidad de Buenos Aires", "AR", "permanent_resident", 2, HALF),
    Alumnus("Mei Tanaka", "Osaka University", "JP", "permanent_resident"),
    Alumnus("Adam Novak", "Charles University", "CZ", "us_citizen"),
)

# Who is at that site in the week in which the demo is loaded, and who would like to be.
HERE = Alumnus("Nadia Rahman", "Dhaka Medical College", "BD", "permanent_resident")
ENDING = Alumnus("Kwame Mensah", "University of Ghana", "GH", "permanent_resident")
COMING = Alumnus("Leila Farouk", "Ain Shams University", "EG", "us_citizen")
APPLYING = (
    Alumnus("Ines Duarte", "University of Lisbon", "PT", "us_citizen", score=251),
    Alumnus("Samir Aziz", "Aga Khan University", "PK", "permanent_resident", score=236),
)
APPLIED = (
    "I would like to learn how a community clinic cares for newcomers.",
    "I grew up in a family of general practitioners, and want to see yours at work.",
)
QUESTION = "May I sit in on the diabetes group on Thursday?"
WISH = "Dr. Adeyemi watched me take histories each day. I apply in family medicine."
