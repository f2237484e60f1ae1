"""The purposes that a consent is given for: one each, never bundled."""

from enum import StrEnum


class Purpose(StrEnum):
    """`named_testimonial` is the only one under which a name or program may be published."""

    REPORTING = "reporting"
    RESEARCH = "research"
    NAMED_TESTIMONIAL = "named_testimonial"
