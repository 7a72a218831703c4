"""corruptgen: corrupted and shifted image benchmarks, faithful, deterministic and fast."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from corruptgen.catalog import register
    from corruptgen.front import corrupt, presets, rows
    from corruptgen.generation import generate
    from corruptgen.merging import merge
    from corruptgen.transforms import Corrupt

__all__ = ["Corrupt", "__version__", "corrupt", "generate", "merge", "presets", "register", "rows"]
__version__ = "0.1.0"

# Loaded at first use, so that `import corruptgen` costs nothing.
_HOMES = {
    "corrupt": "corruptgen.front",
    "presets": "corruptgen.front",
    "rows": "corruptgen.front",
    "register": "corruptgen.catalog",
    "generate": "corruptgen.generation",
    "merge": "corruptgen.merging",
    "Corrupt": "corruptgen.transforms",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'corruptgen' has no attribute {name!r}")
    # Kept, so that this is not asked again.
    globals()[name] = found = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
