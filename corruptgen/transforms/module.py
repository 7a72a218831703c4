"""The transforms as a layer of a torch network, in the manner of kornia."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from corruptgen.transforms.corrupt import Corrupt
from corruptgen.transforms.draw import Draw
from corruptgen.transforms.transform import ImageKey, Transform


class CorruptModule(nn.Module):  # type: ignore[misc]  # torch is not followed
    """Change the images of a batch, each by draws of its own.

    Tensors of shape (C, H, W) or (N, C, H, W), uint8 or float in [0, 1], on any device: the work is done on the
    processor. Gradients end here.

    Parameters
    ----------
    transform : Transform or str
        Any transform, or the name of a severity table, for `Corrupt`.
    options : object
        The other arguments of `Corrupt`.

    Examples
    --------
    >>> import torch
    >>> module = CorruptModule("natural", rows=["brightness"], severity=3, seed=1)
    >>> module(torch.full((2, 3, 64, 64), 0.5), key=["a", "b"]).shape
    torch.Size([2, 3, 64, 64])
    """

    def __init__(self, transform: Transform | str, **options: Any) -> None:
        super().__init__()
        self.transform = transform if isinstance(transform, Transform) else Corrupt(transform, **options)

    def forward(self, images: Tensor, key: ImageKey | Sequence[ImageKey] | None = None) -> Any:
        """Change an image or a batch; see `Transform`."""
        return self.transform(images, key=key)

    def draw(self, key: ImageKey | None = None) -> Draw:
        """Decide what to do to one image."""
        return self.transform.draw(key)

    def apply_draw(self, images: Tensor, draw: Draw | Sequence[Draw]) -> Any:
        """Do to images what was drawn; `apply` is a name that torch has for something else."""
        return self.transform.apply(images, draw)

    def set_epoch(self, epoch: int) -> None:
        """Make a seeded transform use new draws."""
        self.transform.set_epoch(epoch)

    def extra_repr(self) -> str:
        """Name the transform in the network's description."""
        return repr(self.transform)
