"""Picture files: what decides no pixel rejects none, grey stays grey, and many formats are read."""

import errno
import io
import json
import struct
import tarfile
import zipfile
import zlib
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

from corruptgen.codecs import guard
from corruptgen.codecs import high_bit_depth as deep
from corruptgen.codecs.images import decode_lossless_file, decoded, encode_image, native_file_size
from corruptgen.engine.generation import generate
from corruptgen.engine.manifest import BlockTable
from corruptgen.engine.plan import make_plan
from corruptgen.errors import RecipeError, Rejected
from corruptgen.recipe.recipe import current_form, read_recipe
from corruptgen.records import DEFAULT_TOLERATE, Decoding, Encoding
from corruptgen.sources.label_masks import label_mask
from corruptgen.tables import catalog
from corruptgen.transforms import Corrupted, samples
from corruptgen.transforms.hf import corrupt as corrupt_dataset
from corruptgen.verification.verdict import verify
from tests.pictures import photograph

PIXELS = photograph(40, 56)
PICTURE = Image.fromarray(PIXELS)
GREY = Image.fromarray(photograph(40, 56, 1)[..., 0])
ORIENTATION, MAKE = 0x0112, 0x010F
KEEP = Decoding(colour="keep")


def saved(picture, form, **options):
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def exif(orientation=6, *, damage=""):
    """Make an EXIF block of an orientation and a maker whose name lies behind it."""
    entries = struct.pack("<HHII", ORIENTATION, 3, 1, orientation)
    entries += struct.pack("<HHII", MAKE, 2, 9, 10_000 if damage == "beyond" else 38)
    count = 5 if damage == "short" else 2
    block = b"II*\0" + struct.pack("<IH", 8, count) + entries + bytes(4) + b"a camera\0"
    return {"garbage": b"not exif", "short": block[:34]}.get(damage, block)


def segment(code, payload):
    return bytes([0xFF, code]) + struct.pack(">H", len(payload) + 2) + payload


def jpeg_with(*segments, picture=PICTURE, **options):
    content = saved(picture, "JPEG", quality=90, **options)
    return content[:2] + b"".join(segments) + content[2:]


def chunk(name, data, crc=None):
    checksum = zlib.crc32(name + data) if crc is None else crc
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


def png_with(*chunks):
    content = saved(PICTURE, "PNG")
    return content[:33] + b"".join(chunks) + content[33:]


def webp_with(name, payload, *, declared=None):
    """Put a chunk at the end of a WebP, and have its header say so."""
    body = saved(PICTURE, "WEBP", lossless=True)[12:]
    flags = {b"EXIF": 0x08, b"XMP ": 0x04}[name]
    head = (
        b"VP8X"
        + struct.pack("<I", 10)
        + bytes([flags, 0, 0, 0])
        + struct.pack("<I", 55)[:3]
        + struct.pack("<I", 39)[:3]
    )
    extra = name + struct.pack("<I", declared or len(payload)) + payload + bytes(len(payload) % 2)
    whole = b"WEBP" + head + body + extra
    return b"RIFF" + struct.pack("<I", len(whole)) + whole


def tiff_with(tag, values, order="<"):
    """Write a tag with several short values into a TIFF, in the place of its software."""
    found = saved(PICTURE, "TIFF", software="a program that writes")
    at = found.index(struct.pack("<HH", 305, 2))
    entry = struct.pack("<HHI", tag, 3, len(values)) + struct.pack("<HH", *values)
    entries = bytearray(found)
    start = struct.unpack_from("<I", found, 4)[0]
    count = struct.unpack_from("<H", found, start)[0]
    kept = [found[start + 2 + 12 * i : start + 14 + 12 * i] for i in range(count)]
    kept = sorted([e for e in kept if e != found[at : at + 12]] + [entry], key=lambda e: struct.unpack_from("<H", e))
    entries[start + 2 : start + 2 + 12 * count] = b"".join(kept)
    return bytes(entries)


def software_beyond(content):
    """Let the name of the program in a TIFF lie behind the end of the file."""
    at = content.index(struct.pack("<HH", 305, 2))
    offset = at + (12 if content[2] == 43 else 8)
    return content[:offset] + struct.pack("<I", 1 << 20) + content[offset + 4 :]


