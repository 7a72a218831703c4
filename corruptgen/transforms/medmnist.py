"""The augmentation of MedMNIST-C for data loaders: one corruption of a table or none, between its ends."""

from collections.abc import Sequence

from corruptgen import augmentation, catalog
from corruptgen.errors import ImageError
from corruptgen.imaging.pixels import SampleFormat
from corruptgen.randomness import Stream, rng_for
from corruptgen.transforms.draw import Draw
from corruptgen.transforms.pictures import Samples
from corruptgen.transforms.transform import Transform, call_of


class AugMedMNISTC(Transform):
    """Change a picture by one row of a table or not at all, all equally often; see `augmentation.draw`.

    With a draw, `augmentation.augment(picture, preset, seed=draw.seed, key=draw.key, rows=rows)` gives the same pixels.

    Parameters
    ----------
    preset : the severity table, such as "medmnist-c/pathmnist" or "medical"
    rows : rows and groups of rows to choose from; None: all
    p, seed, eight_bits : see `Transform`

    Raises
    ------
    ImageError
        If one of the rows moves pixels, and so would part a picture from its masks and boxes.

    References
    ----------
    Di Salvo, Doerrich & Ledig 2024, https://arxiv.org/abs/2406.17536
    """

    row = augmentation.NAME

    def __init__(
        self,
        preset: str,
        rows: Sequence[str] | None = None,
        p: float = 1.0,
        seed: int | None = None,
        eight_bits: bool = True,
    ) -> None:
        super().__init__(p, seed, eight_bits)
        table = catalog.preset(preset)
        self.preset, self.rows = preset, tuple(table.rows) if rows is None else tuple(table.named_rows(rows))
        moving = [row for row in self.rows if table.cell(row, 1).is_geometric]
        if moving:
            raise ImageError(f"{', '.join(moving)} of {preset} moves pixels; leave such rows out with rows")

    def _chosen(self, rng: Stream) -> tuple[str, float]:
        return self.row, 1.0

    def _changed(self, samples: Samples, form: SampleFormat, draw: Draw) -> Samples:
        rng = rng_for(draw.seed, draw.row, None, draw.key)
        return augmentation.draw(catalog.preset(self.preset), rng, self.rows).apply(samples, rng, form)

    def __repr__(self) -> str:
        return call_of(self, preset=self.preset, rows=list(self.rows), p=self.p, seed=self.seed)
