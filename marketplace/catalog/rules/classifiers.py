"""The classifiers by version: which one is published, and which others it can be compared with.

A version, once published, is never edited: another answer needs another name. What is saved is
classified by the published one; a candidate is only ever run dry, until a release publishes it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from marketplace.catalog.rules import tiers
from marketplace.catalog.rules.tiers import Classification
from marketplace.catalog.rules.vocabulary import Audience


class Classify(Protocol):
    """A pure function of duties and words; `Classification.version` is its own."""

    def __call__(
        self,
        duties: Iterable[str],
        setting: str,
        title: str = "",
        audience: str = Audience.BOTH,
        claimed: str | None = None,
    ) -> Classification: ...


class UnknownClassifier(LookupError):
    """There is no classifier of that version; the message names those that there are."""


@dataclass(frozen=True)
class Classifiers:
    """All versions, oldest first, and the one that is published now."""

    versions: Mapping[str, Classify]
    published: str

    def __post_init__(self) -> None:
        self.get(self.published)

    def get(self, version: str) -> Classify:
        """The classifier of `version`; `UnknownClassifier`."""
        try:
            return self.versions[version]
        except KeyError as error:
            known = ", ".join(self.versions)
            raise UnknownClassifier(f"{version!r} is none of: {known}.") from error

    @property
    def current(self) -> Classify:
        """The published classifier."""
        return self.versions[self.published]


KNOWN = Classifiers({tiers.VERSION: tiers.classify}, tiers.VERSION)
