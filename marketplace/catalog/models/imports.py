"""Runs of the import of hosts' sheets: what was sent, how far it is, what came of it."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.catalog.states import ImportMode, ImportPhase, ImportState, SheetKind
from marketplace.core.db import Base, pk


class ImportRun(Base):
    """A host's sheet that was read in: when, by whom, which file, and what came of it.

    `position` rows of it are settled for good: what was begun goes on there after any stop.
    `rows_done` of `rows_total` tells how far the present phase is. `counts` are by action, of the
    plan until something is written, then of what was written. `former` is what sites and
    preceptors were before rows changed them, or which versions calendars had. Of one owner one run
    at most is committing.
    """

    __tablename__ = "import_run"
    __table_args__ = (
        CheckConstraint(
            f"state IN ({', '.join(repr(state.value) for state in ImportState)})", name="state"
        ),
        CheckConstraint(
            f"mode IN ({', '.join(repr(mode.value) for mode in ImportMode)})", name="mode"
        ),
        CheckConstraint(
            f"sheet IN ({', '.join(repr(kind.value) for kind in SheetKind)})", name="sheet"
        ),
        CheckConstraint("position >= 0 AND rows_done >= 0", name="progress"),
        Index("ix_import_run_owner_account_id", "owner_account_id", "recorded_at"),
        Index("ix_import_run_account_id", "account_id"),
        Index("ix_import_run_site_id", "site_id"),
        Index(
            "uq_import_run_owner_account_id",
            "owner_account_id",
            unique=True,
            postgresql_where=text("state = 'committing'"),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    owner_account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    site_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("site.id"))
    recorded_at: Mapped[datetime]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int] = mapped_column(BigInteger)
    counts: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(server_default=ImportState.DONE, default=ImportState.DONE)
    mode: Mapped[str] = mapped_column(server_default=ImportMode.ROWS, default=ImportMode.ROWS)
    sheet: Mapped[str] = mapped_column(
        server_default=SheetKind.LISTINGS, default=SheetKind.LISTINGS
    )
    commit_wanted: Mapped[bool] = mapped_column(server_default=text("true"), default=True)
    file_name: Mapped[str] = mapped_column(server_default="", default="")
    file_key: Mapped[str | None]
    rows_total: Mapped[int | None]
    rows_done: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    position: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    former: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    failure: Mapped[dict[str, Any] | None]
    remarks: Mapped[list[Any]] = mapped_column(server_default="[]", default=list)
    files: Mapped[list[Any]] = mapped_column(server_default="[]", default=list)
    finished_at: Mapped[datetime | None]

    @property
    def phase(self) -> ImportPhase | None:
        """What its job is doing, if any is: the plan's files follow when all rows are looked at."""
        if self.state == ImportState.COMMITTING:
            return ImportPhase.WRITING_ROWS
        if self.state != ImportState.PLANNING:
            return None
        if self.rows_total is None:
            return ImportPhase.READING
        every = self.rows_done >= self.rows_total
        return ImportPhase.WRITING_FILES if every else ImportPhase.LOOKING
