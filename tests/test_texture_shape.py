"""Probes of texture, shape, colour and frequency: what each of them takes away, and what it keeps."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import fft

import corruptgen
from corruptgen.errors import ImageError, ScoreError
from corruptgen.metrics.fourier import evaluate_fourier, fourier_heat_map, half_plane
from corruptgen.ops.colour import luminance
from corruptgen.tables import catalog
from corruptgen.verification.verdict import verify
from tests.photographs import write_photographs
from tests.pictures import photograph

TABLE = "texture-shape"


def probe(image, row, severity, **options):
    return corruptgen.corrupt(image, row, severity, preset=TABLE, **options)


def colours(image):
    """Return the pixels of an image in an order that does not depend on their places."""
    pixels = image.reshape(-1, image.shape[2])
    return pixels[np.lexsort(pixels.T)]


def amplitudes(image):
    return np.abs(fft.fft2(image / 255, axes=(0, 1)))


@pytest.mark.parametrize("row", ["patch_shuffle", "pixel_permutation", "own_pixel_permutation"])
def test_exchanged_places_keep_every_pixel(row):
    image = photograph(61, 40)

    for severity in range(1, catalog.preset(TABLE).rows[row].level_count + 1):
        made = probe(image, row, severity, key="a")

        assert not np.array_equal(made, image)
        assert np.array_equal(colours(made), colours(image))


def test_patches_are_the_tiles_of_the_image_and_never_in_their_own_order():
    image = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64, 1) // 16
    image = image.astype(np.uint8)
    tiles = {image[y : y + 32, x : x + 32].tobytes() for y in (0, 32) for x in (0, 32)}

    for key in range(60):
        made = probe(image, "patch_shuffle", 1, key=key)

        assert {made[y : y + 32, x : x + 32].tobytes() for y in (0, 32) for x in (0, 32)} == tiles
        assert not np.array_equal(made, image)


def test_masks_and_boxes_follow_pixels_that_change_places():
    image = photograph(48, 48)
    marked = np.array(image)
    marked[10, 20] = (255, 0, 255)
    streams = {"seed": 3, "key": "a"}
    for row, severity in (("patch_shuffle", 3), ("own_pixel_permutation", 1)):
        cell = catalog.cell(TABLE, row, severity)
        warp = cell.warp(marked, corruptgen.randomness.Streams(3, "a"))

        [[y, x]] = warp.arrivals(np.array([[10.0, 20.0]]))

        assert (probe(marked, row, severity, **streams)[int(y), int(x)] == (255, 0, 255)).all()
        assert warp.origins(np.array([[y, x]])).tolist() == [[10, 20]]


def test_one_permutation_is_that_of_all_images_and_of_every_seed():
    one, other = np.arange(256, dtype=np.uint8).reshape(16, 16, 1), photograph(16, 16, 1)
    first = probe(one, "pixel_permutation", 1, seed=1, key="a")

    again = probe(other, "pixel_permutation", 1, seed=2, key="b")

    assert np.array_equal(again.ravel(), other.ravel()[first.ravel()])


def test_each_image_has_its_own_permutation_where_the_row_says_so():
    image = photograph(32, 32)

    assert not np.array_equal(*(probe(image, "own_pixel_permutation", 1, key=key) for key in "ab"))


@pytest.mark.parametrize(("severity", "share"), [(1, 0.5), (2, 0.25), (3, 0.1), (4, 0.05), (5, 0.01)])
def test_a_share_of_the_pixels_is_kept_as_it_is_and_the_others_are_black(severity, share):
    image = np.maximum(photograph(224, 224), 1)

    made = probe(image, "pixel_mask", severity, key="a")

    kept = made.any(axis=2)
    assert np.array_equal(made[kept], image[kept])
    assert kept.mean() == pytest.approx(share, rel=0.1)


def test_amplitudes_become_those_of_the_donor_and_phases_stay():
    image = (64 + photograph(64, 64) // 2).astype(np.uint8)
    donor = (64 + photograph(64, 64, name="coffee") // 2).astype(np.uint8)
    options = {"inputs": {"donor": (donor / 255).astype(np.float32)}, "window": (0, 1), "clip": False}
    unit = (image / 255).astype(np.float32)

    half, whole = (corruptgen.corrupt(unit, "amplitude_swap", s, preset=TABLE, **options) for s in (2.5, 5))

    mixed = (amplitudes(image) + amplitudes(donor)) / 2
    assert np.allclose(amplitudes(whole * 255), amplitudes(donor), rtol=1e-3, atol=1e-3)
    assert np.allclose(amplitudes(half * 255), mixed, rtol=1e-3, atol=1e-3)
    turns = np.angle(fft.fft2(whole, axes=(0, 1)) / fft.fft2(unit, axes=(0, 1)))
    assert np.abs(turns[amplitudes(donor) > 1]).max() < 0.01


def test_a_donor_of_another_size_and_a_missing_one_are_refused():
    with pytest.raises(corruptgen.errors.ArgumentError, match="needs the input 'donor'"):
        probe(photograph(32, 32), "amplitude_swap", 1)
    with pytest.raises(corruptgen.errors.ArgumentError, match="pass an array of the same height and width"):
        probe(photograph(32, 32), "amplitude_swap", 1, inputs={"donor": photograph(32, 40)})


def test_power_becomes_that_of_the_mean_amplitude():
    image, others = photograph(48, 64), [photograph(48, 64, name=name) for name in ("coffee", "rocket")]
    mean = np.mean([np.abs(fft.fftshift(fft.fft2(luminance(i / 255)))) for i in (image, *others)], axis=0)
    options = {"inputs": {"mean_amplitude": mean}, "window": (0, 1), "clip": False}

    made = corruptgen.corrupt((image / 255).astype(np.float32), "power_equalisation", 1, preset=TABLE, **options)

    assert np.array_equal(made[..., 0], made[..., 1])
    assert np.allclose(np.abs(fft.fftshift(fft.fft2(made[..., 0]))), mean, rtol=1e-3, atol=1e-3)


def test_edges_are_black_on_white_and_a_flat_image_has_none():
    made = probe(photograph(96, 128), "edges", 1)

    assert set(np.unique(made)) == {0, 255}
    assert 0.03 < (made == 0).mean() < 0.4
    for level in (0, 90, 255):
        assert (probe(np.full((40, 40, 3), level, np.uint8), "edges", 3) == 255).all()


def test_the_edge_of_a_square_is_where_the_square_ends():
    image = np.zeros((64, 64, 1), np.uint8)
    image[16:48, 16:48] = 180

    rows, columns = np.nonzero(probe(image, "edges", 1)[..., 0] == 0)

    assert np.minimum(np.abs(rows - 15.5), np.abs(rows - 47.5)).min() <= 1
    distances = np.maximum(np.abs(rows - 31.5), np.abs(columns - 31.5))
    assert (np.abs(distances - 16) <= 1.5).all()
    assert 100 < len(rows) < 140


def test_chromatic_aberration_magnifies_red_and_shrinks_blue_about_the_middle():
    image = np.zeros((101, 101, 3), np.uint8)
    image[50, 50] = image[50, 90] = 255

    made = probe(image, "chromatic_aberration", 5).astype(float)

    places = np.arange(70, 101)
    red, green, blue = (made[50, 70:, channel] @ places / made[50, 70:, channel].sum() for channel in range(3))
    assert (made[50, 50] == 255).all()
    assert (red, green, blue) == pytest.approx((90 + 40 * 0.02, 90, 90 - 40 * 0.02), abs=0.1)


def test_the_projection_leaves_nothing_between_green_and_magenta():
    image = photograph(48, 48)

    made = (64 + image / 2).astype(np.float32) / 255
    flat = corruptgen.corrupt(made, "fringe_projection", 1, preset=TABLE, window=(0, 1))

    assert np.abs(flat @ np.array([-1.0, 2.0, -1.0])).max() < 1e-6
    grey = np.repeat(made[..., :1], 3, axis=2)
    assert np.allclose(corruptgen.corrupt(grey, "fringe_projection", 1, preset=TABLE, window=(0, 1)), grey, atol=1e-6)


def test_one_colour_stays_and_the_others_are_faint_noise():
    image = (photograph(128, 128) / 255).astype(np.float32)

    kept = set()
    for key in range(12):
        made = corruptgen.corrupt(image, "colour_drop", 1, preset=TABLE, key=key, window=(0, 1))
        [channel] = [c for c in range(3) if np.allclose(made[..., c], image[..., c], atol=1e-6)]
        kept.add(channel)
        for other in {0, 1, 2} - {channel}:
            assert made[..., other].mean() == pytest.approx(0.45, abs=1e-3)
            assert made[..., other].std() == pytest.approx(image[..., channel].std() / 100, rel=0.1)
    assert kept == {0, 1, 2}


def test_a_wave_has_one_frequency_and_the_height_that_the_table_says():
    image = np.full((224, 224, 3), 0.5, np.float32)

    for row, frequency in (("fourier_low", (2, 3)), ("fourier_middle", (14, 18)), ("fourier_high", (64, 80))):
        made = corruptgen.corrupt(image, row, 3, preset=TABLE, key="a", window=(0, 1)) - image

        found = np.abs(fft.fft2(made[..., 0]))
        assert np.sqrt(np.mean(made**2)) == pytest.approx(0.07, rel=1e-3)
        assert found[frequency] == pytest.approx(found[-frequency[0], -frequency[1]])
        assert found[frequency] > 0.49 * found.sum()


def test_every_channel_has_the_wave_or_its_opposite():
    image = np.full((64, 64, 3), 0.5, np.float32)

    seen = set()
    for key in range(40):
        made = corruptgen.corrupt(image, "fourier_low", 1, preset=TABLE, key=key, window=(0, 1)) - image
        seen.add(tuple(np.sign(made[0, 0]).astype(int).tolist()))
    assert len(seen) == 8


def test_the_frames_of_a_heat_map_are_single_waves_in_its_order():
    image = np.full((32, 32, 1), 128, np.uint8)

    frames = corruptgen.frames(image, "map_31", 2, preset="fourier-basis", key="a")

    places = half_plane(15)
    for frame, (down, right) in zip(frames, places, strict=True):
        found = np.abs(fft.fft2(frame[..., 0] - 128.0))
        strongest = np.unravel_index(np.argmax(found), found.shape)
        assert strongest in {(down % 32, right % 32), (-down % 32, -right % 32)}
    assert len(places) == (31 * 31 + 1) // 2


def test_an_image_too_small_for_a_frequency_is_refused():
    with pytest.raises(ImageError, match="16×20 has no 15 waves along each axis; 8 are the most"):
        next(corruptgen.frames(np.zeros((16, 20, 3), np.uint8), "map_31", 1, preset="fourier-basis"))


def test_a_heat_map_has_each_frequency_twice_about_its_middle():
    rates = np.arange(13) / 13

    heat_map = fourier_heat_map(rates)

    assert heat_map.shape == (5, 5)
    assert heat_map[2, 2] == rates[0]
    assert np.array_equal(heat_map, heat_map[::-1, ::-1])
    for rate, (down, right) in zip(rates, half_plane(2), strict=True):
        assert heat_map[2 + down, 2 + right] == rate


def test_predictions_become_a_heat_map_of_errors():
    predictions = np.zeros((4, 5), int)
    predictions[0, 3] = 1

    assert evaluate_fourier(predictions, [0, 0, 0, 0])[2, 1] == 0.25
    assert evaluate_fourier(predictions, [0, 0, 0, 0]).sum() == 0.5


@pytest.mark.parametrize("count", [0, 4, 12, 14])
def test_numbers_that_are_no_heat_map_are_refused(count):
    with pytest.raises(ScoreError, match="are no heat map"):
        fourier_heat_map(np.zeros(count))


def test_predictions_that_do_not_fit_their_labels_are_refused():
    with pytest.raises(ScoreError, match="do not fit"):
        evaluate_fourier(np.zeros((4, 5)), [0, 0, 0])


@pytest.mark.parametrize("document", ["geirhos", "texture_shape"])
def test_the_snippets_of_the_documents_run(document):
    text = (Path(__file__).parents[1] / f"docs/{document}.md").read_text("utf-8")
    snippets = re.findall(r"```python\n(.*?)```", text, re.DOTALL)

    assert snippets
    for snippet in snippets:
        exec(snippet, {})


@pytest.mark.parametrize("donors", ["same class", "other class"])
def test_recipes_swap_amplitudes_with_an_item_of_a_class_and_record_which(tmp_path, donors):
    write_photographs(tmp_path / "photographs", 6, size=(24, 24))
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f'name = "swap"\nversion = "1.0.0"\n[source]\nkind = "folder"\npath = "photographs"\ndonors = "{donors}"\n'
        '[corrupt]\npreset = "texture-shape"\nrows = ["amplitude_swap", "power_equalisation"]\nseverities = [1]\n',
        "utf-8",
    )

    corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    pictures = {
        path.relative_to(tmp_path / "photographs").as_posix(): np.asarray(Image.open(path))
        for path in (tmp_path / "photographs").glob("*/*.png")
    }
    dataset = corruptgen.open(tmp_path / "out")
    labels = {item.id: item.label for item, _ in dataset.images("amplitude_swap", 1)}
    for item, pixels in dataset.images("amplitude_swap", 1):
        assert item.donor != item.id
        assert (labels[item.donor] == item.label) is (donors == "same class")
        whole = probe(pictures[item.id], "amplitude_swap", 1, inputs={"donor": pictures[item.donor]})
        assert np.array_equal(pixels, whole)
    assert verify(tmp_path / "out", source=tmp_path / "photographs", depth="full").problems == ()
