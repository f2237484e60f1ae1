"""Schools with coordinators and students, put on a stage as the product would have made them."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import text

from marketplace.core.ids import new_id
from marketplace.identity.rules import Role, Seen
from marketplace.identity.service import memberships, schools
from tests.factories.rotations import Stage

EVERYTHING = tuple(purpose.value for purpose in Seen)


def a_school(
    stage: Stage, name: str = "Grant Medical College", *, approves: bool = False, verified=True
) -> UUID:
    """A school, verified unless it is said to be none."""
    operator = stage.account("Olga Staff")
    with stage.transaction() as session:
        school = memberships.ensure_school(session, name, "IN")
        schools.change(session, school, {"approves": approves})
        if verified:
            schools.verify(session, school.id, actor_id=operator, now=stage.now)
        return school.id


def a_coordinator(stage: Stage, school_id: UUID, name: str = "Sara Khan") -> UUID:
    account_id = stage.account(name)
    with stage.transaction() as session:
        memberships.grant_role(
            session, account_id, Role.SCHOOL_COORDINATOR, school_id=school_id, now=stage.now
        )
    return account_id


def link(
    stage: Stage, school_id: UUID, *account_ids: UUID, sees: Iterable[str] = EVERYTHING
) -> list[UUID]:
    """Make the accounts students of the school, who let it see this; their ids as students."""
    made = [new_id() for _ in account_ids]
    with stage.transaction() as session:
        session.execute(
            text(
                "INSERT INTO school_student (id, school_id, email, account_id, state, version, sees,"
                " invited_at, linked_at) SELECT :id, :school, email, id, 'linked', 2, :sees, :now, :now"
                " FROM account WHERE id = :account"
            ),
            [
                {
                    "id": student_id,
                    "school": school_id,
                    "account": account_id,
                    "sees": list(sees),
                    "now": stage.now,
                }
                for student_id, account_id in zip(made, account_ids, strict=True)
            ],
        )
    return made
