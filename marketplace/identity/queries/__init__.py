"""All selects of identity, and the frozen facts that other packages may have."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    ColumnExpressionArgument,
    Subquery,
    Uuid,
    any_,
    bindparam,
    cast,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from marketplace.core.db import Session, known_for_now
from marketplace.identity.models import (
    Account,
    ApiKey,
    Membership,
    School,
    TraineeProfile,
    TraineeProfileRevision,
)
from marketplace.identity.queries.facts import (
    TraineeFacts,
    beside_facts,
    facts_beside,
    many_trainee_facts,
    trainee_facts,
)
from marketplace.identity.rules import Role
from marketplace.web.pagination import Page, paginate

__all__ = [
    "TraineeFacts",
    "beside_facts",
    "facts_beside",
    "many_trainee_facts",
    "trainee_facts",
]

# Reminders are sent from the beginning of the first to the end of the last of these hours.
CIVIL_HOURS = (8, 19)
# More accounts than these are not put in order to find the first of them.
MANY_CALLED_SO = 2000


@dataclass(frozen=True)
class Contact:
    """Where and how an account is written to."""

    account_id: uuid.UUID
    email: str
    name: str
    locale: str
    time_zone: str


def account(session: Session, account_id: uuid.UUID) -> Account | None:
    # Who calls has been read with the request's first statement.
    own = known_for_now(session).get((Account, account_id))
    found: Account | None = own() if own else session.get(Account, account_id)
    return found


def account_by_email(session: Session, email: str) -> Account | None:
    """Find by address; `email` is normalised already, in lower case."""
    return session.execute(select(Account).where(Account.email == email)).scalar_one_or_none()


def account_by_uniquifier(session: Session, uniquifier: str) -> Account | None:
    return session.execute(
        select(Account).where(Account.fs_uniquifier == uniquifier)
    ).scalar_one_or_none()


def contact(session: Session, account_id: uuid.UUID) -> Contact | None:
    """Return where to write to an account; None if there is none."""
    found = account(session, account_id)
    return None if found is None else _contact(found)


def contacts(session: Session, account_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Contact]:
    """Return the contacts of several accounts in one query."""
    rows = session.execute(select(Account).where(Account.id.in_(account_ids))).scalars()
    return {row.id: _contact(row) for row in rows}


def names() -> Subquery:
    """All accounts, `id`, `name` and `email`, to be joined to by another package's query."""
    return select(Account.id, Account.name, Account.email).subquery("person")


def in_civil_hours(
    account_id: ColumnExpressionArgument[uuid.UUID], now: datetime
) -> ColumnElement[bool]:
    """The condition that it is between 8 and 20 o'clock where the account is: no time to be woken."""
    return (
        select(Account.id)
        .where(Account.id == account_id, civil(Account.time_zone, now))
        .correlate_except(Account)
        .exists()
    )


def civil(time_zone: ColumnExpressionArgument[str], now: datetime) -> ColumnElement[bool]:
    """The condition that it is between 8 and 20 o'clock in `time_zone`."""
    return func.extract("hour", func.timezone(time_zone, now)).between(*CIVIL_HOURS)


def roles_at(
    session: Session, account_id: uuid.UUID, site_id: uuid.UUID | None
) -> frozenset[str] | None:
    """The roles that an account has at a site now, none for no site; None if it is not active."""
    rows = session.execute(
        select(Membership.role)
        .select_from(Account)
        .join(
            Membership,
            (Membership.account_id == Account.id)
            & (Membership.site_id == site_id)
            & Membership.revoked_at.is_(None),
            isouter=True,
        )
        .where(Account.id == account_id, Account.active)
    ).scalars()
    found = list(rows)
    return frozenset(role for role in found if role) if found else None


def site_contacts(session: Session, site_id: uuid.UUID, *roles: Role | str) -> list[Contact]:
    """Return who of the site to write to, by live membership; all its roles if none is named."""
    query = (
        select(Account)
        .join(Membership, Membership.account_id == Account.id)
        .where(Membership.site_id == site_id, Membership.revoked_at.is_(None), Account.active)
        .order_by(Account.id)
        .distinct()
    )
    if roles:
        query = query.where(Membership.role.in_([str(role) for role in roles]))
    return [_contact(row) for row in session.execute(query).scalars()]


def role_contacts(session: Session, role: Role | str) -> list[Contact]:
    """Return the contacts of all who have `role`, such as the operators."""
    query = (
        select(Account)
        .join(Membership, Membership.account_id == Account.id)
        .where(Membership.role == str(role), Membership.revoked_at.is_(None), Account.active)
        .order_by(Account.id)
        .distinct()
    )
    return [_contact(row) for row in session.execute(query).scalars()]


