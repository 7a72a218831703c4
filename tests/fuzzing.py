"""Damage for every kind of file and source, and what another decoder makes of the same damaged bytes."""

import gzip
import io
import json
import logging
import pickle
import signal
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import nibabel
import numpy as np
import pydicom
import tifffile
from PIL import Image, ImageFile, ImageOps

from corruptgen.codecs.high_bit_depth import read_samples
from corruptgen.codecs.images import decoded
from corruptgen.errors import CorruptgenError
from corruptgen.recipe.recipe import read_recipe
from corruptgen.records import Decoding
from corruptgen.sources import open_source
from tests.photographs import real_pixels, write_cifar
from tests.pictures import photograph
from tests.scans import file, group, picture_file, ramp, volume

SECONDS = 60  # after which a case hangs
LIMITS = (0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
HEADER = 600  # bytes, in which most of what a file states about itself stands
PHOTOGRAPH = photograph(20, 28)
SAMPLES = ramp("uint16", 20, 28)[..., 0] >> 4
TWELVE = {"BitsStored": 12, "HighBit": 11, "RescaleSlope": 2, "RescaleIntercept": -1024, "WindowCenter": 40}
UIDS = pydicom.uid


# ---- damage


def harm(content, draws, fields=()):
    """Flip, cut, fill, splice or insert bytes, or write a limit into a field of the header."""
    changed = bytearray(content)
    at = int(draws.randint(len(changed)))
    near = int(draws.randint(min(len(changed), HEADER)))
    match draws.randint(10):
        case 0:
            changed[at] ^= 1 << int(draws.randint(8))
        case 1:
            changed[near] ^= 1 << int(draws.randint(8))
        case 2:
            for _ in range(8):
                changed[int(draws.randint(len(changed)))] = int(draws.randint(256))
        case 3:
            del changed[at:]
        case 4:
            del changed[at : at + int(draws.randint(1, 64))]
        case 5:
            cut = int(draws.randint(len(changed)))
            changed[at : at + 64] = content[cut : cut + 64]
        case 6:
            changed[at:at] = draws.bytes(int(draws.randint(1, 64)))
        case 7:
            changed[near : near + 16] = bytes([255 * int(draws.randint(2))]) * 16
        case _:
            place, size, order = (
                fields[draws.randint(len(fields))] if fields else (near, 1 << draws.randint(3), "little")
            )
            value = LIMITS[draws.randint(len(LIMITS))] if draws.randint(3) else int(draws.randint(1 << 16))
            changed[place : place + size] = (value % (1 << (8 * size))).to_bytes(size, order)
    return bytes(changed)


def png_harm(content, draws):
    """Change a chunk of a PNG and make its checksum right again, so that what it says is believed."""
    if draws.randint(2):
        return harm(content, draws)
    chunks, at = [], 8
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        chunks.append([content[at + 4 : at + 8], bytearray(content[at + 8 : at + 8 + length])])
        at += 12 + length
    kind, chosen = chunks[draws.randint(len(chunks))]
    if chosen:
        place = int(draws.randint(min(len(chosen), 24)))
        # Sides of millions of pixels are not refused, and take seconds.
        is_side = kind == b"IHDR" and place in (1, 5)
        chosen[place] = 255 if is_side else int(draws.randint(256))
    parts = [struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + bytes(c))) for k, c in chunks]
    return content[:8] + b"".join(parts)


def dicom_fields(content):
    """Find the numbers of a DICOM header that say what the samples are."""
    found = []
    for element in (2, 8, 0x10, 0x11, 0x100, 0x101, 0x102, 0x103, 0x120):
        place = content.find(struct.pack("<HH", 0x28, element))
        if place > 0:
            found.append((place + 8, 2, "little"))
    return found


NIFTI_FIELDS = [
    *((place, 2, "little") for place in (40, 42, 44, 46, 48, 70, 72)),
    *((place, 4, "little") for place in (0, 80, 108, 112, 116, 280, 300, 320)),
]


# ---- what others make of the same bytes


@contextmanager
def quiet():
    lenient, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)
            ImageFile.LOAD_TRUNCATED_IMAGES = lenient


