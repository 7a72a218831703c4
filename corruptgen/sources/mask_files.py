"""Mask files: which of them belong to an image, and the labels that a volume of masks holds."""

from dataclasses import dataclass
from itertools import product
from math import dist
from pathlib import Path, PurePosixPath

import numpy as np

from corruptgen.codecs import dicom
from corruptgen.codecs.images import EXTENSIONS
from corruptgen.codecs.windowing import StoredSamples
from corruptgen.errors import Rejected
from corruptgen.recipe.source_section import MASK_KINDS
from corruptgen.sources import dicom_files, nifti
from corruptgen.sources.label_masks import LabelMask, array_mask

PNG = ".png"
PICTURES = (PNG, ".tif", ".tiff", ".gif")
STACKS = (".tif", ".tiff")
VOLUMES = (".nii.gz", ".nii")


@dataclass(frozen=True)
class MaskName:
    """What a mask of an image is called."""

    stored: str
    """In the output, where it is a PNG."""
    own: tuple[str, ...]
    """Files that hold this mask alone, the usual one first."""
    shared: tuple[str, ...] = ()
    """Files that hold the masks of all slices or frames of the image's file."""
    number: int | None = None
    """Of the slice or frame; None: the image is a file of its own."""


def mask_names(name: str, endings: tuple[str, ...]) -> list[MaskName]:
    """Return what the masks of an image are called.

    Parameters
    ----------
    name : str
        The id of the image; each slice of a volume and each frame of several has masks of its own.
    endings : tuple of str
        How names of images end, and how those of their masks do instead; an empty one is that of any image, whose mask
        is called as it is.

    Returns
    -------
    list of MaskName
        One for each ending of masks; none if the image does not end so.
    """
    image, *masks = endings or ("",)
    file, number = nifti.slice_of(name) or dicom_files.frame_of(name) or (name, None)
    mark = name[len(file) :]
    if not image:
        return [_usual_name(name, file, number)] if masks else []
    if not file.endswith(image):
        return []
    found = []
    for ending in masks:
        kind = next(kind for kind in MASK_KINDS if ending.endswith(kind))
        stem = file.removesuffix(image) + ending.removesuffix(kind)
        own = () if kind in VOLUMES else (stem + mark + kind,)
        is_shared = kind in VOLUMES or (kind in STACKS and mark and not nifti.slice_of(name))
        found.append(MaskName(stem + mark + PNG, own, (stem + kind,) if is_shared else (), number))
    return found


def _usual_name(name: str, file: str, number: int | None) -> MaskName:
    """Name the mask of an image where the recipe names no endings."""
    stem = _stem(file)
    alone = name if number is not None else stem
    volumes = tuple(stem + kind for kind in VOLUMES)
    if nifti.slice_of(name):
        # The volume of the same name comes first.
        shared = tuple(dict.fromkeys((file, *volumes)))
    else:
        shared = (tuple(stem + kind for kind in STACKS) if number is not None else ()) + volumes
    return MaskName(alone + PNG, tuple(alone + kind for kind in PICTURES), shared, number)


def _stem(file: str) -> str:
    """Take the ending off a name; what comes after the last dot of a file without one, such as a UID, is no ending."""
    if nifti.is_nifti(file):
        return file[: -len(next(kind for kind in VOLUMES if file.lower().endswith(kind)))]
    ending = PurePosixPath(file).suffix
    return file.removesuffix(ending) if ending.lower() in EXTENSIONS | dicom.EXTENSIONS else file


def read_volume(path: Path, name: str, number: int | None, image: object) -> LabelMask:
    """Read the slice of a volume of masks that belongs to a slice of a volume of images.

    Parameters
    ----------
    path : Path
        The volume of masks.
    name : str
        What messages call it.
    number : int or None
        Number of the slice.
    image : object
        What the source gave for the slice.

    Raises
    ------
    Rejected
        If it cannot be read, if it is not on the voxels of the image's volume, or if it holds no labels.
    """
    if not isinstance(image, StoredSamples) or not image.affine or number is None:
        raise Rejected(
            f"has a mask {name}, which is a volume, and is no slice of one: where its rows begin is not known; write "
            "the mask as PNG or TIFF"
        )
    try:
        slices = len(nifti.slice_ids(path, name))
        mask = nifti.read_nifti(path, number) if slices == image.siblings else None
    except Rejected as error:
        raise Rejected(f"has a mask {name} that {error}") from error
    if mask is None:
        raise Rejected(f"is of a volume of {image.siblings} slices, and its mask {name} of one of {slices}")
    sizes = image.pixels.shape[:2], mask.pixels.shape[:2]
    if sizes[0] == sizes[1] and _distance(image, mask) > 0.5:
        raise Rejected(
            f"has a mask {name} whose affine places it elsewhere than the image; resample it onto the image's voxels, "
            "or write the image's affine into it if it is drawn on them"
        )
    labels = mask.pixels[..., 0]
    if (mask.slope, mask.intercept) != (1, 0):
        labels = labels * np.float64(mask.slope) + mask.intercept
    return array_mask(labels)


def _distance(image: StoredSamples, mask: StoredSamples) -> float:
    """Return how far corners of two volumes of the same size are apart, in the smallest side of a voxel."""
    here, there = (np.reshape(found.affine, (4, 4)) for found in (image, mask))
    height, width = image.pixels.shape[:2]
    corners = [
        np.array([right, front, up, 1.0])
        for right, front, up in product((0, width - 1), (0, height - 1), (0, image.siblings - 1))
    ]
    side = float(np.linalg.norm(here[:3, :3], axis=0).min()) or 1.0
    return max(dist((here @ corner)[:3], (there @ corner)[:3]) for corner in corners) / side