MPF = b"MPF\0II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHI4s", 0xB000, 7, 4, b"0100") + bytes(4)
# Content, what was passed over, and whether its orientation can still be read; None: it has none.
DAMAGED = {
    "exif-beyond.jpg": (jpeg_with(segment(0xE1, b"Exif\0\0" + exif(damage="beyond"))), "EXIF", True),
    "exif-short.jpg": (jpeg_with(segment(0xE1, b"Exif\0\0" + exif(damage="short"))), "EXIF", True),
    "mpf.jpg": (jpeg_with(segment(0xE2, MPF)), "MPF", None),
    "exif-garbage.png": (png_with(chunk(b"eXIf", exif(damage="garbage"))), "EXIF", False),
    "text-checksum.png": (png_with(chunk(b"tEXt", b"Title\0a", crc=7)), "text", None),
    "long-text.png": (png_with(chunk(b"zTXt", b"Title\0\0" + zlib.compress(bytes(3 << 20)))), "text", None),
    "time-checksum.png": (png_with(chunk(b"tIME", bytes(7), crc=7)), "other metadata", None),
    "profile.png": (png_with(chunk(b"iCCP", b"name\0\0not packed", crc=7)), "colour profile", None),
    "exif-short.webp": (webp_with(b"EXIF", exif(damage="short")), "EXIF", True),
    "exif-cut-off.webp": (webp_with(b"EXIF", exif(), declared=9000), "EXIF", True),
    "resolution.tif": (tiff_with(282, (72, 1)), "resolution tags", None),
    "orientation.tif": (tiff_with(274, (6, 1)), "orientation tag", True),
    "software.tif": (software_beyond(saved(PICTURE, "TIFF", software="a program that writes")), "other tags", None),
    "big.tif": (
        software_beyond(saved(PICTURE, "TIFF", software="a program that writes", big_tiff=True)),
        "other tags",
        None,
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_metadata_over_whole_pixels_are_passed_over_and_named(name):
    content, kind, turns = DAMAGED[name]
    stored = PIXELS if not name.endswith("jpg") else np.asarray(Image.open(io.BytesIO(jpeg_with())))

    for way, looks in (("apply", turns), ("ignore", False)):
        picture = deep.decode_image(content, Decoding(exif=way))

        assert np.array_equal(picture.pixels, np.rot90(stored, -1) if looks else stored)
        assert native_file_size(content, Decoding(exif=way)) == picture.pixels.shape[:2]
        assert picture.notes == (() if kind == "EXIF" and way == "ignore" else (f"damaged {kind}",))


def test_several_damages_of_one_file_are_all_named():
    content = jpeg_with(
        segment(0xE1, b"Exif\0\0" + exif(damage="beyond")), segment(0xE2, MPF), segment(0xFE, b"a word")
    )

    assert deep.decode_image(content, Decoding()).notes == ("damaged EXIF", "damaged MPF")


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_of_samples_beside_that_of_metadata_still_rejects(name):
    content = DAMAGED[name][0]
    kept = content.index(b"\xff\xda") + 200 if name.endswith("jpg") else len(content) // 3

    with pytest.raises(Rejected):
        decoded(content[:kept], Decoding())


def test_transparency_and_animation_of_a_png_are_no_metadata():
    bad = chunk(b"tEXt", b"Title\0a", crc=7)

    with pytest.raises(Rejected, match="transparent"):
        decoded(png_with(bad, chunk(b"tRNS", bytes(PIXELS[0, 0].astype(">u2")))), Decoding())
    with pytest.raises(Rejected, match="cannot be decoded"):
        decoded(png_with(bad, chunk(b"tRNS", bytes(6), crc=7)), Decoding())


def with_scan_parameters(content, parameters):
    at = content.index(b"\xff\xda")
    end = at + 2 + int.from_bytes(content[at + 2 : at + 4])
    return content[: end - 3] + bytes(parameters) + content[end:]


def with_bytes_before_end(content, more):
    return content[:-2] + more + content[-2:]


ODD = {
    "jpeg-scan-parameters": lambda content: with_scan_parameters(content, (0, 0, 0)),
    "jpeg-padding": lambda content: with_bytes_before_end(content, bytes(12)),
    "jpeg-version": lambda content: content.replace(b"JFIF\0\x01", b"JFIF\0\x07"),
    "jpeg-extraneous-bytes": lambda content: with_bytes_before_end(content, b"\x12\x34" * 8),
}


@pytest.mark.parametrize("picture", [PICTURE, GREY])
@pytest.mark.parametrize("name", ODD)
def test_oddities_of_jpeg_are_tolerated_by_name_with_the_pixels_of_the_plain_file(name, picture):
    plain = saved(picture, "JPEG", quality=90)
    content = ODD[name](plain)
    default = Decoding()

    with pytest.raises(Rejected, match=name):
        decoded(content, Decoding(tolerate=()))
    if name in DEFAULT_TOLERATE:
        assert deep.decode_image(content, default).notes == (f"tolerated {name}",)
    else:
        with pytest.raises(Rejected, match=name):
            decoded(content, default)
    assert np.array_equal(decoded(content, Decoding(tolerate=(name,))), decoded(plain, default))


def test_an_oddity_hides_neither_another_one_nor_damage():
    plain = saved(PICTURE, "JPEG", quality=90)
    both = ODD["jpeg-padding"](ODD["jpeg-scan-parameters"](jpeg_with(segment(0xE2, MPF))))
    cut = with_scan_parameters(plain[: len(plain) * 2 // 3] + plain[-2:], (0, 0, 0))

    assert deep.decode_image(both, Decoding()).notes == (
        "damaged MPF", "tolerated jpeg-scan-parameters", "tolerated jpeg-padding",
    )  # fmt: skip
    with pytest.raises(Rejected, match="cannot be decoded"):
        decoded(cut, Decoding(tolerate=tuple(ODD)))


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EACCES])
def test_the_machines_trouble_is_not_the_files_fault(number):
    for trouble in (OSError(number, "trouble"), MemoryError(), KeyboardInterrupt()):
        with pytest.raises(type(trouble)), guard.guard_decoder():
            raise trouble
    with pytest.raises(Rejected), guard.guard_decoder():
        raise OSError("image file is truncated")


def test_a_mask_with_damaged_metadata_is_read():
    labels = saved(GREY, "PNG")
    content = labels[:33] + chunk(b"tEXt", b"Title\0a", crc=7) + labels[33:]

    assert np.array_equal(np.asarray(label_mask(content).image), np.asarray(GREY))


def test_metadata_of_deep_pngs_are_passed_over_too():
    deep_png = encode_image(photograph(40, 56, 1).astype(np.uint16) * 257, Encoding("png"))
    content = deep_png[:33] + chunk(b"eXIf", exif(damage="short")) + deep_png[33:]

    found = deep.decode_image(content, Decoding(window="bits"))

    assert found.pixels.shape == (56, 40, 1)
    assert found.notes == ("damaged EXIF",)


BYTES = PIXELS[..., 0]


def tiff(samples, *extra, **options):
    """Write a TIFF of any samples, with extra bands of these kinds."""
    tifffile = pytest.importorskip("tifffile")
    buffer = io.BytesIO()
    bands = {"extrasamples": extra, "planarconfig": "contig"} if extra else {}
    tifffile.imwrite(buffer, samples, metadata=None, software=False, **{"photometric": "minisblack"} | bands | options)
    return buffer.getvalue()


REFUSED_TIFFS = {
    "CIELAB": lambda kind: tiff(PIXELS.astype(kind), photometric="cielab"),
    "1 band beside": lambda kind: tiff(np.dstack([PIXELS, BYTES]).astype(kind), "unspecified", photometric="rgb"),
    "2 bands beside": lambda kind: tiff(PIXELS.astype(kind), "unspecified", "unspecified"),
    "a volume of 2 planes": lambda kind: tiff(np.zeros((2, 16, 16), kind), volumetric=True, tile=(2, 16, 16)),
    "transparent": lambda kind: tiff(np.dstack([PIXELS, BYTES]).astype(kind), "unassalpha", photometric="rgb"),
}


@pytest.mark.parametrize("name", REFUSED_TIFFS)
@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_a_tiff_that_is_no_grey_or_colour_picture_is_refused_with_and_without_a_window(name, kind):
    content = REFUSED_TIFFS[name](kind)
    # Of bands that are no colours, Pillow knows some layouts only, and names the others less well.
    with pytest.raises(Rejected, match=f"{name}|known format|more than 8 bits"):
        deep.decode_image(content, KEEP)
    with pytest.raises(Rejected, match=f"{name}|known format"):
        deep.decode_image(content, Decoding(window="range"))


@pytest.mark.parametrize("samples", [BYTES, PIXELS])
def test_signed_samples_of_8_bits_are_refused_or_kept_with_their_sign(samples):
    options = {"photometric": "rgb"} if samples.ndim == 3 else {}
    signed = samples.astype(np.int16) - 128
    content = tiff(signed.astype(np.int8), **options)

    with pytest.raises(Rejected):
        deep.decode_image(content, KEEP)
    found = deep.decode_image(content, Decoding(window="bits"))
    assert np.array_equal(found.pixels, signed.reshape(*signed.shape[:2], -1))
    assert (found.form.black, found.form.full_scale) == (-128, 255)


def test_an_opaque_alpha_channel_is_dropped_whatever_the_depth():
    for colours, options in ((BYTES[..., None], {}), (PIXELS, {"photometric": "rgb"})):
        sixteen = colours.astype(np.uint16) * 257
        alpha = np.full((*colours.shape[:2], 1), 65535, np.uint16)

        found = deep.decode_image(tiff(np.dstack([sixteen, alpha]), "unassalpha", **options), Decoding(window="bits"))

        assert np.array_equal(found.pixels, sixteen)


GREY_FILES = {
    "jpeg": saved(GREY, "JPEG", quality=90),
    "png": saved(GREY, "PNG"),
    "opaque alpha": saved(GREY.convert("LA"), "PNG"),
    "bits": saved(GREY.convert("1"), "PNG"),
    "tiff": saved(GREY, "TIFF"),
    "pgm": saved(GREY, "PPM"),
    "bmp": saved(GREY, "BMP"),
    "jpeg 2000": saved(GREY, "JPEG2000"),
}


@pytest.mark.parametrize("name", GREY_FILES)
def test_grey_files_stay_grey_or_become_what_the_recipe_says(name):
    content = GREY_FILES[name]
    stored = np.asarray(Image.open(io.BytesIO(content)).convert("L"))[..., None]

    assert np.array_equal(decoded(content, KEEP), stored)
    assert np.array_equal(decoded(content, Decoding(colour="grey")), stored)
    assert np.array_equal(decoded(content, Decoding(colour="rgb")), np.repeat(stored, 3, axis=2))


def test_palettes_and_three_equal_channels_are_colour():
    palette = GREY.convert("P", palette=Image.Palette.ADAPTIVE)
    for content in (saved(palette, "PNG"), saved(palette, "GIF"), saved(GREY.convert("RGB"), "PNG")):
        assert decoded(content, KEEP).shape == (40, 56, 3)


def test_colour_becomes_grey_by_the_luma_of_pillow_from_files_and_arrays():
    luma = np.asarray(PICTURE.convert("L"))[..., None]

    for content in (saved(PICTURE, "PNG"), PIXELS):
        assert np.array_equal(decoded(content, Decoding(colour="grey")), luma)
    assert np.array_equal(decoded(luma, Decoding(colour="rgb")), np.repeat(luma, 3, axis=2))
    sixteen = luma.astype(np.uint16) * 257
    assert deep.decode_image(sixteen, Decoding(window="bits", colour="rgb")).pixels.shape == (40, 56, 3)
    assert deep.decode_image(PIXELS, Decoding(window="bits", colour="grey")).pixels.shape == (40, 56, 1)


def recipe(output="folder", preset="natural", **decode):
    return read_recipe(
        {
            "name": "files",
            "version": "1.0.0",
            "source": {"kind": "folder"},
            "decode": decode,
            "corrupt": {"preset": preset, "rows": ["gaussian_noise"], "severities": [3]},
            "output": {"format": output, "clean": True},
        },
        "test",
    )


@pytest.fixture
def mixed(tmp_path):
    source = tmp_path / "source" / "things"
    source.mkdir(parents=True)
    (source / "colour.png").write_bytes(saved(PICTURE, "PNG"))
    (source / "grey.png").write_bytes(saved(GREY, "PNG"))
    (source / "odd.jpg").write_bytes(ODD["jpeg-scan-parameters"](saved(GREY, "JPEG")))
    (source / "text.png").write_bytes(DAMAGED["text-checksum.png"][0])
    (source / "._grey.png").write_bytes(b"\0\x05\x16\x07")
    (source.parent / "__MACOSX").mkdir()
    (source.parent / "__MACOSX" / "grey.png").write_bytes(b"\0\x05\x16\x07")
    return source.parent


@pytest.mark.parametrize("form", ["folder", "parquet", "webdataset"])
def test_a_build_of_grey_and_colour_files_keeps_both_and_counts_what_it_passed_over(form, mixed, tmp_path):
    outcome = generate(recipe(form), source=mixed, output=tmp_path / "out", workers=1)

    assert (outcome.items, outcome.ignored, outcome.rejected) == (4, 2, ())
    assert outcome.noted == {"damaged text": 1, "tolerated jpeg-scan-parameters": 1}
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert manifest["noted"] == outcome.noted
    assert ("pillow-heif" in manifest["environment"]) == (find_spec("pillow_heif") is not None)
    assert manifest["recipe"]["decode"]["colour"] == "keep"
    assert manifest["recipe"]["decode"]["tolerate"] == list(DEFAULT_TOLERATE)
    table = BlockTable.from_bytes((tmp_path / "out" / "items" / "00000.jsonl").read_bytes())
    assert [r.notes for r in table.records if r.notes] == [("tolerated jpeg-scan-parameters",), ("damaged text",)]
    for source in (mixed, None):
        assert verify(tmp_path / "out", source=source, depth="full", workers=1).problems == ()
    if form == "folder":
        made = Image.open(io.BytesIO((tmp_path / "out" / "gaussian_noise" / "3" / "things" / "grey.png").read_bytes()))
        view = Corrupted([(GREY_FILES["png"], 0)], "natural", "gaussian_noise", 3, key=lambda _: "things/grey.png")
        assert made.mode == "L"
        assert np.array_equal(np.asarray(view[0][0]), np.asarray(made))


def test_frozen_tables_of_photographs_make_files_colour_ones(mixed, tmp_path):
    generate(recipe(preset="imagecorruptions"), source=mixed, output=tmp_path / "out", workers=1)

    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert manifest["recipe"]["decode"]["colour"] == "rgb"
    with Image.open(tmp_path / "out" / "gaussian_noise" / "3" / "things" / "grey.png") as made:
        assert made.mode == "RGB"


@pytest.mark.parametrize("form", ["npy", "npz"])
def test_an_array_of_grey_and_colour_images_is_refused_with_what_to_write(form, mixed, tmp_path):
    with pytest.raises(RecipeError, match=r'grey.png: .* write colour = "rgb" or "grey" in \[decode\]'):
        generate(recipe(form), source=mixed, output=tmp_path / "out", workers=1)
    for colour, channels in (("rgb", (3,)), ("grey", ())):
        place = tmp_path / colour
        generate(recipe(form, colour=colour, resize=[40, 40]), source=mixed, output=place, workers=1)

        made = np.load(place / f"gaussian_noise.{form}")
        assert (made if form == "npy" else made["test_images"]).shape[3:] == channels


def test_each_table_says_what_becomes_of_grey_files():
    colours = {name: catalog.preset(name).colour for name in catalog.preset_names()}

    assert {
        colours[name] for name in ("imagenet-c", "imagenet-c-299", "imagenet-c-64", "cifar-c", "imagecorruptions")
    } == {"rgb"}
    assert {colours[name] for name in ("natural", "medical", "medmnist-c/octmnist", "medmnist-c/chestmnist")} == {
        "keep"
    }
    assert colours["medmnist-c/pathmnist"] == "rgb"


def test_a_recipe_of_the_first_version_means_what_it_meant():
    old = recipe().content()
    del old["decode"]["tolerate"]

    assert read_recipe(old, "old").decode.colour is None
    assert decoded(GREY_FILES["png"], read_recipe(old, "old").decode).shape == (40, 56, 3)
    assert decoded(np.asarray(GREY), read_recipe(old, "old").decode).shape == (40, 56, 1)
    assert current_form(old)["decode"] == old["decode"] | {"colour": "rgb", "tolerate": list(DEFAULT_TOLERATE)}
    assert current_form({**old, "source": {"kind": "npz"}})["decode"]["colour"] == "keep"


def test_loaders_take_what_generate_takes():
    datasets = pytest.importorskip("datasets")
    contents = [DAMAGED["exif-beyond.jpg"][0], ODD["jpeg-scan-parameters"](GREY_FILES["jpeg"])]
    features = datasets.Features({"image": datasets.Image()})
    rows = datasets.Dataset.from_dict({"image": [{"bytes": c, "path": None} for c in contents]}, features=features)

    for preset, modes in (("natural", ["RGB", "L"]), ("imagecorruptions", ["RGB", "RGB"])):
        lazy = corrupt_dataset(rows, preset, "brightness", 2)
        view = Corrupted([(content, 0) for content in contents], preset, "brightness", 2)

        assert [lazy[i]["image"].mode for i in range(2)] == modes
        assert [view[i][0].mode for i in range(2)] == modes
        assert [view[i][0].size for i in range(2)] == [(40, 56), (56, 40)]


def test_a_pil_image_is_treated_as_its_file():
    view = Corrupted([(GREY, 0)], "imagecorruptions", "brightness", 2)
    kept = Corrupted([(GREY, 0)], "imagecorruptions", "brightness", 2, decode={"colour": "keep"})

    assert (view[0][0].mode, kept[0][0].mode) == ("RGB", "L")


ROTATED = Image.Exif()
ROTATED[ORIENTATION] = 6


def test_avif_and_jpeg_2000_are_read_and_turned_once():
    plain, turned = saved(PICTURE, "AVIF"), saved(PICTURE, "AVIF", exif=ROTATED.tobytes())
    wavelets = saved(PICTURE, "JPEG2000")

    for way in ("apply", "ignore"):
        upright = decoded(turned, Decoding(exif=way))
        assert np.array_equal(upright, np.rot90(decoded(plain, KEEP), -1))
        assert native_file_size(turned, Decoding(exif=way)) == (56, 40)
    assert np.array_equal(decoded(wavelets, KEEP), PIXELS)
    assert decoded(saved(GREY, "AVIF"), KEEP).shape == (40, 56, 1)


@pytest.mark.parametrize("form", ["AVIF", "HEIF"])
def test_damaged_exif_of_formats_of_boxes_is_passed_over_and_their_own_rotation_is_not(form):
    if form == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    whole = saved(PICTURE, form, exif=described().tobytes(), quality=90)
    broken = whole.replace(b"MM\0*", b"none").replace(b"II*\0", b"none")

    found = deep.decode_image(broken, KEEP)

    assert broken != whole
    assert np.array_equal(found.pixels, decoded(whole, KEEP))
    assert found.notes == ("damaged EXIF",)


def described():
    """Make EXIF of an orientation and a maker; Pillow writes no block for AVIF that says the orientation alone."""
    found = Image.Exif()
    found[ORIENTATION], found[MAKE] = 6, "a camera"
    return found


def test_samples_that_would_lose_bits_are_refused():
    deep_wavelets = saved(Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257), "JPEG2000")
    plain = saved(PICTURE, "AVIF")
    at = plain.index(b"av1C") + 6

    with pytest.raises(Rejected, match="16 bits"):
        decoded(deep_wavelets, KEEP)
    for flag, bits in ((0x40, 10), (0x60, 12)):
        with pytest.raises(Rejected, match=f"{bits} bits"):
            decoded(plain[:at] + bytes([plain[at] | flag]) + plain[at + 1 :], KEEP)
    with pytest.raises(Rejected, match="10 bits"):
        decoded(plain.replace(b"pixi\0\0\0\0\x03\x08", b"pixi\0\0\0\0\x03\x0a"), KEEP)


def test_heic_is_read_and_turned_once_and_its_depth_is_not_reduced():
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    plain, turned = saved(PICTURE, "HEIF", quality=-1), saved(PICTURE, "HEIF", quality=-1, exif=ROTATED.tobytes())
    ten = pillow_heif.from_bytes("RGB;16", PICTURE.size, (PIXELS.astype(np.uint16) * 257).tobytes())
    buffer = io.BytesIO()
    ten.save(buffer)

    for way in ("apply", "ignore"):
        assert np.array_equal(decoded(turned, Decoding(exif=way)), np.rot90(decoded(plain, KEEP), -1))
    assert np.abs(decoded(plain, KEEP).astype(int) - PIXELS).mean() < 8
    with pytest.raises(Rejected, match="has samples of 10 bits"):
        decoded(buffer.getvalue(), KEEP)


def test_jpeg_xl_is_read_and_a_jpeg_inside_of_it_is_turned_as_a_jpeg(tmp_path):
    pytest.importorskip("pillow_jxl")
    import pillow_jxl  # noqa: F401, PLC0415

    photo = saved(PICTURE, "JPEG", exif=ROTATED.tobytes())
    (tmp_path / "photo.jpg").write_bytes(photo)
    with Image.open(tmp_path / "photo.jpg") as opened:
        inside = saved(opened, "JXL", lossless_jpeg=True)

    assert np.array_equal(decoded(saved(PICTURE, "JXL", lossless=True), KEEP), PIXELS)
    assert np.array_equal(decoded(saved(GREY, "JXL", lossless=True), KEEP)[..., 0], np.asarray(GREY))
    for way in ("apply", "ignore"):
        assert np.array_equal(decoded(inside, Decoding(exif=way)), decoded(photo, Decoding(exif=way)))


@pytest.mark.parametrize(
    ("head", "package"), [(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "pillow_heif"), (b"\xff\x0a\0\0", "pillow_jxl")]
)
def test_a_format_whose_package_is_missing_says_what_to_install(head, package, monkeypatch):
    monkeypatch.setattr("corruptgen.codecs.file_formats.find_spec", lambda name: None)
    for form in ("HEIF", "JXL"):
        monkeypatch.delitem(Image.OPEN, form, raising=False)

    with pytest.raises(Rejected, match=rf"{package} is needed: pip install 'corruptgen\[formats\]'"):
        decoded(head + bytes(64), KEEP)


def test_what_generate_wrote_is_read_back_strictly():
    content = encode_image(photograph(40, 56, 1), Encoding("png"))

    assert np.array_equal(decode_lossless_file(content), photograph(40, 56, 1))
    with pytest.raises(Rejected):
        decode_lossless_file(content[:33] + chunk(b"tEXt", b"Title\0a", crc=7) + content[33:])


LEFT_BEHIND = b"\0\x05\x16\x07" + bytes(28)


def test_what_macos_leaves_behind_is_ignored_in_tars_zips_and_beside_shards(tmp_path):
    (tmp_path / "tars").mkdir()
    with tarfile.open(tmp_path / "tars" / "shard.tar", "w") as archive:
        for name, content in (
            ("a.png", saved(GREY, "PNG")),
            ("._a.png", LEFT_BEHIND),
            ("__MACOSX/b.png", LEFT_BEHIND),
            ("._a.cls", LEFT_BEHIND),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    (tmp_path / "tars" / "._shard.tar").write_bytes(LEFT_BEHIND)
    images, labels = io.BytesIO(), io.BytesIO()
    np.save(images, PIXELS[None])
    np.save(labels, np.array([1]))
    with zipfile.ZipFile(tmp_path / "images.npz", "w") as archive:
        archive.writestr("test_images.npy", images.getvalue())
        archive.writestr("test_labels.npy", labels.getvalue())
        archive.writestr("__MACOSX/._test_images.npy", LEFT_BEHIND)

    def listed(place, **source):
        chosen = {**recipe().content(), "source": source}
        return make_plan(read_recipe(chosen, "test"), place).listing

    shards = listed(tmp_path / "tars", kind="webdataset")
    assert ([item.id for item in shards.items], shards.rejected, shards.ignored) == (["shard/a"], (), 3)
    arrays = listed(tmp_path / "images.npz", kind="npz", split="test")
    assert ([item.id for item in arrays.items], arrays.rejected) == (["test/0"], ())


def test_a_loader_says_once_what_it_passed_over(caplog):
    content = jpeg_with(segment(0xE2, MPF))
    view = Corrupted([(content, 0), (content, 1)], "natural", "brightness", 2)
    samples._say_once.cache_clear()

    assert view[0][1] == 0
    assert view[1][1] == 1

    assert [record.message for record in caplog.records if "damaged MPF" in record.message] == [
        "images are taken although their files have this, which changes no pixel: damaged MPF"
    ]
