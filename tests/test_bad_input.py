"""Bad input: handled as documented or rejected by name with a reason; never a traceback, never a silent wrong image."""

import io
import os
import shutil
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFile

import corruptgen
from corruptgen.codecs.high_bit_depth import decode_image
from corruptgen.codecs.images import decoded, encode_image
from corruptgen.errors import OutputError, Rejected, SourceError
from corruptgen.records import Decoding, Encoding
from tests.photographs import command, pixels_of, tree, write_photographs, write_recipe
from tests.pictures import photograph

PIXELS = photograph(40, 60)
PICTURE = Image.fromarray(PIXELS)
DEEP = np.random.RandomState(1843956201).randint(0, 65536, (24, 20, 3)).astype(np.uint16)
UPRIGHT = Decoding()


def saved(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def deep(extension, samples=DEEP):
    return cv2.imencode(extension, samples)[1].tobytes()


def png(width, height, rows=b""):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def flipped(content, where=0.5):
    changed = bytearray(content)
    changed[int(len(changed) * where)] ^= 0x55
    return bytes(changed)


def translucent(mode="RGBA"):
    image = PICTURE.convert(mode)
    image.putpixel((3, 3), (*image.getpixel((3, 3))[:-1], 254))
    return image


PNG, JPEG = saved(PICTURE, "PNG"), saved(PICTURE, "JPEG", quality=90)
GREY, PALETTE, CMYK = PICTURE.convert("L"), PICTURE.convert("P"), PICTURE.convert("CMYK")

HANDLED = {
    "png": (PNG, PICTURE),
    "bmp": (saved(PICTURE, "BMP"), PICTURE),
    "tiff": (saved(PICTURE, "TIFF", compression="tiff_lzw"), PICTURE),
    "webp": (saved(PICTURE, "WEBP", lossless=True), PICTURE),
    "ppm": (saved(PICTURE, "PPM"), PICTURE),
    "grey": (saved(GREY, "PNG"), GREY.convert("RGB")),
    "black and white": (saved(PICTURE.convert("1"), "PNG"), PICTURE.convert("1").convert("RGB")),
    "palette": (saved(PALETTE, "PNG"), PALETTE.convert("RGB")),
    "gif": (saved(PALETTE, "GIF"), PALETTE.convert("RGB")),
    "cmyk": (saved(CMYK, "TIFF"), CMYK.convert("RGB")),
    "opaque alpha": (saved(PICTURE.convert("RGBA"), "PNG"), PICTURE),
    "opaque grey alpha": (saved(PICTURE.convert("LA"), "PNG"), GREY.convert("RGB")),
    "jpeg with something behind it": (
        saved(PICTURE, "JPEG") + b"behind",
        Image.open(io.BytesIO(saved(PICTURE, "JPEG"))),
    ),
    "jpeg with a preview": (saved(PICTURE, "MPO", save_all=True, append_images=[PICTURE.resize((8, 8))]), None),
    "cmyk jpeg": (saved(CMYK, "JPEG"), None),
    "progressive jpeg": (saved(PICTURE, "JPEG", progressive=True), None),
}

REJECTED = {
    "empty": (b"", "is empty"),
    "text": (b"this is no image" * 9, "not an image of a known format"),
    "truncated png": (PNG[:-300], "cannot be decoded"),
    "png without its end": (PNG[:-12], "cannot be decoded"),
    "flipped png": (flipped(PNG), "cannot be decoded"),
    "truncated jpeg": (JPEG[:-300], "cannot be decoded"),
    "truncated jpeg with an end": (JPEG[:-300] + b"\xff\xd9", "cannot be decoded: Corrupt JPEG data"),
    "truncated progressive jpeg": (saved(PICTURE, "JPEG", progressive=True)[:-99] + b"\xff\xd9", "Corrupt JPEG data"),
    "jpeg with garbage inside": (JPEG[:-2] + b"garbage\xff\xd9", "extraneous bytes"),
    "truncated bmp": (saved(PICTURE, "BMP")[:-30], "truncated"),
    "truncated tiff": (saved(PICTURE, "TIFF")[:2000], "cannot be decoded"),
    "truncated webp": (saved(PICTURE, "WEBP")[:-30], "cannot be decoded"),
    "truncated gif": (saved(PALETTE, "GIF")[:-200], "cannot be decoded"),
    "postscript": (saved(PICTURE, "EPS"), "not an image of a known format"),
    "16-bit grey png": (deep(".png", DEEP[..., 0]), "more than 8 bits"),
    "16-bit colour png": (deep(".png"), "more than 8 bits"),
    "16-bit colour tiff": (deep(".tiff"), "more than 8 bits"),
    "16-bit ppm": (deep(".ppm"), "more than 8 bits"),
    "float tiff": (deep(".tiff", DEEP[..., 0].astype(np.float32)), "more than 8 bits"),
    "32-bit tiff": (saved(PICTURE.convert("I"), "TIFF"), "more than 8 bits"),
    "lab tiff": (saved(PICTURE.convert("LAB"), "TIFF"), "has samples in CIELAB"),
    "alpha": (saved(translucent(), "PNG"), "has transparent pixels"),
    "grey alpha": (saved(translucent("LA"), "PNG"), "has transparent pixels"),
    "alpha webp": (saved(translucent(), "WEBP", lossless=True), "has transparent pixels"),
    "transparent colour": (saved(PICTURE, "PNG", transparency=tuple(map(int, PIXELS[0, 0]))), "transparent pixels"),
    "animated gif": (saved(PALETTE, "GIF", save_all=True, append_images=[PALETTE.rotate(90)]), "more than one picture"),
    "animated png": (saved(PICTURE, "PNG", save_all=True, append_images=[PICTURE.rotate(90)]), "more than one picture"),
    "animated webp": (
        saved(PICTURE, "WEBP", save_all=True, append_images=[PICTURE.rotate(9)]),
        "more than one picture",
    ),
    "pages": (saved(PICTURE, "TIFF", save_all=True, append_images=[PICTURE]), "more than one picture"),
    "zero size": (png(0, 10), "cannot be decoded"),
    "too little data": (png(100, 100), "truncated"),
    "bomb": (png(60_000, 60_000), "bomb"),
    "large": (png(9_500, 9_500), "bomb"),
}


@pytest.mark.parametrize("name", HANDLED)
def test_what_is_handled_becomes_the_rgb_pixels_that_pillow_gives(name):
    content, picture = HANDLED[name]
    expected = picture or Image.open(io.BytesIO(content)).convert("RGB")

    assert np.array_equal(decoded(content, UPRIGHT), np.asarray(expected))


@pytest.mark.parametrize("name", REJECTED)
def test_what_cannot_be_used_is_rejected_with_a_reason(name):
    content, reason = REJECTED[name]

    with pytest.raises(Rejected, match=reason) as first:
        decoded(content, UPRIGHT)
    with pytest.raises(Rejected) as second:
        decoded(content, UPRIGHT)

    assert str(first.value) == str(second.value)
    assert "0x" not in str(first.value)
    assert "\n" not in str(first.value)


def test_a_lenient_pillow_is_made_strict(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)

    with pytest.raises(Rejected):
        decoded(saved(PICTURE, "BMP")[:-30], UPRIGHT)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(10))
