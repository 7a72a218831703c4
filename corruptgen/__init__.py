"""corruptgen: corrupted and shifted image benchmarks, faithful, deterministic and fast."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from corruptgen.runtime.renamed import find_moved_modules

if TYPE_CHECKING:
    from corruptgen.engine.generation import generate
    from corruptgen.engine.shard_merge import merge
    from corruptgen.publishing.publication import publish
    from corruptgen.scoring.evaluation import score
    from corruptgen.tables.api import corrupt, frames, presets, rows
    from corruptgen.tables.catalog import register
    from corruptgen.transforms import Corrupt, Corrupted
    from corruptgen.verification.dataset import open_dataset as open  # noqa: A004
    from corruptgen.verification.verdict import verify

__all__ = [
    "Corrupt",
    "Corrupted",
    "__version__",
    "corrupt",
    "frames",
    "generate",
    "merge",
    "open",
    "presets",
    "publish",
    "register",
    "rows",
    "score",
    "verify",
]
__version__ = "0.1.0"
find_moved_modules()

# Where each name is, loaded at first use, so that `import corruptgen` costs nothing.
_HOMES = {
    "corrupt": "corruptgen.tables.api:corrupt",
    "frames": "corruptgen.tables.api:frames",
    "presets": "corruptgen.tables.api:presets",
    "rows": "corruptgen.tables.api:rows",
    "register": "corruptgen.tables.catalog:register",
    "generate": "corruptgen.engine.generation:generate",
    "merge": "corruptgen.engine.shard_merge:merge",
    "verify": "corruptgen.verification.verdict:verify",
    "open": "corruptgen.verification.dataset:open_dataset",
    "score": "corruptgen.scoring.evaluation:score",
    "publish": "corruptgen.publishing.publication:publish",
    "Corrupt": "corruptgen.transforms:Corrupt",
    "Corrupted": "corruptgen.transforms:Corrupted",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'corruptgen' has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    # Kept, so that this is not asked again.
    globals()[name] = found = getattr(import_module(module), attribute)
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
