"""The form by which a trainee is evaluated.

The six core competencies are those of the ACGME's Common Program Requirements (section IV.B). The
anchors are ours: they say what one, three and five points mean, so that two preceptors mean the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass

ANCHORED = (1, 3, 5)


@dataclass(frozen=True)
class Competency:
    """One row of the form; `anchors` are sentences for one, three and five points."""

    name: str
    title: str
    anchors: Mapping[int, str]


def _of(name: str, title: str, *anchors: str) -> Competency:
    return Competency(name, title, dict(zip(ANCHORED, anchors, strict=True)))


FORM = (
    _of(
        "patient_care",
        "Patient care",
        "Misses what matters in history and examination; needs direction throughout.",
        "Takes a full history and examination and drafts a plan that needs some correction.",
        "Assesses and plans as an intern on service does, and knows when to call.",
    ),
    _of(
        "medical_knowledge",
        "Medical knowledge",
        "Knows little of the common problems seen here.",
        "Explains the common problems seen here, and reads up on the others.",
        "Reasons from mechanism to differential, for uncommon problems too.",
    ),
    _of(
        "practice_based_learning",
        "Practice-based learning and improvement",
        "Repeats an error after it was pointed out.",
        "Takes feedback and acts on it within days.",
        "Asks for feedback, finds evidence, and changes practice by it unasked.",
    ),
    _of(
        "communication",
        "Interpersonal and communication skills",
        "Patients or staff often do not understand, or are not listened to.",
        "Is understood by patients and staff; presents in order.",
        "Explains hard news plainly; presents briefly and completely.",
    ),
    _of(
        "professionalism",
        "Professionalism",
        "Is late, absent without word, or careless with privacy.",
        "Is punctual, honest about limits, and careful with privacy.",
        "Takes responsibility for patients, and is relied upon by the team.",
    ),
    _of(
        "systems_based_practice",
        "Systems-based practice",
        "Does not know who does what on the team.",
        "Works with nurses, pharmacists and records as the service expects.",
        "Sees what keeps a patient from care, and sets what is needed in motion.",
    ),
)
COMPETENCIES = tuple(one.name for one in FORM)