def by_pillow(content):
    """Decode with Pillow, upright."""
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        try:
            upright = ImageOps.exif_transpose(image)
        # Metadata decide no pixel; damaged ones turn nothing.
        except Exception:
            upright = image
        return np.asarray(upright.convert("RGBA" if image.has_transparency_data else "RGB"))[..., :3]


def by_pydicom(content):
    """Return the units of every pixel of a DICOM file, or its colours."""
    header = pydicom.dcmread(io.BytesIO(content), force=True)
    if "TransferSyntaxUID" not in header.file_meta:
        implicit, little = header.original_encoding
        explicit = UIDS.ExplicitVRLittleEndian if little else UIDS.ExplicitVRBigEndian
        header.file_meta.TransferSyntaxUID = UIDS.ImplicitVRLittleEndian if implicit else explicit
    syntax = header.file_meta.TransferSyntaxUID
    kind = header.PhotometricInterpretation
    if (
        (syntax.is_encapsulated and syntax != UIDS.RLELossless)
        or kind not in ("MONOCHROME1", "MONOCHROME2")
        or "FloatPixelData" in header
    ):
        if syntax in (UIDS.JPEGLossless, UIDS.JPEGLosslessSV1):
            frame = next(pydicom.encaps.generate_frames(header.PixelData, number_of_frames=1))
            values = imagecodecs.ljpeg_decode(frame).astype(np.int64)
            stored = int(header.BitsStored)
            if int(header.PixelRepresentation):
                values = np.where(values >> (stored - 1) & 1, values - (1 << stored), values)
        else:
            values = pydicom.pixels.pixel_array(
                header, index=0, decoding_plugin="" if syntax == UIDS.RLELossless else "pillow"
            )
        if kind not in ("MONOCHROME1", "MONOCHROME2"):
            return values
    else:
        if syntax == UIDS.RLELossless:
            header.decompress(generate_instance_uid=False)
        order = "<" if syntax.is_little_endian else ">"
        count = int(header.Rows) * int(header.Columns)
        words = np.frombuffer(header.PixelData, f"{order}u{int(header.BitsAllocated) // 8}", count).astype(np.int64)
        stored = int(header.BitsStored)
        shift = int(header.HighBit) + 1 - stored if header.get("HighBit") else 0
        values = (words >> shift) & ((1 << stored) - 1)
        if int(header.PixelRepresentation):
            values = np.where(values >> (stored - 1), values - (1 << stored), values)
        values = values.reshape(int(header.Rows), int(header.Columns))
    shared = header.get("SharedFunctionalGroupsSequence") or [{}]
    frames = header.get("PerFrameFunctionalGroupsSequence") or [{}]
    found = [
        g["PixelValueTransformationSequence"][0]
        for g in (frames[0], shared[0])
        if "PixelValueTransformationSequence" in g
    ]
    units = (found or [header])[0]
    slope, intercept = (units.get(k) for k in ("RescaleSlope", "RescaleIntercept"))
    slope = 1 if slope in (None, "") else float(slope)
    return values * slope + (0 if intercept in (None, "") else float(intercept))


def by_tifffile(content):
    """Read a TIFF with the library for scientific ones, or with Pillow what that does not know."""
    try:
        with tifffile.TiffFile(io.BytesIO(content)) as opened_file:
            page = opened_file.pages[0]
            found, inverted = page.asarray(), page.photometric == 0
    except Exception:
        return np.asarray(Image.open(io.BytesIO(content)))
    found = found * np.uint8(255) if found.dtype == bool else found
    # Where 0 is white, samples are turned around.
    return found.dtype.type(np.iinfo(found.dtype).max) - found if inverted and found.dtype.kind == "u" else found


# ---- kinds of files


@dataclass(frozen=True)
class FileKind:
    """A whole file, how it is harmed, and how it is compared."""

    content: bytes
    harm: object
    ours: object
    reference: object


def saved(form, image=PHOTOGRAPH, **options):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, form, **options)
    return buffer.getvalue()


def shallow(content):
    return decoded(content, Decoding())


def units(content):
    found = read_samples(content, "apply")
    pixels = found.pixels.astype(np.float64)
    if pixels.shape[2] == 3:
        return pixels
    return (pixels * found.slope + found.intercept)[..., 0]


