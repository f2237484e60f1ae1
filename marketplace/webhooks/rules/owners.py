"""Whose endpoint, message or delivery it is: a site's or a school's."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Side(StrEnum):
    SITE = "site"
    SCHOOL = "school"


@dataclass(frozen=True)
class Owner:
    """A site or a school by its id."""

    side: Side
    id: UUID

    @property
    def site_id(self) -> UUID | None:
        return self.id if self.side is Side.SITE else None

    @property
    def school_id(self) -> UUID | None:
        return self.id if self.side is Side.SCHOOL else None