def live_memberships(session: Session, account_id: uuid.UUID) -> Sequence[Membership]:
    """Return what counts now, oldest first."""
    return (
        session.execute(
            select(Membership)
            .where(Membership.account_id == account_id, Membership.revoked_at.is_(None))
            .order_by(Membership.id)
        )
        .scalars()
        .all()
    )


def all_memberships(session: Session, account_id: uuid.UUID) -> Sequence[Membership]:
    """Return every grant there was, revoked ones too, oldest first."""
    return (
        session.execute(
            select(Membership).where(Membership.account_id == account_id).order_by(Membership.id)
        )
        .scalars()
        .all()
    )


def has_role(
    session: Session, account_id: uuid.UUID, *roles: Role | str, site_id: uuid.UUID | None = None
) -> bool:
    """Tell whether the account has one of `roles` now; at that site, where one is given."""
    query = select(Membership.id).where(
        Membership.account_id == account_id,
        Membership.revoked_at.is_(None),
        Membership.role.in_([str(role) for role in roles]),
    )
    if site_id is not None:
        query = query.where(Membership.site_id == site_id)
    return session.execute(query.limit(1)).first() is not None


def members_of_site(session: Session, site_id: uuid.UUID) -> Sequence[tuple[Membership, Account]]:
    """Return the live members of a site with their accounts."""
    rows = session.execute(
        select(Membership, Account)
        .join(Account, Account.id == Membership.account_id)
        .where(Membership.site_id == site_id, Membership.revoked_at.is_(None))
        .order_by(Membership.id)
    )
    return [(membership, person) for membership, person in rows]


def sites_of(session: Session, account_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the sites where the account is a member now."""
    rows = session.execute(
        select(Membership.site_id)
        .where(
            Membership.account_id == account_id,
            Membership.revoked_at.is_(None),
            Membership.site_id.is_not(None),
        )
        .distinct()
    ).scalars()
    return [site_id for site_id in rows if site_id is not None]


def school(session: Session, name: str, country: str) -> School | None:
    return session.execute(
        select(School).where(School.name == name, School.country == country)
    ).scalar_one_or_none()


def profile(
    session: Session, account_id: uuid.UUID, *, lock: bool = False
) -> TraineeProfile | None:
    """Return the profile; with `lock`, after whoever else is changing it has done so."""
    query = select(TraineeProfile).where(TraineeProfile.account_id == account_id)
    return session.execute(query.with_for_update() if lock else query).scalar_one_or_none()


def profile_history(
    session: Session, account_id: uuid.UUID, *, limit: int, cursor: str | None
) -> Page[TraineeProfileRevision]:
    """Return the saved versions, newest first."""
    return paginate(
        session,
        select(TraineeProfileRevision).where(TraineeProfileRevision.account_id == account_id),
        key=[TraineeProfileRevision.version],
        key_of=lambda row: [row.version],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def profile_as_of(
    session: Session, account_id: uuid.UUID, at: datetime
) -> TraineeProfileRevision | None:
    """Return the profile as it stood at `at`; None if there was none yet."""
    return session.execute(
        select(TraineeProfileRevision)
        .where(
            TraineeProfileRevision.account_id == account_id,
            TraineeProfileRevision.recorded_at <= at,
        )
        .order_by(TraineeProfileRevision.version.desc())
        .limit(1)
    ).scalar_one_or_none()


def api_keys(session: Session, account_id: uuid.UUID) -> Sequence[ApiKey]:
    """Return the account's keys, revoked ones too, oldest first."""
    return (
        session.execute(select(ApiKey).where(ApiKey.account_id == account_id).order_by(ApiKey.id))
        .scalars()
        .all()
    )


def accounts(
    session: Session, *, text: str | None, limit: int, cursor: str | None
) -> Page[Account]:
    """Return accounts by address; where `text` is given, those whom all of its words fit.

    A word fits whose name or address has one that begins with it. Those that few have are found by
    the index of words and put in order; those that many have, by walking along the addresses: the
    planner, which can't tell how many begin so, is not asked.
    """
    query = select(Account)
    if text:
        words = func.account_words(Account.name, Account.email)
        # Written into the statement, so that it is planned for these very words.
        asked = func.account_words_asked(bindparam("asked", text, literal_execute=True))
        fits = words.op("@@")(asked)
        few = session.execute(select(Account.id).where(fits).limit(MANY_CALLED_SO + 1)).scalars()
        ids = list(few)
        by_id = Account.id == any_(cast(ids, ARRAY(Uuid)))
        query = query.where(by_id if len(ids) <= MANY_CALLED_SO else fits)
    return paginate(
        session,
        query,
        key=[Account.email],
        key_of=lambda row: [row.email],
        limit=limit,
        cursor=cursor,
    )


def _contact(row: Account) -> Contact:
    return Contact(row.id, row.email, row.name, row.locale, row.time_zone)