def samples(content):
    return read_samples(content, "apply").pixels.squeeze()


def exif():
    found = Image.Exif()
    found[0x0112] = 6
    found[0x010F] = "maker"
    return found


def compressed(syntax):
    header = pydicom.dcmread(io.BytesIO(picture_file(SAMPLES, **TWELVE)))
    header.compress(syntax)
    buffer = io.BytesIO()
    header.save_as(buffer)
    return buffer.getvalue()


def deflated():
    content = picture_file(SAMPLES, **TWELVE)
    body = content[content.index(struct.pack("<HH", 8, 0x16)) :]
    engine = zlib.compressobj(9, wbits=-15)
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = UIDS.DeflatedExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UIDS.CTImageStorage, pydicom.uid.UID("1.2.3")
    buffer = io.BytesIO()
    buffer.write(b"\0" * 128 + b"DICM")
    pydicom.filewriter.write_file_meta_info(buffer, meta)
    return buffer.getvalue() + engine.compress(body) + engine.flush()


def picture_kinds():
    grey = PHOTOGRAPH[..., 0]
    forms = {
        "jpeg": saved("JPEG", exif=exif()),
        "jpeg grey": saved("JPEG", grey),
        "jpeg progressive": saved("JPEG", progressive=True),
        "webp": saved("WEBP", lossless=True),
        "gif": saved("GIF", grey),
        "bmp": saved("BMP"),
        "ppm": saved("PPM"),
        "tiff": saved("TIFF"),
        "tiff lzw": saved("TIFF", compression="tiff_lzw"),
    }
    kinds = {name: FileKind(content, harm, shallow, by_pillow) for name, content in forms.items()}
    return kinds | {"png": FileKind(saved("PNG"), png_harm, shallow, by_pillow)}


def scan_kinds():
    forms = {
        "dicom": picture_file(SAMPLES, **TWELVE),
        "dicom signed": picture_file(ramp("int16", 20, 28)[..., 0], RescaleIntercept=-5),
        "dicom film": picture_file(SAMPLES, PhotometricInterpretation="MONOCHROME1", **TWELVE),
        "dicom enhanced": picture_file(SAMPLES, frames=1, groups=(group(2, 5), group(3, -7, 40, 400)), **TWELVE),
        "dicom without a preamble": picture_file(SAMPLES, preamble=False, **TWELVE),
        "dicom implicit": picture_file(SAMPLES, preamble=None, **TWELVE),
        "dicom deflated": deflated(),
        "dicom rle": compressed(UIDS.RLELossless),
        "dicom jpeg lossless": picture_file(
            SAMPLES,
            syntax=UIDS.JPEGLosslessSV1,
            frame_bytes=[imagecodecs.ljpeg_encode(SAMPLES, bitspersample=12)],
            **TWELVE,
        ),
        "dicom jpeg 2000": picture_file(
            SAMPLES,
            syntax=UIDS.JPEG2000Lossless,
            frame_bytes=[imagecodecs.jpeg2k_encode(SAMPLES, level=0, codecformat="j2k", bitspersample=12)],
            **TWELVE,
        ),
    }
    kinds = {}
    for name, content in forms.items():
        fields = dicom_fields(content)
        kinds[name] = FileKind(content, lambda c, d, f=fields: harm(c, d, f), units, by_pydicom)
    for name, dtype in (("deep tiff", "uint16"), ("float tiff", "float32")):
        kinds[name] = FileKind(file(ramp(dtype, 20, 28)), harm, samples, by_tifffile)
    deep = file(ramp("uint16", 20, 28), "png")
    kinds["deep png"] = FileKind(deep, png_harm, samples, lambda c: np.asarray(Image.open(io.BytesIO(c))))
    return kinds


FILES = picture_kinds() | scan_kinds()


def check_file(kind, bad):
    """Decode damaged bytes: refused with a reason, or accepted with what another decoder makes of them."""
    found, reason = None, ""
    with watched():
        try:
            found = FILES[kind].ours(bad)
        except CorruptgenError as error:
            reason = str(error)
    if found is None:
        assert reason
        assert "\n" not in reason
        return False
    with quiet():
        try:
            expected = FILES[kind].reference(bad)
        # What others cannot read at all may be accepted if nothing of it is damaged.
        except Exception:
            expected = FILES[kind].ours(FILES[kind].content)
    assert same(found, expected), f"{kind}: accepted with other pixels than those of the reference"
    return True