def test_exif_turns_the_image_or_is_ignored(form, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(PICTURE, form, exif=exif, **({"lossless": True} if form == "WEBP" else {}))
    turns = {
        2: PIXELS[:, ::-1],
        3: PIXELS[::-1, ::-1],
        4: PIXELS[::-1],
        5: PIXELS.transpose(1, 0, 2),
        6: np.rot90(PIXELS, -1),
        7: np.rot90(PIXELS, 2).transpose(1, 0, 2),
        8: np.rot90(PIXELS),
    }

    assert np.array_equal(decoded(content, Decoding(exif="apply")), turns.get(orientation, PIXELS))
    assert np.array_equal(decoded(content, Decoding(exif="ignore")), PIXELS)


@pytest.mark.parametrize(
    ("decoding", "shape"),
    [
        (Decoding(), (40, 60)),
        (Decoding(resize=30), (30, 45)),
        (Decoding(resize=31), (31, 46)),
        (Decoding(resize=(20, 90)), (20, 90)),
        (Decoding(crop=25), (25, 25)),
        (Decoding(crop=(10, 60)), (10, 60)),
        (Decoding(crop=0.875), (35, 52)),
        (Decoding(resize=30, crop=16), (16, 16)),
        (Decoding(resize=(29, 29), crop=0.875, order="crop-resize"), (29, 29)),
    ],
)
def test_geometry_gives_the_size_that_the_recipe_says(decoding, shape):
    assert decoded(PNG, decoding).shape == (*shape, 3)


def test_a_crop_lies_in_the_middle_with_half_pixels_to_the_even_side():
    assert np.array_equal(decoded(PNG, Decoding(crop=(39, 57))), PIXELS[0:39, 2:59])
    assert np.array_equal(decoded(PNG, Decoding(crop=(37, 59))), PIXELS[2:39, 0:59])


def test_resizing_comes_before_or_after_cropping_as_the_order_says():
    small = PICTURE.resize((45, 30), Image.Resampling.BILINEAR)
    centre = PICTURE.crop((20, 10, 40, 30)).resize((30, 30), Image.Resampling.BICUBIC)

    first = decoded(PNG, Decoding(resize=30, crop=20))
    second = decoded(PNG, Decoding(resize=30, crop=20, order="crop-resize", interpolation="bicubic"))

    assert np.array_equal(first, np.asarray(small)[5:25, 12:32])
    assert np.array_equal(second, np.asarray(centre))


@pytest.mark.parametrize("crop", [41, (40, 61)])
def test_an_image_smaller_than_the_crop_is_rejected(crop):
    with pytest.raises(Rejected, match="is 40×60 where it is cropped, smaller than the crop"):
        decoded(PNG, Decoding(crop=crop))


def test_a_strip_that_would_grow_without_bounds_is_rejected():
    strip = saved(Image.new("L", (9000, 1)), "PNG")

    with pytest.raises(Rejected, match="pixels; at most"):
        decoded(strip, Decoding(resize=256))


def test_png_gives_the_pixels_back():
    assert np.array_equal(decoded(encode_image(PIXELS, Encoding("png")), UPRIGHT), PIXELS)


def png_of(rows, claimed, *, bits=8, kind=2, interlace=0, last=255):
    """Write a PNG of 24 columns with some rows of noise, the last of one value, under a header of its own."""
    noise = np.random.RandomState(1843956201).randint(0, 256, (rows, {0: 1, 2: 3, 3: 1}[kind] * 24 * bits // 8))
    noise[-1] = last
    if interlace:
        # The passes of an image of 24 columns have at most as many bytes as this, all of them without a filter.
        packed = bytes(rows * (3 * 24 * bits // 8 + 8))
    else:
        packed = b"".join(b"\0" + bytes(row.tolist()) for row in noise)
    palette = b"" if kind != 3 else chunk(b"PLTE", bytes(range(256)) * 3)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 24, claimed, bits, kind, 0, 0, interlace))
    return b"\x89PNG\r\n\x1a\n" + header + palette + chunk(b"IDAT", zlib.compress(packed)) + chunk(b"IEND", b"")


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


@pytest.mark.parametrize(
    "form", [{}, {"kind": 0}, {"kind": 3}, {"kind": 0, "bits": 1}, {"bits": 16}, {"bits": 16, "kind": 0}], ids=str
)
def test_a_png_with_fewer_rows_than_its_header_claims_is_rejected(form, capfd):
    decoding = Decoding(window="range") if form.get("bits") == 16 else UPRIGHT

    for claimed in (21, 40, 60000):
        with pytest.raises(Rejected, match=r"fewer samples than the \d+ rows|samples are damaged"):
            decode_image(png_of(20, claimed, **form), decoding)
    # Black rows are no damage.
    for last in (0, 255):
        assert decode_image(png_of(20, 20, last=last, **form), decoding).pixels.shape[:2] == (20, 24)
    capfd.readouterr()


def test_an_interlaced_png_with_fewer_rows_than_its_header_claims_is_rejected():
    assert not decoded(png_of(20, 20, interlace=1), UPRIGHT).any()

    with pytest.raises(Rejected, match=r"fewer samples than the 40 rows|is truncated"):
        decoded(png_of(20, 40, interlace=1), UPRIGHT)


def claiming_more(form, **options):
    """Write a file whose header claims 400 rows of 40."""
    content = bytearray(saved(PICTURE, form, **options))
    place, order = {
        "JPEG": (content.find(b"\xff\xc2" if "progressive" in options else b"\xff\xc0") + 5, ">H"),
        "BMP": (22, "<i"),
        "GIF": (8, "<H"),
        "WEBP": (content.find(b"VP8 ") + 16, "<H"),
        "PPM": (content.find(b"60 40"), "5s"),
    }[form]
    struct.pack_into(order, content, place, b"60 99" if form == "PPM" else 400)
    return bytes(content)


@pytest.mark.parametrize(
    ("form", "options"),
    [("JPEG", {}), ("JPEG", {"progressive": True}), ("BMP", {}), ("GIF", {}), ("WEBP", {"quality": 90}), ("PPM", {})],
)
def test_a_file_with_fewer_rows_than_its_header_claims_is_rejected(form, options):
    with pytest.raises(Rejected, match=r"cannot be decoded|does not cover"):
        decoded(claiming_more(form, **options), UPRIGHT)


@pytest.fixture
def place(tmp_path):
    write_photographs(tmp_path / "photographs", 4)
    return tmp_path


def reasons(outcome):
    return {rejection.id: rejection.reason for rejection in outcome.rejected}


def test_a_bad_file_costs_nothing_but_itself(place):
    recipe = write_recipe(place)
    corruptgen.generate(recipe, output=place / "good", workers=1)
    good = {name: digest for name, digest in tree(place / "good").items() if name.endswith(".png")}
    for number, (content, _) in enumerate(REJECTED.values()):
        (place / f"photographs/chelsea/bad{number:02d}.jpg").write_bytes(content)
    (place / "photographs/readme.txt").write_text("ignored")

    outcome = corruptgen.generate(recipe, output=place / "out", workers=1)
    again = corruptgen.generate(recipe, output=place / "out", workers=1)

    assert {name: digest for name, digest in tree(place / "out").items() if name.endswith(".png")} == good
    assert list(reasons(outcome)) == [f"chelsea/bad{number:02d}.jpg" for number in range(len(REJECTED))]
    assert (outcome.items, outcome.ignored) == (4, 1)
    assert again.was_finished
    assert again.rejected == outcome.rejected


def test_two_files_with_one_output_name_are_both_rejected(place):
    shutil.copy(place / "photographs/astronaut/00.png", place / "photographs/astronaut/00.bmp")
    shutil.copy(place / "photographs/astronaut/00.png", place / "photographs/chelsea/00.png")
    (place / "photographs/astronaut/00.txt").write_text("no image")

    outcome = corruptgen.generate(write_recipe(place), output=place / "out", workers=1)

    assert list(reasons(outcome)) == ["astronaut/00.bmp", "astronaut/00.png"]
    assert "as astronaut/00.bmp would" in reasons(outcome)["astronaut/00.png"]
    assert (place / "out/brightness/1/chelsea/00.png").exists()
    assert not (place / "out/brightness/1/astronaut").exists()


def test_a_file_with_the_name_of_a_folder_is_rejected(place):
    (place / "photographs/a.png").mkdir()
    shutil.copy(place / "photographs/astronaut/00.png", place / "photographs/a.png/b.png")
    Image.open(place / "photographs/astronaut/00.png").save(place / "photographs/a.bmp")

    outcome = corruptgen.generate(write_recipe(place), output=place / "out", workers=1)

    assert list(reasons(outcome)) == ["a.bmp"]
    assert (place / "out/brightness/1/a.png/b.png").exists()


@pytest.mark.parametrize(
    "name",
    [
        "with space.png",
        "ünï çødé 写真.png",
        "u\u0308ni.png",
        ".hidden.png",
        "..two dots.png",
        "line\nbreak.png",
        "separator\u2028.png",
        "back\\slash.png",
        "UPPER.PNG",
        "many.dots.in.it.jpg.png",
        "-dash.png",
        "a/b/c/deep.png",
        "x" * 251 + ".png",
    ],
)
def test_unusual_names_are_names_like_others(place, name):
    path = place / "photographs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(place / "photographs/astronaut/00.png", path)
    clean = pixels_of(path)

    outcome = corruptgen.generate(write_recipe(place), output=place / "out", workers=1)

    written = place / "out/gaussian_noise/2" / (name.rpartition(".")[0] + ".png")
    expected = corruptgen.corrupt(clean, "gaussian_noise", 2, preset=str(place / "three.toml"), key=name)
    assert not outcome.rejected
    assert np.array_equal(pixels_of(written), expected)


def test_a_name_that_grows_too_long_is_rejected(place):
    Image.open(place / "photographs/astronaut/00.png").save(place / "photographs" / ("x" * 251 + ".bmp"))

    outcome = corruptgen.generate(write_recipe(place, output='encoding = "jpeg"'), output=place / "out", workers=1)

    assert [*reasons(outcome).values()] == ["would need an output name of more than 255 bytes; rename it"]


def test_a_name_that_is_not_utf8_is_rejected(place):
    shutil.copy(place / "photographs/astronaut/00.png", os.fsencode(place / "photographs") + b"/\xff\xfe.png")

    outcome = corruptgen.generate(write_recipe(place), output=place / "out", workers=1)

    assert reasons(outcome) == {"\\xff\\xfe.png": "has a name that is not UTF-8; rename it"}


def test_links_are_followed_inside_of_the_source_and_rejected_out_of_it(place):
    photographs = place / "photographs"
    shutil.copy(photographs / "astronaut/00.png", place / "outside.png")
    (photographs / "inside.png").symlink_to("astronaut/00.png")
    (photographs / "outside.png").symlink_to(place / "outside.png")
    (photographs / "dangling.png").symlink_to("nothing.png")
    (photographs / "loop.png").symlink_to("loop.png")
    (photographs / "folder").symlink_to(photographs)
    (photographs / "note.txt").symlink_to(place / "outside.png")

    outcome = corruptgen.generate(write_recipe(place), output=place / "out", workers=1)

    assert outcome.items == 5
    assert outcome.ignored == 1
    assert list(reasons(outcome)) == ["dangling.png", "folder", "loop.png", "outside.png"]
    assert "leads out of the source" in reasons(outcome)["outside.png"]
    assert not [path for path in (place / "out").rglob("*") if path.is_symlink()]


def test_what_is_no_file_is_rejected_and_not_waited_for(place):
    os.mkfifo(place / "photographs/pipe.png")

    outcome = corruptgen.generate(write_recipe(place), output=place / "out", workers=1)

    assert reasons(outcome) == {"pipe.png": "is not a regular file"}


def test_a_file_that_goes_away_is_an_error_that_names_it(place):
    from corruptgen.engine import generation  # noqa: PLC0415

    plan = generation.make_plan(write_recipe(place))
    (place / "photographs/astronaut/00.png").unlink()

    with pytest.raises(SourceError, match=r"astronaut/00\.png cannot be read: No such file"):
        plan.source.read(plan.listing.items[0])


def test_an_image_of_a_size_that_the_table_refuses_is_rejected(place):
    Image.new("RGB", (7, 9)).save(place / "photographs/tiny.png")

    outcome = corruptgen.generate(write_recipe(place), output=place / "out", workers=1)

    assert "three is for images of at least 8×8 pixels, found 9×7" in reasons(outcome)["tiny.png"]


def test_a_source_of_bad_files_only_is_no_dataset(tmp_path):
    (tmp_path / "photographs").mkdir()
    (tmp_path / "photographs/bad.png").write_bytes(b"bad")

    done = command("generate", write_recipe(tmp_path), "--output", "out", cwd=tmp_path)

    assert done.returncode == 1, done.stderr
    assert "all 1 were rejected: bad.png cannot be decoded" in done.stderr
    assert not (tmp_path / "out/manifest.json").exists()


@pytest.mark.parametrize("output", ["file", "file/below", "/proc/nowhere"])
def test_an_output_that_cannot_be_written_is_named(place, output):
    (place / "file").write_text("a file")

    with pytest.raises(OutputError):
        corruptgen.generate(write_recipe(place), output=place / output, workers=1)
