"""The corruptions of a severity table as MAITE's `Augmentation`, without MAITE itself."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from corruptgen.errors import SeverityError
from corruptgen.tables import catalog
from corruptgen.transforms.corrupt import ALL, Corrupt, Severity
from corruptgen.transforms.draw import Draw
from corruptgen.transforms.workers import torch_if_loaded
from corruptgen.values.arguments import preset_name, row_names

MaiteBatch = tuple[Sequence[Any], Sequence[Any], Sequence[Mapping[str, Any]]]


class CorruptAugmentation:
    """Corrupt a batch of images for classification; targets stay as they are.

    The `id` of a datum's metadata names its draws, so that a datum is corrupted in the same way in every batch; its
    metadata then says how, in `corruption`: row, severity, seed and key.

    Parameters
    ----------
    preset, rows, severity, p : str, str or sequence of str or None, Severity, float
        See `Corrupt`.
    seed : int or None, default 0
        None: new draws in every call.

    Examples
    --------
    >>> import numpy as np
    >>> images, targets = [np.full((3, 64, 64), 128, np.uint8)], [np.zeros(10)]
    >>> augmentation = CorruptAugmentation("natural", ["fog"], severity=3)
    >>> changed, targets, metadata = augmentation((images, targets, [{"id": "a"}]))
    >>> changed[0].shape, metadata[0]["corruption"]["row"]
    ((3, 64, 64), 'fog')
    """

    def __init__(
        self,
        preset: str = "imagecorruptions",
        rows: str | Sequence[str] | None = None,
        severity: Severity = ALL,
        p: float = 1.0,
        seed: int | None = 0,
    ) -> None:
        self.corrupt = Corrupt(preset, self._allowed(preset, rows), severity, p, seed)
        self.metadata: dict[str, str] = {"id": f"corruptgen {self.corrupt!r}"}

    def __call__(self, batch: MaiteBatch, /) -> MaiteBatch:
        """Corrupt the images, (C, H, W) arrays or tensors, of a batch of images, targets and metadata."""
        images, targets, metadata = batch
        draws = [self.corrupt.draw(datum["id"]) for datum in metadata]
        changed = [self._changed(image, draw) for image, draw in zip(images, draws, strict=True)]
        noted = [{**datum, "corruption": asdict(draw)} for datum, draw in zip(metadata, draws, strict=True)]
        return changed, targets, noted

    @staticmethod
    def _allowed(preset: str, rows: str | Sequence[str] | None) -> str | Sequence[str] | None:
        """Return the rows to draw from."""
        return rows

    def _changed(self, image: Any, draw: Draw) -> Any:
        torch = torch_if_loaded()
        if torch is not None and isinstance(image, torch.Tensor):
            return self.corrupt.apply(image, draw)
        planes = np.asarray(image)
        layers = np.ascontiguousarray(planes.transpose(1, 2, 0)) if planes.ndim == 3 else planes
        return np.ascontiguousarray(np.moveaxis(self.corrupt.apply(layers, draw), -1, 0))


class CorruptDetectionAugmentation(CorruptAugmentation):
    """Corrupt a batch of images for detection; rows that move pixels, and boxes with them, are refused.

    Examples
    --------
    >>> CorruptDetectionAugmentation("natural", severity=3).metadata["id"].startswith("corruptgen Corrupt")
    True
    """

    @staticmethod
    def _allowed(preset: str, rows: str | Sequence[str] | None) -> str | Sequence[str]:
        table = catalog.preset(preset_name(preset))
        still = [row for row, line in table.rows.items() if not (line.is_geometric or line.crops_or_resizes)]
        chosen = still if rows is None else table.named_rows(row_names(rows) or ())
        if moving := [row for row in chosen if row not in still]:
            raise SeverityError(
                f"{', '.join(moving)}: moves pixels or crops, and the boxes would have to move; leave it out"
            )
        return chosen