def check_kind(kind, count, seed):
    """Harm a file again and again; return how many cases were accepted."""
    draws = np.random.RandomState(seed)
    return sum(check_file(kind, FILES[kind].harm(FILES[kind].content, draws)) for _ in range(count))


def same(found, expected):
    found, expected = np.squeeze(np.asarray(found)), np.squeeze(np.asarray(expected))
    if found.dtype == np.uint8 and found.dtype == expected.dtype and found.shape == expected.shape:
        return np.array_equal(found, expected)
    if found.ndim == 3 and expected.ndim == 2:
        expected = np.repeat(expected[..., None], 3, axis=2)
    if found.ndim == 2 and expected.ndim == 3 and (expected == expected[..., :1]).all():
        expected = expected[..., 0]
    return found.shape == expected.shape and np.allclose(found, expected, rtol=1e-6, atol=1e-6, equal_nan=True)


@contextmanager
def watched():
    """Fail if a case hangs."""

    def late(*_):
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


# ---- kinds of sources


def opened(kind, place, **keys):
    content = {"name": "a", "version": "1.0.0", "source": {"kind": kind, "path": str(place)} | keys}
    deep = {"decode": {"window": "range"}} if kind == "folder" and place.name == "volumes" else {}
    return open_source(read_recipe(content | deep | {"corrupt": {"preset": "cifar-c"}}, "recipe"))


def volumes(folder, name):
    """Return the slices of a volume as nibabel sees them, in its units."""
    image = nibabel.as_closest_canonical(nibabel.load(folder / name))
    values = np.asarray(image.dataobj, np.float64)
    values = values.reshape(*values.shape[:3], *([1] if values.ndim == 2 else []))
    return {f"{name}#{k:04d}": values[::-1, ::-1, k].T for k in range(values.shape[2])}


def bits(values):
    """Return what an item of a source is, to be compared: bytes decoded, arrays as they are, scans in their units."""
    if isinstance(values, bytes):
        return shallow(values)
    if isinstance(values, np.ndarray):
        return values
    return (values.pixels.astype(np.float64) * values.slope + values.intercept)[..., 0]


def whole_npz(folder):
    np.savez_compressed(folder / "a.npz", test_images=real_pixels(4), test_labels=np.arange(4))
    return "a.npz", {"kind": "npz"}, None


def whole_stored_npz(folder):
    np.savez(folder / "a.npz", test_images=real_pixels(4), test_labels=np.arange(4))
    return "a.npz", {"kind": "npz"}, None


def whole_npy(folder):
    np.save(folder / "a.npy", real_pixels(4))
    return "a.npy", {"kind": "npy"}, lambda f: {f"test/{k}": v for k, v in enumerate(np.load(f / "a.npy"))}


def whole_tar(folder):
    with tarfile.open(folder / "a.tar", "w") as archive:
        for number, pixels in enumerate(real_pixels(4)):
            for name, data in ((f"{number}.png", saved("PNG", pixels)), (f"{number}.cls", b"1")):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))

    def reference(f):
        found = {}
        with suppress(tarfile.TarError), tarfile.open(f / "a.tar") as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                if member.isreg() and name.lower().endswith(".png"):
                    found["a/" + name.rpartition(".")[0]] = archive.extractfile(member).read()
        return found

    return "a.tar", {"kind": "webdataset"}, reference


def whole_parquet(folder):
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    rows = {"image": [{"bytes": saved("PNG", p), "path": None} for p in real_pixels(4)], "label": [0, 1, 0, 1]}
    pq.write_table(pa.table(rows), folder / "a.parquet", write_page_checksum=True)
    return "a.parquet", {"kind": "hub"}, None


