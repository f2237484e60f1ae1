"""The letter rates of listings, as they were published."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Integer, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base


class LetterRate(Base):
    """A published figure; append-only. `number` counts those of a listing.

    The checks refuse small counts, and trigger `hold_letter_rate` those that subtraction from an
    earlier figure would give.
    """

    __tablename__ = "letter_rate"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("k >= 2", name="k"),
        CheckConstraint("completed >= k", name="completed"),
        CheckConstraint("with_letter = 0 OR with_letter >= k", name="with_letter"),
        CheckConstraint(
            "completed = with_letter OR completed - with_letter >= k", name="without_letter"
        ),
    )

    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    as_of: Mapped[datetime]
    completed: Mapped[int] = mapped_column(Integer)
    with_letter: Mapped[int] = mapped_column(Integer)
    k: Mapped[int] = mapped_column(SmallInteger)
