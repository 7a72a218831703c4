"""PRIME: its primitives, at strengths that are fixed or drawn, and pictures mixed of chains of them; draws of torch.

A batch of two pictures shares the draws of strengths and of warps. The second picture is one of those that other files
describe.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage import data

from corruptgen.corruptions.augmentation.primitives import NEARLY, random_kernel, sine_warp, temperatures
from corruptgen.ops.sines import add_sines, sine_field
from originals.replay import DIFFERS, EQUAL, LEFT_OUT, WITHIN, Kept, Outcome, System, Tolerance, compare_pixels

Pictures = Sequence[NDArray[np.float32]]
WIDTH, DEPTH = 3, 3
SIGMA, SIDE = 4.0, 3
# The highest frequency of colours, their largest variance and the width of their band; the highest cutoff of warps.
SMALL, LARGE = (100, 0.01, None, 100), (500, 0.05, 20, 500)
LOWEST = 2
UNSEEN = "it has another sha256"
NEAR = 1e-5
STEP = re.compile(r"::(\d+)")
FIXED: Mapping[str, tuple[Any, ...]] = {
    "fixed_sigma1_k3": (1.0, 3),
    "fixed_sigma0.1_k5": (0.1, 5),
    "fixed_cut10_T0.01": (10, 0.01, None),
    "fixed_cut30_T0.05_band20": (30, 0.05, 20),
}
OTHERS = {"s32b": lambda: data.coffee()[8:392:12, 100:484:12], "s224b": lambda: data.coffee()[40:264, 150:374]}


def compare_prime(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
    """Compare a primitive of a batch of pictures, a mixture, or a field of a warp."""
    import torch  # noqa: PLC0415 - only needed here

    kind = entry.split("/", maxsplit=1)[0]
    if kind == "temperature_range":
        return _compare_temperatures(described)
    torch.manual_seed(described["seed"])
    if kind == "diffeo_field":
        return _compare_field(kept, entry, described)
    if unknown := [name for name in described["pictures"] if name not in {*kept.pictures, *OTHERS}]:
        return LEFT_OUT, f"nothing is said of the picture {unknown[0]}"
    pictures = [
        (kept.picture(name) if name in kept.pictures else OTHERS[name]()).astype(np.float32) / np.float32(255)
        for name in described["pictures"]
    ]
    made = (mixed if kind == "mix" else PRIMITIVES[kind])(pictures, FIXED.get(entry.split("/")[1]), "fixed" in entry)
    if torch.rand(1).item() != described["next_torch_rand"]:
        return DIFFERS, "another number of draws was taken"
    stored = np.rint(255 * np.stack(made).clip(0, 1)).astype(np.uint8)
    outcome, reason = compare_pixels(kept, entry, described, stored, described["picture"])
    if (outcome, reason) == (DIFFERS, UNSEEN) and entry in kept.arrays:
        return WITHIN, f"equal in what is stored, and not in all of it ({FLOATS})"
    return outcome, reason


class Drawn:
    """Normal numbers of torch, handed out where a corruption asks for its own."""

    def __init__(self, *arrays: NDArray[np.float32]) -> None:
        self._arrays = list(arrays)

    def standard_normal(self, size: Any = None) -> NDArray[np.float32]:
        """Return the next of them."""
        drawn = self._arrays.pop(0)
        if drawn.shape != tuple(size):
            raise ValueError(f"{size} numbers were asked for, and {drawn.shape} drawn")
        return drawn


def filtered(pictures: Pictures, fixed: Any, is_fixed: bool) -> Pictures:
    """Filter each picture by a kernel of its own."""
    import torch  # noqa: PLC0415

    if fixed is None:
        # The original chooses among one side.
        torch.multinomial(torch.ones(1), 1)
        fixed = torch.FloatTensor(1).uniform_(0, SIGMA).item(), SIDE
    sigma, side = fixed
    weights = torch.randn(len(pictures), side, side).numpy()
    return [
        random_kernel(picture, Drawn(own), sigma=sigma, side=side, centred=False)
        for picture, own in zip(pictures, weights, strict=True)
    ]


def coloured(pictures: Pictures, fixed: Any, is_fixed: bool) -> Pictures:
    """Map the colours of each picture by waves of its own."""
    import torch  # noqa: PLC0415

    if fixed is None:
        highest, strongest, band, _ = _settings(pictures)
        last = int(torch.randint(1, highest + 1, (1,)))
        variance = torch.FloatTensor(1).uniform_(0, strongest).item()
    else:
        last, variance, band = fixed
    first = 1
    if band is not None:
        first = int(torch.randint(1, last + 1, (1,)))
        last = min(first + band - 1, last)
    drawn = torch.randn(len(pictures), 3, last + 1 - first).numpy()
    return [
        add_sines(picture, own * np.float32(math.sqrt(variance)), first)
        for picture, own in zip(pictures, drawn, strict=True)
    ]


def warped(pictures: Pictures, fixed: Any, is_fixed: bool) -> Pictures:
    """Warp all pictures by one field."""
    import torch  # noqa: PLC0415

    side, lowest, highest = pictures[0].shape[0], LOWEST, _settings(pictures)[3]
    if is_fixed:
        lowest = highest = 10
    top = int(torch.randint(lowest + 1, highest + 1, (1,))) if highest > lowest else highest
    cutoff = int(_beta() * (top + 1 - lowest) + lowest)
    least, bound = temperatures(side, cutoff)
    temperature = (_beta() * (max(least, bound) - least) + least).item()
    fields = [torch.randn(cutoff, cutoff).numpy() for _ in range(2)]
    displacement = math.sqrt(math.pi * temperature * math.log(cutoff + NEARLY)) / 2
    return [
        sine_warp(picture, Drawn(*fields), cutoff=cutoff, displacement=displacement).moved(picture)
        for picture in pictures
    ]


def mixed(pictures: Pictures, fixed: Any, is_fixed: bool) -> Pictures:
    """Mix chains; every primitive acts on all chains of all pictures at once, and what is not wanted is thrown away."""
    import torch  # noqa: PLC0415

    count = len(pictures)
    weights = torch.distributions.Dirichlet(torch.ones(WIDTH)).sample([count]).numpy()
    shares = torch.distributions.Beta(1.0, 1.0).sample([count]).numpy()
    depths = torch.randint(0, DEPTH, (WIDTH * count,)).numpy() + 1
    chains: list[Any] = list(pictures) * WIDTH
    for step in range(1, DEPTH + 1):
        chosen = torch.randint(0, 3, (WIDTH * count,)).numpy()
        results = [[image.clip(0, 1) for image in act(chains, None, False)] for act in (coloured, warped, filtered)]
        chains = [
            results[chosen[number]][number] if step <= depths[number] else chain for number, chain in enumerate(chains)
        ]
    return [
        (1 - shares[number]) * picture
        + shares[number] * sum(weights[number][way] * chains[way * count + number] for way in range(WIDTH))
        for number, picture in enumerate(pictures)
    ]


def _compare_field(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
    """Compare the field of a warp, of floats."""
    import torch  # noqa: PLC0415

    _, side, cutoff = entry.split("/")
    field = sine_field(int(side), int(side), torch.randn(int(cutoff), int(cutoff)).numpy())
    stored = kept.arrays[entry]
    part = field[tuple(slice(None, None, int(step)) for step in STEP.findall(described["slice"]))]
    if part.shape != stored.shape:
        return DIFFERS, "the array that is stored is not the part that is described"
    apart = float(np.abs(part - stored).max())
    if apart == 0:
        return EQUAL, ""
    return (WITHIN if apart < NEAR else DIFFERS), f"by {apart:.1e} ({FLOATS})"


def _compare_temperatures(described: Mapping[str, Any]) -> Outcome:
    """Compare the bounds of temperatures, by side and cutoff."""
    for name, expected in described.items():
        if list(temperatures(*map(int, name.split(",")))) != expected:
            return DIFFERS, f"other bounds for {name}"
    return EQUAL, ""


def _settings(pictures: Pictures) -> tuple[int, float, int | None, int]:
    return SMALL if pictures[0].shape[0] <= 32 else LARGE


def _beta() -> Any:
    import torch  # noqa: PLC0415

    return torch.distributions.Beta(0.5, 0.5).sample()


PRIMITIVES = {"filter": filtered, "color": coloured, "diffeo": warped}
FLOATS = "float32 sums and sines of torch have another last bit"
TOLERANCE = Tolerance(
    rows=dict.fromkeys(("fixed_cut10_T0.01", "fixed_cut10", "stochastic", "mix"), FLOATS), levels=1, share=0.01
)
SYSTEMS: Mapping[str, System] = {"prime": System(compare_prime, TOLERANCE)}
