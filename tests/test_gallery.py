"""Galleries: one page that shows every cell, loads nothing from outside, and works in a browser on desk and phone."""

import base64
import io
import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import corruptgen
from corruptgen.assets.textures import frost_picture
from corruptgen.cli import app
from corruptgen.errors import ImageError, OutputError, RecipeError, UnknownName
from corruptgen.gallery import Photograph, gallery_of_dataset, gallery_of_table, write_page
from corruptgen.gallery.photographs import shipped_photograph
from corruptgen.gallery.thumbnails import LONGEST, encode_thumbnail
from corruptgen.tables import catalog
from tests import browser
from tests.photographs import ROOT, command, write_photographs, write_recipe
from tests.pictures import photograph

# What makes a browser fetch something by itself; an `a` does not.
LOADING = {"src", "srcset", "href", "data", "poster", "action", "background", "style"}
MARKED = '<img src="https://example.org/x.png" onerror="alert(1)">'


class Parsed(HTMLParser):
    """A page as its elements: what they load, and the pictures by row."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.loads, self.links, self.clean, self.frames, self.labels, self.row = [], [], [], {}, {}, [], None
        self.severity = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.loads += [v for k, v in attrs if k in LOADING and tag != "a"]
        self.links += [attributes["href"]] if tag == "a" else []
        assert not any(name.startswith("on") for name in attributes), "a script in an attribute"
        match tag:
            case "section":
                self.row = attributes["id"].removeprefix("row-")
                self.frames[self.row], self.clean[self.row] = [], []
            case "button":
                self.severity = float(attributes["data-severity"])
            case "img":
                assert attributes["alt"], "a picture without a description"
                picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(attributes["src"].partition(",")[2]))))
                if self.severity is None:
                    self.clean[self.row].append(picture)
                else:
                    self.frames[self.row].append((self.severity, picture))
            case "input":
                self.labels.append((attributes["type"], attributes.get("aria-label")))

    def handle_endtag(self, tag):
        if tag == "button":
            self.severity = None


@pytest.fixture(scope="module")
def chelsea():
    return Photograph("chelsea", photograph(64, 64, name="chelsea"))


@pytest.fixture(scope="module")
def shown(chelsea):
    return write_page(gallery_of_table("natural", [chelsea], steps=1))


def test_every_row_and_severity_is_there_with_the_pixels_of_corrupt(chelsea, shown):
    found = Parsed(shown)

    assert list(found.frames) == corruptgen.rows("natural")
    for row, frames in found.frames.items():
        assert [severity for severity, _ in frames] == [1, 2, 3, 4, 5]
        assert np.array_equal(found.clean[row][0], chelsea.pixels)
        for severity, pixels in frames:
            assert np.array_equal(pixels, corruptgen.corrupt(chelsea.pixels, row, severity, preset="natural"))


def test_a_grey_file_stays_grey_under_open_tables_and_is_colour_under_frozen_ones(tmp_path):
    Image.fromarray(photograph(64, 64)).convert("L").save(tmp_path / "grey.png")
    image, rows = tmp_path / "grey.png", ("--rows", "gaussian_noise")

    for table, is_grey in (("natural", True), ("imagecorruptions", False)):
        for words in (
            ("gallery", table, *rows, "--images", image, "--steps", 1, "--output", tmp_path / "page.html"),
            ("preview", image, "--preset", table, *rows, "--severities", "5", "--output", tmp_path / "sheet.png"),
        ):
            done = CliRunner().invoke(app, [*map(str, words)])
            assert done.exit_code == 0, done.output

        found = [picture for _, picture in Parsed((tmp_path / "page.html").read_text("utf-8")).frames["gaussian_noise"]]
        found.append(np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB"))[-40:, -40:])
        assert [spread(picture) < 3 for picture in found] == [is_grey] * len(found)
        assert len(found) > 1


def spread(picture):
    """Return how far the channels of a picture are apart at most; of a grey one there is one channel."""
    return np.ptp(picture.astype(int), axis=2).max() if picture.ndim == 3 else 0


def test_large_images_are_there_up_to_jpeg():
    large = Photograph("large", photograph(96, 128))
    rows = ["gaussian_noise", "fog", "pixelate"]
    found = Parsed(write_page(gallery_of_table("natural", [large], rows=rows, steps=1)))

    for row in rows:
        cells = [corruptgen.corrupt(large.pixels, row, level, preset="natural").astype(int) for level in range(1, 6)]
        for severity, pixels in found.frames[row]:
            distances = [np.abs(cell - pixels).mean() for cell in cells]
            assert distances[int(severity) - 1] == min(distances)
            # JPEG keeps the mean of a block, but for what it cuts off at black and white.
            blocks = (cells[int(severity) - 1] - pixels).reshape(12, 8, 16, 8, 3).mean(axis=(1, 3))
            assert np.abs(blocks).mean() < 4


def test_nothing_is_loaded_from_outside(shown):
    found = Parsed(shown)

    assert found.loads
    assert all(place.startswith("data:") for place in found.loads)
    assert all(place.startswith(("#", "https://")) for place in found.links)
    assert "default-src 'none'" in shown
    assert "@import" not in shown
    assert "url(" not in shown


def test_links_within_the_page_lead_somewhere_and_controls_have_names(shown):
    found = Parsed(shown)

    assert {place[1:] for place in found.links if place.startswith("#")} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))
    assert all(label for kind, label in found.labels if kind == "range")


def test_words_come_from_the_functions_and_their_tables(shown):
    fog = shown.partition('id="row-fog"')[2].partition("</section>")[0]
    row = catalog.preset("natural").row("fog")

    assert row.levels[0].corruption.summary in fog
    for name in row.levels[0].parameters:
        assert re.search(rf"<dt><code>{name}</code></dt><dd>[^<]+", fog)
        values = "".join(f"<td>{level.parameters[name]:g}</td>" for level in row.levels)
        assert f"<code>{name}</code></th>{values}" in fog


def test_between_levels_there_are_pictures_and_below_the_first_where_the_table_says_what_is_clean(chelsea):
    found = Parsed(write_page(gallery_of_table("natural", [chelsea], rows=["fog", "jpeg_compression"], steps=2)))

    assert [severity for severity, _ in found.frames["fog"]] == [step / 2 for step in range(1, 11)]
    assert [severity for severity, _ in found.frames["jpeg_compression"]] == [step / 2 for step in range(2, 11)]
    half = corruptgen.corrupt(chelsea.pixels, "fog", 2.5, preset="natural")
    assert np.array_equal(dict(found.frames["fog"])[2.5], half)


# Their kernels are in a file that the user supplies.
SUPPLIED = ("optics-bench-iccvw", "optics-bench-rg")


@pytest.mark.parametrize("name", catalog.preset_names())
def test_every_built_in_table_has_a_gallery(name):
    table = catalog.preset(name)
    rows = list(table.rows)[-2:]
    # The waves of a heat map are up to 31 along each side.
    shot = shipped_photograph(table, side=64 if name == "fourier-basis" else 32)

    made = gallery_of_table(name, [shot], rows=rows, steps=1)

    assert [gallery_row.row.name for gallery_row in made.rows] == rows
    left_out = [row for row in rows if table.rows[row].inputs or name in SUPPLIED]
    assert made.frames == sum(table.rows[row].level_count for row in rows if row not in left_out)
    assert [line.row.name for line in made.rows if line.missing] == left_out


def test_a_row_whose_pictures_are_missing_says_so(chelsea, monkeypatch, tmp_path):
    monkeypatch.setenv("CORRUPTGEN_TEXTURES", str(tmp_path))
    monkeypatch.setattr("corruptgen.assets.textures._places", lambda texture, reasons: iter(()))
    frost_picture.cache_clear()
    square = Photograph("square", photograph(224, 224))

    made = gallery_of_table("imagenet-c", [square], rows=["frost", "contrast"], steps=1)

    assert made.rows[0].missing
    assert "There are no pictures" in write_page(made)
    assert made.frames == 5


def test_names_cannot_do_anything(tmp_path, chelsea):
    table = tmp_path / "own.toml"
    table.write_text(f"[preset]\ntitle = '{MARKED}'\nlevels = 1\n[contrast]\nfactor = [0.5]\n", "utf-8")

    found = write_page(gallery_of_table(str(table), [Photograph(MARKED, chelsea.pixels), chelsea], steps=1))

    assert '<img src="https:' not in found
    assert all(place.startswith("data:") for place in Parsed(found).loads)


def test_thumbnails_are_small_and_tiny_images_are_as_they_are():
    large, tiny = encode_thumbnail(photograph(300, 500)), encode_thumbnail(photograph(28, 28, 1))

    assert (large.width, large.height) == (LONGEST, round(300 * LONGEST / 500))
    assert not large.is_lossless
    assert tiny.is_lossless
    decoded = np.asarray(Image.open(io.BytesIO(base64.b64decode(tiny.uri.partition(",")[2]))))
    assert np.array_equal(decoded, photograph(28, 28, 1)[..., 0])


def test_what_cannot_be_shown_says_why(chelsea):
    with pytest.raises(ImageError, match="is for images of 224×224"):
        gallery_of_table("imagenet-c", [chelsea])
    with pytest.raises(RecipeError, match="the same name"):
        gallery_of_table("natural", [chelsea, chelsea])
    with pytest.raises(UnknownName, match="did you mean 'fog'"):
        gallery_of_table("natural", [chelsea], rows=["fogg"])


@pytest.fixture(scope="module", params=["folder", "parquet"])
def dataset(request, tmp_path_factory):
    place = tmp_path_factory.mktemp("dataset")
    write_photographs(place / "photographs", count=3)
    write_recipe(place, output=f'format = "{request.param}"\nclean = true')
    done = command("generate", "recipe.toml", "--workers", 1, "--output", "out", cwd=place)
    assert done.returncode == 0, done.stderr
    return place


def test_a_dataset_is_shown_with_its_own_pixels(dataset):
    ids = ["chelsea/01.png", "astronaut/00.png"]
    found = Parsed(write_page(gallery_of_dataset(dataset / "out", ids)))

    manifest_rows = ["gaussian_noise", "brightness", "jpeg_compression"]
    assert sorted(found.frames) == sorted(manifest_rows)
    for row, frames in found.frames.items():
        assert [severity for severity, _ in frames] == [1, 2, 1, 2]
        for (severity, pixels), name in zip(frames, [ids[0], ids[0], ids[1], ids[1]], strict=True):
            clean = np.asarray(Image.open(dataset / "photographs" / name))
            again = corruptgen.corrupt(clean, row, severity, preset=str(dataset / "three.toml"), key=name)
            assert np.array_equal(pixels, again)
    assert len(found.clean["brightness"]) == 2


def test_a_dataset_without_its_twin_takes_clean_images_from_the_source_and_only_those(tmp_path):
    pixels = write_photographs(tmp_path / "photographs", count=2)
    write_recipe(tmp_path)
    command("generate", "recipe.toml", "--workers", 1, "--output", "out", cwd=tmp_path)

    without = Parsed(write_page(gallery_of_dataset(tmp_path / "out")))
    with_source = Parsed(write_page(gallery_of_dataset(tmp_path / "out", source=tmp_path / "photographs")))

    assert not without.clean["brightness"]
    assert np.array_equal(with_source.clean["brightness"][0], pixels["astronaut/00.png"])
    Image.fromarray(pixels["chelsea/01.png"]).save(tmp_path / "photographs/astronaut/00.png")
    with pytest.raises(OutputError, match="not the image that the dataset was made from"):
        gallery_of_dataset(tmp_path / "out", source=tmp_path / "photographs")
    (tmp_path / "out/brightness/2/astronaut/00.png").unlink()
    with pytest.raises(OutputError, match="is missing; `corruptgen verify`"):
        gallery_of_dataset(tmp_path / "out")
    with pytest.raises(UnknownName, match=r"no item is called 'chelsea/1\.png'; did you mean 'chelsea/01\.png'"):
        gallery_of_dataset(tmp_path / "out", ["chelsea/1.png"])
    with pytest.raises(UnknownName, match="row of"):
        gallery_of_dataset(tmp_path / "out", rows=["snow"])


def test_the_command_writes_a_page_and_says_its_size(tmp_path):
    Image.fromarray(photograph(64, 64)).save(tmp_path / "one.png")
    Image.fromarray(photograph(64, 64, name="coffee")).save(tmp_path / "two.png")
    done = command("gallery", "natural", "--rows", "fog,contrast", "--images", "one.png", "--images", "two.png",
                   "--output", "deep/natural.html", "--steps", 1, cwd=tmp_path)  # fmt: skip
    text = (tmp_path / "deep/natural.html").read_text("utf-8")

    assert (done.returncode, done.stderr) == (0, "")
    size = len(text.encode()) / 1e6
    assert done.stdout == f"deep/natural.html: 2 rows on 2 images, 20 pictures, {size:.1f} MB\n"
    assert list(Parsed(text).frames) == ["fog", "contrast"]
    assert str(tmp_path) not in text


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["natural", "--output", "a.png"], 2, "a gallery is an .html"),
        (["natura"], 2, "did you mean 'natural'"),
        (["natural", "--rows", "fogg"], 2, "did you mean 'fog'"),
        (["natural", "--steps", "0"], 2, "--steps"),
        (["natural", "--source", "."], 2, "--source is for the gallery of a dataset"),
        (["natural", "--images", "nothing.png"], 1, "nothing.png: No such file or directory"),
        (["natural", "--images", "text.png"], 1, "text.png cannot be decoded"),
        (["folder"], 1, "manifest.json"),
    ],
)
def test_what_goes_wrong_is_one_line_and_nothing_is_written(tmp_path, arguments, code, message, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.png").write_text("no image")

    done = CliRunner().invoke(app, ["gallery", *arguments])

    assert done.exit_code == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "text.png"]


# In a browser

needs_browser = pytest.mark.skipif(
    bool(browser.missing()), reason=f"no {' and no '.join(browser.missing())}: on Debian, apt install chromium-driver"
)


@pytest.fixture(scope="module")
def natural(tmp_path_factory):
    """A whole gallery of two images."""
    file = tmp_path_factory.mktemp("gallery") / "natural.html"
    images = [Photograph("chelsea", photograph(96, 96, name="chelsea")), Photograph("coffee", photograph(64, 96))]
    file.write_text(write_page(gallery_of_table("natural", images)), "utf-8")
    return file


@pytest.mark.long
@needs_browser
@pytest.mark.parametrize("size", [browser.DESKTOP, browser.PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_works_in_a_browser(natural, size, scheme, tmp_path):
    with browser.browsing(size, tmp_path) as window:
        window.prefers(scheme)
        window.open(natural)

        rows = window.run(
            "return Array.from(document.querySelectorAll('.row'), row => {"
            " row.scrollIntoView(); const box = row.getBoundingClientRect();"
            " const pictures = Array.from(row.querySelectorAll('.take:not([hidden]) img'));"
            " return [row.id.slice(4), box.width, box.height, box.right,"
            "         pictures.every(picture => picture.complete && picture.naturalWidth > 0),"
            "         row.querySelector('.shown').checkVisibility()]})"
        )
        assert [row[0] for row in rows] == corruptgen.rows("natural")
        assert all(wide > 250 and high > 250 and right <= size[0] and whole and visible
                   for _, wide, high, right, whole, visible in rows)  # fmt: skip
        assert window.run("return document.documentElement.scrollWidth <= innerWidth"), (
            "the page is wider than the screen"
        )
        paper = window.run("return getComputedStyle(document.body).backgroundColor")
        assert (max(map(int, re.findall(r"\d+", paper)[:3])) < 64) == (scheme == "dark")

        # A slider that is really moved, by its keys.
        slider = window.find("#row-fog input[type=range]")
        picture = window.find("#row-fog .take .shown")
        before = np.asarray(Image.open(io.BytesIO(window.picture(picture))).convert("RGB")).astype(int)
        window.press(slider, browser.ARROW_RIGHT * 3)
        after = np.asarray(Image.open(io.BytesIO(window.picture(picture))).convert("RGB")).astype(int)
        told = window.run("return document.querySelector('#row-fog output').textContent")
        held = window.run(
            "const row = document.querySelector('#row-fog');"
            "return row.querySelector('.shown img').src === row.querySelector('.take [data-severity=\"4.5\"] img').src"
        )
        assert told.startswith("severity 4.5: density")
        assert held
        assert np.abs(after[: before.shape[0] * 3 // 4] - before[: before.shape[0] * 3 // 4]).mean() > 3

        # The slider for all rows, a level that is clicked, and the other image.
        window.press(window.find("#all"), browser.ARROW_LEFT * 6)
        assert (
            window.run("return document.querySelector('#row-snow output').textContent") == "severity 0: the clean image"
        )
        window.click(window.find("#row-snow .take [data-severity='2']"))
        assert window.run("return document.querySelector('#row-snow output').textContent").startswith("severity 2: ")
        window.click(window.find("input[name=image][value='1']"))
        assert window.run("return document.querySelectorAll('.take:not([hidden])').length") == len(rows)
        assert window.run("return document.querySelector('#row-snow .take:not([hidden]) img').alt") == "coffee, clean"

        assert window.console() == []
        assert window.requests() == [natural.resolve().as_uri()]


@pytest.mark.long
@needs_browser
def test_a_page_with_neither_clean_images_nor_some_rows_works_in_a_browser(tmp_path):
    write_photographs(tmp_path / "photographs", count=2)
    write_recipe(tmp_path)
    command("generate", "recipe.toml", "--workers", 1, "--output", "out", cwd=tmp_path)
    made = gallery_of_dataset(tmp_path / "out")
    lost = replace(made.rows[0], images=(), missing="they were lost")
    (tmp_path / "page.html").write_text(write_page(replace(made, rows=(lost, *made.rows[1:]))), "utf-8")

    with browser.browsing(browser.PHONE, tmp_path / "profile") as window:
        window.open(tmp_path / "page.html")
        window.press(window.find("#all"), browser.ARROW_LEFT * 9)

        told = window.run("return Array.from(document.querySelectorAll('.row output'), output => output.textContent)")
        assert [text.partition(":")[0] for text in told] == ["severity 1", "severity 1"]
        assert window.run("return document.querySelector('.missing').checkVisibility()")
        assert window.run("return document.documentElement.scrollWidth <= innerWidth")
        assert window.console() == []


@pytest.mark.long
@needs_browser
def test_without_its_script_a_page_still_shows_every_level(natural, tmp_path):
    with browser.browsing(browser.DESKTOP, tmp_path) as window:
        window.devtools("Emulation.setScriptExecutionDisabled", value=True)
        window.open(natural)

        visible = window.run(
            "return Array.from(document.querySelectorAll('.take:not([hidden]) .frame:not(.between) img'))"
            ".filter(picture => picture.getBoundingClientRect().width > 20).length"
        )

        assert visible == 5 * len(corruptgen.rows("natural"))


def test_the_document_s_commands_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs/gallery.md").read_text("utf-8")
    lines = [line for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    pixels = write_photographs(tmp_path / "photographs", count=2)
    write_recipe(tmp_path)
    command("generate", "recipe.toml", "--workers", 1, "--output", "street-c", cwd=tmp_path)
    for name in ("street.jpg", "face.png"):
        Image.fromarray(pixels["astronaut/00.png"]).save(tmp_path / name)

    for line in lines:
        done = CliRunner().invoke(app, shlex.split(line)[1:])
        assert done.exit_code == 0, f"{line}: {done.stderr}"
    assert len(lines) >= 4
