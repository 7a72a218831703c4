"""Low resolution: pictures of few pixels, brought to the size that a model takes or left small."""

from corruptgen.codecs.geometry import fit_samples
from corruptgen.declare import Bytes, Scene, corruption
from corruptgen.records import Decoding


@corruption
def low_resolution(scene: Scene, *, side: int, resampling: str) -> Bytes:
    """Shrink the picture, as it is shaped, before it is brought to the size of the model.

    Parameters
    ----------
    scene : Scene
        The picture before the crop.
    side : int
        Pixels of the shorter side; fewer are worse.
    resampling : str
        "bicubic", or one of Pillow's others, which average over all that they make smaller.

    References
    ----------
    Pathak et al. 2025 (LR0.FM), https://arxiv.org/abs/2502.03950
    """
    return scene.view(fit_samples(scene.picture, Decoding(resize=side, interpolation=resampling)))


@corruption
def squashed_resolution(scene: Scene, *, side: int, resampling: str) -> Bytes:
    """Squash the picture into a small square, before that is brought to the size of the model.

    Parameters
    ----------
    scene : Scene
        The picture; the square holds all of it.
    side : int
        Pixels of the square's sides; fewer are worse.
    resampling : str
        "bicubic", or one of Pillow's others, which average over all that they make smaller.

    References
    ----------
    Pathak et al. 2025 (LR0.FM), https://arxiv.org/abs/2502.03950
    """
    return scene.view(fit_samples(scene.picture, Decoding(resize=(side, side), interpolation=resampling)))


@corruption
def thumbnail(scene: Scene, *, side: int, resampling: str) -> Bytes:
    """Shrink the picture, as it is shaped, and cut out the square in its middle, which stays small.

    Parameters
    ----------
    scene : Scene
        The picture before the crop.
    side : int
        Pixels of the shorter side and of the square; fewer are worse.
    resampling : str
        "bicubic", or one of Pillow's others, which average over all that they make smaller.

    References
    ----------
    Pathak et al. 2025 (LR0.FM), https://arxiv.org/abs/2502.03950
    """
    return fit_samples(scene.picture, Decoding(resize=side, crop=side, interpolation=resampling))
