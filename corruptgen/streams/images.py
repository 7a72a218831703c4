"""A stream of images: the items of a dataset in an order of their own at each step of a walk, cropped and corrupted."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen.errors import ArgumentError, ImageError, Rejected
from corruptgen.randomness import Draws, Streams, rng_for
from corruptgen.records import Decoding
from corruptgen.streams.walk import Step
from corruptgen.tables import catalog
from corruptgen.transforms import workers
from corruptgen.transforms.samples import KeyOf, PlaceInSample, decoding_of, like_picture, pixels_of, with_part
from corruptgen.transforms.targets import check_movable, has_targets
from corruptgen.transforms.view import NumberedItems
from corruptgen.values.arguments import callable_value, normalise_seed, shown, truth_value, whole_number

PRESET = "ccc"
STEP = "step"
MOST_IMAGES = 10**9
# The windows of torchvision's RandomResizedCrop: shares of the picture's area, and width by height.
AREAS = (0.08, 1.0)
RATIOS = (3 / 4, 4 / 3)
TRIES = 10


class CorruptionStream:
    """A map-style dataset of the images of a stream, in their order: pass it to a loader that does not shuffle.

    At each step the items of a dataset are shuffled, and the first of them are mirrored or not, cropped at a random
    place, brought to 224 by 224 pixels, and corrupted by the two rows of the step. What image i is depends on the seed,
    the number of its step and the id of its item alone: not on workers, batches or what was asked for before.

    Parameters
    ----------
    dataset : object
        Anything with `len` and numbered items, as for `corruptgen.Corrupted`.
    steps : sequence of Step
        Those of `ccc_walk`, as many as there shall be: `itertools.islice` takes some.
    images_per_step : int
        1000, 2000 or 5000 in CCC; at most as many as the dataset has items.
    seed : int, default 0
        Another one takes other items, places and draws.
    key : KeyOf or None
        The id of item i, as for `corruptgen.Corrupted`.
    image : Part or None
        Which part of an item is the picture, as there.
    decode : Decoding or mapping of str to object or None
        Size and orientation of pictures before they are cropped, as in the [decode] section of a recipe.
    crop : bool, default True
        False: pictures are not mirrored and cropped, and have 224 by 224 pixels already, or by `decode`.
    transform : callable or None
        What is done to the image afterwards, such as the conversion to a tensor.

    Raises
    ------
    ArgumentError
        If an argument is of a kind that is not allowed, or there are too few items for a step.
    Rejected
        When an image is asked for whose item cannot be used.

    References
    ----------
    Press et al. 2023, https://arxiv.org/abs/2306.05401

    Examples
    --------
    >>> import numpy as np
    >>> from corruptgen.streams import Step
    >>> pictures = [(np.full((300, 300, 3), 40 * label, np.uint8), label) for label in range(4)]
    >>> steps = [Step(0, ("fog", "contrast"), (8, 0)), Step(1, ("fog", "contrast"), (7, 0))]
    >>> stream = CorruptionStream(pictures, steps, images_per_step=3)
    >>> image, label, step = stream[4]
    >>> len(stream), image.shape, step
    (6, (224, 224, 3), 1)
    """

    def __init__(
        self,
        dataset: Any,
        steps: Sequence[Step],
        images_per_step: int,
        *,
        seed: int = 0,
        key: KeyOf | None = None,
        image: PlaceInSample | None = None,
        decode: Decoding | Mapping[str, Any] | None = None,
        crop: bool = True,
        transform: Callable[[Any], Any] | None = None,
    ) -> None:
        if not isinstance(steps, Sequence) or not all(isinstance(step, Step) for step in steps):
            raise ArgumentError(
                f"steps is {shown(steps)}; pass a list of steps, such as list(islice(ccc_walk(...), 100))"
            )
        self.items = NumberedItems(dataset, key, image)
        self.steps, self.seed = list(steps), normalise_seed(seed)
        self.images_per_step = whole_number("images_per_step", images_per_step, 1, MOST_IMAGES)
        if self.images_per_step > len(self.items):
            raise ArgumentError(
                f"images_per_step is {self.images_per_step}, and the dataset has {len(self.items)} items; each "
                "of them is shown once in a step at most"
            )
        callable_value("transform", transform)
        self.decoding, self.crop, self.transform = decoding_of(decode), truth_value("crop", crop), transform
        self._order: tuple[int, NDArray[np.intp]] = (-1, np.empty(0, np.intp))

    def __len__(self) -> int:
        return len(self.steps) * self.images_per_step

    def __getitem__(self, index: int) -> Any:
        if not -len(self) <= index < len(self):
            raise IndexError(f"there is no image {index} among {len(self)}")
        workers.settle()
        number, place = divmod(index % len(self), self.images_per_step)
        step = self.steps[number]
        return self._shown(int(self._order_of(step)[place]), step)

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def key(self, index: int) -> str:
        """Return the id of the item that an image is made of."""
        number, place = divmod(range(len(self))[index], self.images_per_step)
        return self.items.key(int(self._order_of(self.steps[number])[place]))

    def _order_of(self, step: Step) -> NDArray[np.intp]:
        """Return the items of a step; those of the last one that was asked for are kept."""
        if self._order[0] != step.number:
            order = rng_for(self.seed, "order", None, step.number).permutation(len(self.items))
            self._order = step.number, order[: self.images_per_step]
        return self._order[1]

    def _shown(self, item: int, step: Step) -> Any:
        sample, part, picture = self.items.taken(item)
        if part is not None:
            rest = with_part(sample, part, None)
            check_movable(rest)
            if has_targets(rest):
                raise ImageError(
                    "boxes, points and masks do not follow the crops of a stream; take them out of the items"
                )
        name = self.items.key(item, sample)
        key = f"{step.number}/{name}"
        try:
            pixels = pixels_of(picture, self.decoding, catalog.preset(PRESET).colour)
        except Rejected as error:
            raise Rejected(f"{name} {error}") from error
        if self.crop:
            pixels = crop_at_random(pixels, rng_for(self.seed, "crop", None, key), _side())
        for row, level in zip(step.rows, step.levels, strict=True):
            pixels = catalog.cell(PRESET, row, level).apply(pixels, Streams(self.seed, key))
        made = like_picture(pixels, picture)
        made = self.transform(made) if self.transform else made
        return _with_step(sample, part, made, step.number)


def crop_at_random(pixels: NDArray[np.uint8], rng: Draws, side: int) -> NDArray[np.uint8]:
    """Mirror an image or not, and bring a window of it, of random size, shape and place, to a square.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (H, W, C)
        The image.
    rng : Draws
        Source of the draws.
    side : int
        Of the square, in pixels.

    Returns
    -------
    ndarray of uint8, shape (side, side, C)
        The window, by Pillow's bilinear filter.
    """
    mirrored = rng.random() < 0.5
    top, left, height, width = _window(pixels.shape[0], pixels.shape[1], rng)
    window = pixels[top : top + height, left : left + width]
    window = np.ascontiguousarray(window[:, ::-1] if mirrored else window)
    channels = window.shape[2]
    image = Image.fromarray(window[..., 0] if channels == 1 else window)
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR)).reshape(side, side, channels)


def _window(height: int, width: int, rng: Draws) -> tuple[int, int, int, int]:
    """Draw top, left, height and width; in the middle of a picture that no window fits into in a few tries."""
    for _ in range(TRIES):
        area = height * width * rng.uniform(AREAS[0], AREAS[1])
        ratio = math.exp(rng.uniform(math.log(RATIOS[0]), math.log(RATIOS[1])))
        tall, wide = round(math.sqrt(area / ratio)), round(math.sqrt(area * ratio))
        if 0 < tall <= height and 0 < wide <= width:
            top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
            return top, left, tall, wide
    ratio = min(max(width / height, RATIOS[0]), RATIOS[1])
    tall, wide = min(height, max(1, round(width / ratio))), min(width, max(1, round(height * ratio)))
    return (height - tall) // 2, (width - wide) // 2, tall, wide


def _side() -> int:
    return catalog.preset(PRESET).sizes.allowed[0][0]


def _with_step(sample: Any, part: PlaceInSample | None, made: Any, number: int) -> Any:
    """Return a sample with its image, and the number of the step behind it, or under the name of "step"."""
    if part is None:
        return made, number
    changed = with_part(sample, part, made)
    return {**changed, STEP: number} if isinstance(changed, Mapping) else (*changed, number)