def whole_cifar(folder):
    write_cifar(folder / "c")

    def reference(f):
        raw = np.frombuffer((f / "c/test_batch.bin").read_bytes(), np.uint8).reshape(-1, 3073)
        return {f"test/{k}": row[1:].reshape(3, 32, 32).transpose(1, 2, 0) for k, row in enumerate(raw)}

    return "c/test_batch.bin", {"kind": "cifar", "path": "c"}, reference


def whole_cifar_tar(folder):
    write_cifar(folder / "c")
    with tarfile.open(folder / "c.tar.gz", "w:gz") as archive:
        archive.add(folder / "c", "c")

    def reference(f):
        with tarfile.open(f / "c.tar.gz") as archive:
            raw = archive.extractfile("c/test_batch.bin").read()
        rows = np.frombuffer(raw, np.uint8).reshape(-1, 3073)
        return {f"test/{k}": row[1:].reshape(3, 32, 32).transpose(1, 2, 0) for k, row in enumerate(rows)}

    return "c.tar.gz", {"kind": "cifar"}, reference


def whole_pickles(folder):
    (folder / "c").mkdir()
    rows = np.ascontiguousarray(real_pixels(4).transpose(0, 3, 1, 2).reshape(4, -1))
    batch = {b"data": rows, b"labels": [0, 1, 2, 3], b"filenames": [b"a.png"] * 4}
    (folder / "c/test_batch").write_bytes(pickle.dumps(batch, protocol=2))

    def reference(f):
        # Only what asks for nothing but arrays has been accepted.
        rows = pickle.loads((f / "c/test_batch").read_bytes(), encoding="bytes")
        rows = {k.decode("latin-1") if isinstance(k, bytes) else k: v for k, v in rows.items()}["data"]
        return {f"test/{k}": row.reshape(3, 32, 32).transpose(1, 2, 0) for k, row in enumerate(rows)}

    return "c/test_batch", {"kind": "cifar", "path": "c"}, reference


def write_idx(folder, packed):
    images = real_pixels(4)[..., 0]
    for name, values in (("images-idx3", images), ("labels-idx1", np.arange(4, dtype=np.uint8))):
        content = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()
        path = folder / f"m/t10k-{name}-ubyte{'.gz' if packed else ''}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(gzip.compress(content) if packed else content)
    return images


def whole_mnist(folder):
    write_idx(folder, False)

    raw = folder / "m/t10k-images-idx3-ubyte"
    return "m/t10k-images-idx3-ubyte", {"kind": "mnist", "path": "m"}, lambda f: by_idx(raw.read_bytes())


def by_idx(raw):
    shape = struct.unpack(">3I", raw[4:16])
    return {f"test/{k}": v for k, v in enumerate(np.frombuffer(raw[16:], np.uint8).reshape(shape))}


def whole_packed_mnist(folder):
    write_idx(folder, True)
    packed = folder / "m/t10k-images-idx3-ubyte.gz"
    return (
        packed.relative_to(folder).as_posix(),
        {"kind": "mnist", "path": "m"},
        lambda f: by_idx(gzip.decompress(packed.read_bytes())),
    )


def whole_volume(folder):
    (folder / "volumes").mkdir()
    volume(folder / "volumes/a.nii", scl_slope=2, scl_inter=-50)
    return "volumes/a.nii", {"kind": "folder", "path": "volumes"}, lambda f: volumes(f / "volumes", "a.nii")


def whole_packed_volume(folder):
    (folder / "volumes").mkdir()
    volume(folder / "volumes/a.nii.gz", scl_slope=2, scl_inter=-50)
    return "volumes/a.nii.gz", {"kind": "folder", "path": "volumes"}, lambda f: volumes(f / "volumes", "a.nii.gz")


def write_images(folder):
    (folder / "images").mkdir()
    for number, pixels in enumerate(real_pixels(3, 12)):
        (folder / f"images/{number}.png").write_bytes(saved("PNG", pixels))


def by_name(folder):
    return {path.name: path.read_bytes() for path in (folder / "images").glob("*.png")}


def whole_metadata(folder):
    write_images(folder)
    (folder / "images/metadata.csv").write_text("file_name,label\n0.png,cat\n1.png,dog\n2.png,cat\n")
    return "images/metadata.csv", {"kind": "folder", "path": "images", "labels": "metadata"}, by_name


