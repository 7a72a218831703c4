"""What all transforms share: the name of each draw, kinds of pictures, batches, workers, ranks and epochs."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from corruptgen.codecs.pixels import SampleFormat
from corruptgen.errors import ArgumentError, ImageError, SeverityError
from corruptgen.randomness import Stream, pixels_digest, rng_for
from corruptgen.randomness.stream import Purpose
from corruptgen.transforms import workers
from corruptgen.transforms.draw import Draw
from corruptgen.transforms.epoch import Epoch
from corruptgen.transforms.pictures import Frames, Samples, take_apart
from corruptgen.values.arguments import (
    normalise_key,
    normalise_seed,
    normalise_severity,
    real_number,
    shown,
    truth_value,
    whole_number,
)

ImageKey = str | int
LAST_EPOCH = 2**63 - 1


class Transform(ABC):
    """A picklable callable over pictures, in two steps: `draw` decides by chance, `apply` does what was decided.

    A draw is named. With a seed, the name is the `key` of the caller or, without one, the digest of the
    picture's samples, and what is drawn is a function of seed, epoch and name: the same for any number of workers and
    in any order. Without a seed, the name is fresh digits of the framework's own generator: every call, instance,
    worker, epoch and rank has its own draws, and reseeding that generator repeats a run.

    Parameters
    ----------
    p : float
        Share of the pictures that are changed.
    seed : int or None
        Any whole number of at most 128 bits; None follows the framework's own generator.
    eight_bits : bool, default True
        Round float samples to 8 bits before and after, as image files do, which is much faster; False keeps their
        precision where the corruption's formula does.
    """

    def __init__(self, p: float, seed: int | None, eight_bits: bool = True) -> None:
        share = real_number(p)
        if share is None or not 0 <= share <= 1:
            raise SeverityError(f"p is {shown(p)}; it must be the share of the images to change, from 0 to 1")
        self.p = float(share)
        self.seed = None if seed is None else normalise_seed(seed)
        self.eight_bits = truth_value("eight_bits", eight_bits)
        self._epoch = Epoch()
        self._rank: int | None = None
        self._count = 0

    def set_epoch(self, epoch: int) -> None:
        """Make a seeded transform use new draws, also in workers that are running: call it before each epoch."""
        self._epoch.number = whole_number("epoch", epoch, 0, LAST_EPOCH)

    def draw(self, key: ImageKey | None = None) -> Draw:
        """Decide what to do to one picture.

        Parameters
        ----------
        key : Key or None
            The name of the picture, such as its index or path. None, with a seed: the number of this call in this
            worker. Without a seed every draw is a fresh one, whatever the key.
        """
        workers.settle()
        if self.seed is None:
            return self._drawn(f"{self._place()}{workers.fresh_digits()}")
        if key is None:
            worker = workers.loader_worker()
            key = f"{self._place()}draw {self._count}" + ("" if worker is None else f" of worker {worker}")
            self._count += 1
        name, epoch = normalise_key(key), self._epoch.number
        return self._drawn(f"{name} in epoch {epoch}" if epoch else name)

    def drawn_by(self, digits: str) -> Draw:
        """Decide by digits that a generator of the caller's gave; ranks, workers and epochs of workers are told apart.

        For generators that are copied into every worker and go on alike there.
        """
        worker = workers.loader_seed()
        return self._drawn(self._place() + ("" if worker is None else f"worker {worker}, ") + digits)

    def apply(self, image: Any, draw: Draw | Sequence[Draw]) -> Any:
        """Do to a picture what was drawn; the same picture and draw produce the same result.

        Parameters
        ----------
        image : object
            See `corruptgen.transforms.pictures.take_apart`; it is not changed.
        draw : Draw or sequence of Draw
            What `draw` gave; of a batch one for each image, or one cell for all of them with noise for each.

        Returns
        -------
        object
            A new picture of the same kind, type and shape.
        """
        return self._applied(take_apart(image, self.eight_bits), draw)

    def __call__(self, image: Any, *others: Any, key: ImageKey | Sequence[ImageKey] | None = None) -> Any:
        """Change a picture, each image of a batch by draws of its own.

        Parameters
        ----------
        image : object
            See `apply`.
        others : object
            What belongs to the picture, such as its label; it is returned beside it. Boxes, points and masks of
            torchvision move with the pixels.
        key : Key or sequence of Key or None
            The name of the picture, of a batch one for each image; see `draw`.
        """
        picture = take_apart(image, self.eight_bits)
        self._check(picture, others)
        names = self._names(picture, key)
        draws = [self.draw(name) for name in names]
        result = self._applied(picture, draws)
        return (result, *self._carried(picture, draws, others)) if others else result

    def _names(self, picture: Frames, key: ImageKey | Sequence[ImageKey] | None) -> Sequence[ImageKey | None]:
        if self.seed is None:
            return [None] * len(picture.frames)
        if key is None:
            return [pixels_digest(frame).hex() for frame in picture.frames]
        many = isinstance(key, Sequence | np.ndarray) and not isinstance(key, str | bytes)
        names: list[Any] = list(key) if many else [key]  # type: ignore[arg-type]  # `many` says so
        if len(names) != len(picture.frames):
            raise ImageError(
                f"{len(names)} keys for {len(picture.frames)} images; pass one for each image of the batch"
            )
        return names

    def _applied(self, picture: Frames, draw: Draw | Sequence[Draw]) -> Any:
        workers.settle()
        frames = picture.frames
        if isinstance(draw, Draw):
            draws = [draw.numbered(n) for n in range(len(frames))] if picture.is_batch else [draw]
        else:
            draws = list(draw) if isinstance(draw, Sequence) else [draw]
            if not all(isinstance(one, Draw) for one in draws):
                raise ArgumentError(f"draw is {shown(draw)}; pass a result of draw(), or a list of such")
        if len(draws) != len(frames):
            raise ImageError(f"{len(draws)} draws for {len(frames)} images; pass one for each image of the batch")
        return self._closed(picture, draws)

    def _closed(self, picture: Frames, draws: Sequence[Draw]) -> Any:
        """Change every frame as its draw says and put them together."""
        changed = [
            self._changed(frame, picture.form, draw) if draw.severity else self._left(frame, picture.form, draw)
            for frame, draw in zip(picture.frames, draws, strict=True)
        ]
        if picture.alpha is None or not draws[0].severity:
            return picture.closed(changed)
        return picture.closed_with(changed, self._uncovered(picture.alpha, draws[0]))

    def _drawn(self, key: str) -> Draw:
        rng = rng_for(self.seed or 0, "", None, key, purpose=Purpose.LOCATION)
        is_changed = self.p == 1 or rng.random() < self.p
        row, severity = self._chosen(rng)
        return Draw(row, normalise_severity(severity) if is_changed else 0.0, key, self.seed or 0)

    def _check(self, picture: Frames, others: Sequence[Any]) -> None:  # noqa: B027 - most have nothing to check
        """Raise `ImageError` if something that may be drawn cannot be done to what belongs to the picture."""

    def _carried(self, picture: Frames, draws: Sequence[Draw], others: Sequence[Any]) -> Sequence[Any]:
        """Return what belongs to the picture as it is afterwards."""
        return others

    def _left(self, samples: Samples, form: SampleFormat, draw: Draw) -> Samples:
        """Return one (H, W, C) image that is left alone."""
        return samples.copy()

    def _uncovered(self, alpha: Samples, draw: Draw) -> Samples:
        """Return the (H, W, 1) alpha channel of a changed picture."""
        return alpha

    def _place(self) -> str:
        """Name the rank, so that ranks that were seeded alike draw differently."""
        rank = self._known_rank()
        return f"rank {rank}, " if rank else ""

    def _known_rank(self) -> int | None:
        """Return the rank of this process, or of the one that it was spawned from to load data."""
        rank = workers.rank()
        return self._rank if rank is None else rank

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_rank": self._known_rank()}

    @abstractmethod
    def _chosen(self, rng: Stream) -> tuple[str, float]:
        """Choose row and severity."""

    @abstractmethod
    def _changed(self, samples: Samples, form: SampleFormat, draw: Draw) -> Samples:
        """Change one (H, W, C) image."""


def call_of(what: object, **parameters: Any) -> str:
    """Write a transform as the call that makes it."""
    return f"{type(what).__name__}({', '.join(f'{key}={value!r}' for key, value in parameters.items())})"
