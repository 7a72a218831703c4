"""Licences by the names that the Hub has for them, and whether changed images may be passed on under them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from corruptgen.errors import PublishError, unknown
from corruptgen.recipe.source_section import SourceChoice

UNKNOWN = "unknown"
OVERRIDE = "if you have the right to publish the corrupted images, confirm it with --i-may-publish"


@dataclass(frozen=True)
class License:
    """What may be done with images."""

    id: str
    """As the Hub calls it."""
    name: str
    sharing: str
    """Of changed images: "yes", "same" (under the same licence), "noncommercial", "no", or "read": not known."""


@lru_cache(maxsize=1)
def known() -> Mapping[str, License]:
    """Return all licences that the Hub has a name for."""
    text = (resources.files("corruptgen.publishing") / "licenses.toml").read_text("utf-8")
    return {name: License(name, **entry) for name, entry in tomllib.loads(text).items()}


def license_of(source: SourceChoice) -> License:
    """Return the licence of the clean images; raise `PublishError` if it is none that the Hub knows."""
    name = source.license or UNKNOWN
    if name not in known():
        raise PublishError(
            f"[source] license: {unknown('license of the Hub', name, known())}; one that the Hub has no name for is "
            '"other", with license_name and license_link'
        )
    found = known()[name]
    return License(found.id, source.license_name, found.sharing) if source.license_name else found


def check_sharing(source: SourceChoice, *, allowed: bool) -> None:
    """Refuse to publish images whose licence does not allow it.

    Parameters
    ----------
    source : SourceChoice
        Where the clean images came from.
    allowed : bool
        Whether the user has said to have the right.

    Raises
    ------
    PublishError
        If the licence forbids to pass on changed images, or if it cannot be known whether it does.
    """
    found = license_of(source)
    if allowed or found.sharing in ("yes", "same", "noncommercial"):
        return
    if source.license is None:
        raise PublishError(
            "the recipe does not state under which licence the clean images are: write it as the Hub calls it, such as "
            f'license = "cc-by-4.0", in [source], and update the card with `corruptgen card --recipe`; {OVERRIDE}'
        )
    if found.sharing == "no":
        raise PublishError(
            f"the clean images are under {found.id} ({found.name}), which does not allow to pass on changed "
            f"ones; {OVERRIDE}"
        )
    raise PublishError(
        f"the clean images are under {found.id} ({found.name}), and whether that allows to pass on changed ones has to "
        f"be read there; {OVERRIDE}"
    )
