"""A trainee's documents: versions, decisions, releases to sites, and the ways in and out.

`document_version` and `document_decision` are append-only by trigger: a document is never edited,
a newer version takes its place. The key that opens a content is in a table of its own, which no
list brings along; deleting a document deletes that row and keeps all others.
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.compliance.rules.kinds import KINDS
from marketplace.compliance.states import UploadState
from marketplace.core.db import Base, UsedOnce, pk

KNOWN = ", ".join(f"'{kind}'" for kind in KINDS)
UPLOAD_STATES = ", ".join(f"'{state.value}'" for state in UploadState)


class Document(Base):
    """One document of one person, through all of its versions; `version` is the newest.

    `expires_on` is the newest version's: as confirmed, else as given. `waiting_since` is set while
    nobody has decided on the newest version.
    """

    __tablename__ = "document"
    __table_args__ = (
        CheckConstraint(f"kind IN ({KNOWN})", name="kind"),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("deleted_at IS NULL OR waiting_since IS NULL", name="deleted"),
        Index("ix_document_holder_id", "holder_id", "id"),
        Index(
            "ix_document_waiting_since",
            "waiting_since",
            "id",
            postgresql_where=text("waiting_since IS NOT NULL"),
        ),
        Index(
            "ix_document_expires_on",
            "expires_on",
            "id",
            postgresql_where=text("expires_on IS NOT NULL AND deleted_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    holder_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    kind: Mapped[str]
    version: Mapped[int]
    expires_on: Mapped[date | None]
    waiting_since: Mapped[datetime | None]
    made_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class DocumentVersion(Base):
    """What was uploaded, and what its holder says of it (`facts`: dates, doses, scores)."""

    __tablename__ = "document_version"
    __table_args__ = (
        UniqueConstraint("document_id", "number"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("size > 0", name="size"),
    )

    id: Mapped[uuid.UUID] = pk()
    document_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("document.id"))
    number: Mapped[int]
    filename: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    uploaded_at: Mapped[datetime]


class DocumentContent(Base):
    """Where a version's sealed content is, and its key, itself sealed; gone once it is deleted."""

    __tablename__ = "document_content"
    __table_args__ = (UniqueConstraint("object_key"),)

    version_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("document_version.id"), primary_key=True
    )
    object_key: Mapped[str]
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)


class FileScan(Base):
    """What the virus scanner said of a file: once, for good. No row: it has not looked yet.

    `subject_id` is the version of a document, or what another package keeps files by.
    """

    __tablename__ = "file_scan"

    subject_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    virus: Mapped[str | None]
    engine: Mapped[str]
    scanned_at: Mapped[datetime]


class DocumentDecision(Base):
    """A version accepted or rejected: by a site for itself, or by an operator for all.

    `number` counts a reviewer's decisions on a version: the first, and corrections of it. Of two
    who decide at once the index lets one in.
    """

    __tablename__ = "document_decision"
    __table_args__ = (
        CheckConstraint("decision IN ('accepted', 'rejected')", name="decision"),
        CheckConstraint("decision = 'accepted' OR reason <> ''", name="reason"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("decided_by IS NOT NULL OR decision = 'rejected'", name="decided_by"),
        Index(
            "uq_document_decision_version_id_site_id_number",
            "version_id",
            "site_id",
            "number",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_document_decision_site_id", "site_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("document_version.id"))
    site_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("site.id"))
    number: Mapped[int]
    decision: Mapped[str]
    reason: Mapped[str]
    # As the reviewer read them from the document.
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    # None: the virus scanner, which only ever rejects.
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[datetime]


class DocumentRelease(Base):
    """A site may read a document, until a time or until it is taken back.

    `reference` is what it was released for; compliance does not know what that is.
    """

    __tablename__ = "document_release"
    __table_args__ = (
        Index(
            "uq_document_release_document_id_reference",
            "document_id",
            "reference",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
        Index(
            "ix_document_release_site_id",
            "site_id",
            "document_id",
            postgresql_where=text("revoked_at IS NULL"),
        ),
        Index("ix_document_release_reference", "reference"),
    )

    id: Mapped[uuid.UUID] = pk()
    document_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("document.id"))
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    reference: Mapped[uuid.UUID]
    released_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    released_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class DocumentUpload(Base):
    """An address that takes one file, once, for a short time; `fault` is why it was refused."""

    __tablename__ = "document_upload"
    __table_args__ = (
        CheckConstraint(f"state IN ({UPLOAD_STATES})", name="state"),
        CheckConstraint(f"kind IN ({KNOWN})", name="kind"),
        CheckConstraint("(state = 'taken') = (version_id IS NOT NULL)", name="taken"),
        CheckConstraint("(state = 'refused') = (fault IS NOT NULL)", name="refused"),
        Index("ix_document_upload_document_id", "document_id"),
        Index("ix_document_upload_version_id", "version_id"),
        Index(
            "ix_document_upload_under_way",
            "holder_id",
            postgresql_where=text("state IN ('waiting', 'received')"),
        ),
        Index(
            "ix_document_upload_expires_at",
            "expires_at",
            "id",
            postgresql_where=text("tidied_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    holder_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    # The document that gets a new version; none for a new document.
    document_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("document.id"))
    kind: Mapped[str]
    filename: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    fault: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    version_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("document_version.id"))
    tidied_at: Mapped[datetime | None]


class DocumentLink(UsedOnce):
    """A way to read one version once, soon, as whoever asked for it."""

    __tablename__ = "document_link"
    __table_args__ = (
        CheckConstraint("role IN ('holder', 'site', 'operator')", name="role"),
        CheckConstraint("(role = 'site') = (site_id IS NOT NULL)", name="site"),
        Index("ix_document_link_version_id", "version_id"),
        Index("ix_document_link_site_id", "site_id"),
    )

    version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("document_version.id"))
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    role: Mapped[str]
    site_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("site.id"))
    reason: Mapped[str]


class DocumentReminder(Base):
    """That a holder was told of a version's expiry: once, however often the job runs."""

    __tablename__ = "document_reminder"

    document_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("document.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    expires_on: Mapped[date] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime]
