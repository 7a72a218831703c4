"""Low and high frequencies of the luminance, alone."""

from corruptgen.declare import UnitPicture, corruption
from corruptgen.ops.colour import in_channels, luminance
from corruptgen.ops.gaussian import smooth_within


@corruption
def grey_low_pass(image: UnitPicture, *, sigma: float, mean_grey: float) -> UnitPicture:
    """Keep the low frequencies of the luminance: blur it, as if it lay on a grey sheet.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1], of grey or colour.
    sigma : float
        Standard deviation of the Gaussian in pixels; more is worse, 0 leaves the luminance alone.
    mean_grey : float
        The grey that lies beyond the border: the mean of a data set.

    References
    ----------
    Geirhos et al. 2018, https://arxiv.org/abs/1808.08750
    """
    return in_channels(smooth_within(luminance(image), sigma, mean_grey), image.shape[2])


@corruption
def grey_high_pass(image: UnitPicture, *, sigma: float, mean_grey: float) -> UnitPicture:
    """Keep the high frequencies of the luminance: what a blur takes away, on a grey of its own.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1], of grey or colour.
    sigma : float
        Standard deviation of the Gaussian in pixels; less is worse.
    mean_grey : float
        The mean of the result, and the grey beyond the border: the mean of a data set.

    References
    ----------
    Geirhos et al. 2018, https://arxiv.org/abs/1808.08750
    """
    plane = luminance(image)
    detail = plane - smooth_within(plane, sigma, mean_grey)
    return in_channels(detail + (mean_grey - detail.mean()), image.shape[2])
