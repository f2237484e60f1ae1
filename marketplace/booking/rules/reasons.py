"""Why hosts decline, as a controlled list: what trainees read and statistics count."""

from collections.abc import Mapping

OTHER = "other"
DECLINE: Mapping[str, str] = {
    "no_capacity": "The site can't take another trainee in these weeks.",
    "preceptor_unavailable": "The preceptor is not available in these weeks.",
    "experience": "The site looks for other or more clinical experience.",
    "scores": "The site asks for other exam results.",
    "documents": "The site can't clear the documents in time.",
    "visa": "The visa is not one that the site can host, or comes too late.",
    "specialty_fit": "The rotation does not fit the specialty that is aimed for.",
    "answers": "The answers to the site's questions did not convince it.",
    OTHER: "",
}


def in_words(code: str, words: str) -> str:
    """What the trainee reads: the host's own words, after those of the list where there are any."""
    return " ".join(part for part in (DECLINE[code], words) if part)
