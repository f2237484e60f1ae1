"""PostgreSQL refuses to run as root: whom it runs as then, and what that user can reach."""

import hashlib
import os
import pwd
import secrets
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from marketplace.embedded.processes import StackError

PREFERRED_USERS = ("nobody", "daemon")
PRODUCT = "rotation-marketplace"
WORLD_READABLE_DIRECTORY = 0o755
PASSABLE_DIRECTORY = 0o711
PRIVATE_DIRECTORY = 0o700


@dataclass(frozen=True, slots=True)
class Unprivileged:
    """A user without rights, by number."""

    name: str
    uid: int
    gid: int


def unprivileged_user() -> Unprivileged | None:
    """Whom servers run as: None (as ourselves), or another user when we are root."""
    if os.geteuid() != 0:
        return None
    entries = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    ordinary = [name for name in (*PREFERRED_USERS, *entries) if name in entries]
    if not ordinary:
        raise StackError("PostgreSQL can't run as root, and this system has no other user")
    entry = entries[ordinary[0]]
    return Unprivileged(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _has(status: os.stat_result, user: Unprivileged, right: int) -> bool:
    """Whether `right` (stat.S_IXOTH or S_IROTH) is granted to the user by the mode bits."""
    if status.st_uid == user.uid:
        right <<= 6
    elif status.st_gid == user.gid:
        right <<= 3
    return bool(status.st_mode & right)


def can_reach(path: Path, user: Unprivileged | None) -> bool:
    """Whether the user may pass through every directory down to and including `path`."""
    if user is None:
        return True
    whole = path.resolve()
    existing = [folder for folder in (whole, *whole.parents) if folder.is_dir()]
    return all(_has(folder.stat(), user, stat.S_IXOTH) for folder in existing)


def make_directory(path: Path, user: Unprivileged | None) -> None:
    """Create a directory for our files, that the servers' user can pass through."""
    path.mkdir(mode=PRIVATE_DIRECTORY if user is None else PASSABLE_DIRECTORY, exist_ok=True)


def shared_place(bases: tuple[str, ...], user: Unprivileged | None) -> Path:
    """A folder of ours below one of `bases`, that the user can pass through; StackError if none."""
    for base in bases:
        place = Path(base) / PRODUCT
        try:
            make_directory(place, user)
        except OSError:
            continue
        if place.stat().st_uid == os.geteuid() and can_reach(place, user):
            return place
    raise StackError(f"no folder below {' or '.join(bases)} can be shared with another user")


def reachable_place(wanted: Path, user: Unprivileged | None) -> Path:
    """Where to keep `wanted` so that the user can reach it: there, or in a place below /var.

    `wanted` is then a link to the other place, so both are moved and found together.
    """
    if wanted.is_symlink():
        return wanted.readlink()
    if can_reach(wanted, user):
        return wanted
    place = shared_place(("/var/lib", "/var/tmp"), user) / secrets.token_hex(8)  # noqa: S108 - owner checked
    make_directory(place, user)
    wanted.symlink_to(place / wanted.name)
    return place / wanted.name


def temporary_directory(user: Unprivileged | None) -> Path:
    """A new directory for throwaway data, in the first place that the user can reach."""
    candidates = (tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - mkdtemp below
    for base in map(Path, candidates):
        if base.is_dir() and can_reach(base, user):
            made = Path(tempfile.mkdtemp(prefix=f"{PRODUCT}-", dir=base))
            if user is not None:
                made.chmod(PASSABLE_DIRECTORY)
            return made
    raise StackError("no temporary directory can be reached by the user that PostgreSQL runs as")


def reachable_copy(trees: list[Path], version: str, user: Unprivileged | None) -> Path:
    """A folder holding `trees` where the user can read them: their own, or a copy.

    The copy is complete before it gets its name, so a killed copier leaves none behind, and it
    is made anew when a file of the original has changed.
    """
    origin = trees[0].parent
    if all(can_reach(tree, user) for tree in trees):
        return origin
    files = sorted(file for tree in trees for file in tree.rglob("*") if file.is_file())
    facts = "".join(f"{file}{file.stat().st_size}{file.stat().st_mtime_ns}" for file in files)
    digest = hashlib.sha256(facts.encode()).hexdigest()[:16]
    cache = shared_place(("/var/cache", "/var/tmp"), user)  # noqa: S108 - its owner is checked
    place = cache / f"{version}-{digest}"
    if not place.is_dir():
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=cache))
        for tree in trees:
            shutil.copytree(tree, partial / tree.name, symlinks=True)
        partial.chmod(WORLD_READABLE_DIRECTORY)
        try:
            partial.rename(place)
        except OSError:  # another process made the same copy meanwhile
            shutil.rmtree(partial)
    return place
