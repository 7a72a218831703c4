"""Version rules: what a change of a published dataset raises, and which versions may follow which.

This is the one place where the rules are written; docs/publishing.md tells them to people.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import total_ordering

from corruptgen.errors import PublishError
from corruptgen.publishing.difference import Difference
from corruptgen.recipe.recipe import VERSION

TAG = re.compile(rf"v(?P<version>{VERSION.pattern})")


class Bump(IntEnum):
    """Which number of a version has to be raised, from the least to the most."""

    NONE = 0
    """Nothing that is published has changed."""
    PATCH = 1
    """No image and no label has changed: words, terms, picture, or files that hold the same pixels."""
    MINOR = 2
    """Something was added, and all that there was is as it was: rows, severities, the clean twin."""
    MAJOR = 3
    """A split contains something else than before, or is gone: pixels, items, labels, columns or layout."""

    @property
    def word(self) -> str:
        """How people call that number."""
        return self.name.lower()


@total_ordering
@dataclass(frozen=True)
class Version:
    """A version as semver orders them: numbers, and what comes before a release."""

    text: str

    @property
    def numbers(self) -> tuple[int, ...]:
        """Major, minor and patch."""
        return tuple(int(number) for number in re.split("[-+]", self.text, maxsplit=1)[0].split("."))

    @property
    def tag(self) -> str:
        """The tag on the Hub."""
        return f"v{self.text}"

    def __lt__(self, other: "Version") -> bool:
        return self._order < other._order

    @property
    def _order(self) -> tuple[object, ...]:
        before = self.text.partition("+")[0].partition("-")[2]
        # Numbers come before words, and all that has such a part before the release without one.
        parts = tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in before.split(".")) if before else ()
        return self.numbers, not before, parts

    def bump_from(self, old: "Version") -> Bump:
        """Return which number was raised."""
        for new, before, bump in zip(self.numbers, old.numbers, (Bump.MAJOR, Bump.MINOR, Bump.PATCH), strict=True):
            if new != before:
                return bump
        return Bump.NONE if self.text == old.text else Bump.PATCH

    def raised(self, bump: Bump) -> str:
        """Return the next version of that kind."""
        major, minor, patch = self.numbers
        return {
            Bump.MAJOR: f"{major + 1}.0.0",
            Bump.MINOR: f"{major}.{minor + 1}.0",
            Bump.PATCH: f"{major}.{minor}.{patch + 1}",
        }.get(bump, self.text)


def published_versions(tags: list[str]) -> list[Version]:
    """Return the versions among the tags of a repository, oldest first."""
    return sorted(Version(match["version"]) for tag in tags if (match := TAG.fullmatch(tag)))


def needed_bump(difference: Difference) -> Bump:
    """Return which number a change has to raise at least."""
    if difference.breaks:
        return Bump.MAJOR
    if difference.added:
        return Bump.MINOR
    return Bump.PATCH if difference.is_any else Bump.NONE


def check_follows(new: Version, old: Version, difference: Difference) -> None:
    """Refuse a version that does not follow from what has changed.

    Parameters
    ----------
    new : Version
        The version that is to be published.
    old : Version
        The newest that is.
    difference : Difference
        What has changed between them.

    Raises
    ------
    PublishError
        If it is not newer, or raises less than it has to.
    """
    # Of two that differ in what follows a plus sign alone, semver calls neither the newer one.
    if not old < new:
        word = "older" if new < old else "no newer"
        raise PublishError(f"version {new.text} is {word} than {old.text}, which is published; versions only go up")
    bump = needed_bump(difference)
    if new.bump_from(old) < bump:
        reasons = "; ".join([*difference.breaks, *difference.added][:3])
        raise PublishError(
            f"since {old.text} {reasons}: that raises the {bump.word} version, so this is {old.raised(bump)}, and not "
            f"{new.text}; change version in the recipe"
        )