def whole_json_lines(folder):
    write_images(folder)
    lines = [json.dumps({"file_name": f"{k}.png", "label": k % 2}) for k in range(3)]
    (folder / "images/metadata.jsonl").write_text("\n".join(lines))
    return "images/metadata.jsonl", {"kind": "folder", "path": "images", "labels": "metadata"}, by_name


def whole_coco(folder):
    write_images(folder)
    images = [{"id": k, "file_name": f"{k}.png", "height": 12, "width": 12} for k in range(3)]
    boxes = [{"id": k, "image_id": k, "bbox": [1, 2, 3, 4], "category_id": 1} for k in range(3)]
    (folder / "boxes.json").write_text(json.dumps({"images": images, "annotations": boxes, "categories": []}))
    return "boxes.json", {"kind": "coco", "path": "images", "annotations": "boxes.json"}, by_name


SOURCES = {
    "npz": whole_npz,
    "stored npz": whole_stored_npz,
    "npy": whole_npy,
    "tar": whole_tar,
    "parquet": whole_parquet,
    "cifar": whole_cifar,
    "cifar tar.gz": whole_cifar_tar,
    "cifar pickle": whole_pickles,
    "mnist": whole_mnist,
    "mnist gz": whole_packed_mnist,
    "nifti": whole_volume,
    "nifti gz": whole_packed_volume,
    "metadata": whole_metadata,
    "json lines": whole_json_lines,
    "coco": whole_coco,
}


def source_harm(kind, content, draws):
    """Harm a container; what is packed or has checksums is also harmed inside and packed again."""
    inside = draws.randint(2)
    if kind.endswith("gz") and inside:
        return gzip.compress(harm(gzip.decompress(content), draws, NIFTI_FIELDS if kind.startswith("nifti") else ()), 1)
    if kind.endswith("npz") and inside:
        buffer = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
            names = old.namelist()
            chosen = names[draws.randint(len(names))]
            for name in names:
                new.writestr(name, harm(old.read(name), draws) if name == chosen else old.read(name))
        return buffer.getvalue()
    return harm(content, draws, NIFTI_FIELDS if kind == "nifti" else ())


def inside_npz(folder):
    """Return the images of an archive as numpy loads them."""
    images = np.load(folder / "a.npz")["test_images"]
    return {f"test/{k}": v for k, v in enumerate(images)}


def check_sources(kind, folder, count, seed):
    """Harm a source again and again; return how many cases gave images, and how many only reasons."""
    draws = np.random.RandomState(seed)
    folder = Path(folder)
    name, keys, reference = SOURCES[kind](folder)
    content = (folder / name).read_bytes()
    keys = {"path": name} | keys
    for key in ("path", "annotations"):
        if key in keys:
            keys[key] = folder / keys[key] if key == "path" else str(folder / keys[key])
    whole, _ = read_all(keys)
    assert whole
    if kind.endswith("npz"):
        reference = inside_npz
    outcomes = Counter()
    for _ in range(count):
        bad = source_harm(kind, content, draws)
        (folder / name).unlink()
        (folder / name).write_bytes(bad)
        found, reasons = read_all(keys)
        assert all(reasons)
        assert not any(str(folder) in reason or "\n" in reason for reason in reasons)
        outcomes["accepted" if found else "refused"] += 1
        if not found:
            continue
        with quiet():
            others = reference(folder) if reference else whole
            expected = {key: bits(others[key]) for key in found if key in others}
        for key, values in found.items():
            assert key in expected, f"{kind}: {key} is not in the source"
            assert same(values, expected[key]), f"{kind}: {key} has other pixels than those of the reference"
    return outcomes


def read_all(keys):
    """Return what every item of a source is by id, and the reasons of what cannot be used."""
    found, reasons = {}, []
    with watched():
        try:
            source = opened(**{"place": keys["path"]} | {k: v for k, v in keys.items() if k != "path"})
            listing = source.listing()
            reasons += [rejection.reason for rejection in listing.rejected]
            for item in list(listing.items)[:8]:
                try:
                    found[item.id] = bits(source.read(item))
                except CorruptgenError as error:
                    reasons.append(str(error))
        except CorruptgenError as error:
            reasons.append(str(error))
    return found, reasons
