"""Turning the image."""

from corruptgen.declare import Bytes, Warp, corruption
from corruptgen.ops.affine import Rotation
from corruptgen.randomness.draws import Draws


@corruption
def random_rotation(image: Bytes, rng: Draws, *, reach: int) -> Warp:
    """Turn the image about its middle by whole degrees, to either side; its corners become black.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    reach : int
        The largest angle in degrees; more is worse, 0 leaves the image alone.

    References
    ----------
    AVRobustBench, https://github.com/sarthaxxxxx/AV-C-Robustness-Benchmark
    """
    degrees = int(rng.integers(-reach, reach + 1))
    return Rotation(degrees, (image.shape[0], image.shape[1]))
