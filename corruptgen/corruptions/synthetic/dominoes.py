"""Dominoes: two images, one above the other, of which only one is what the label is about."""

import numpy as np

from corruptgen.declare import Unit, UnitOfOtherSize, corruption


@corruption
def domino(image: Unit, donor: Unit, *, donor_above: bool) -> UnitOfOtherSize:
    """Stack the image and another one, which makes an image of twice the height.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    donor : ndarray of float, shape (H, W, C)
        The other image.
    donor_above : bool
        Whether the upper half is the other image, instead of the lower one.

    References
    ----------
    Shah et al. 2020 (MNIST-CIFAR), https://arxiv.org/abs/2006.07710
    """
    return np.concatenate([donor, image] if donor_above else [image, donor])
