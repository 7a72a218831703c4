"""What every cell of every table promises, for every size that its table allows, grey and colour."""

import itertools
import json
from functools import partial

import numpy as np
import pytest

import corruptgen
from corruptgen.assets.inks import ink_masks
from corruptgen.assets.supplied import find_supplied
from corruptgen.assets.textures import frost_picture
from corruptgen.codecs.clips import H264, H265, check_encoder
from corruptgen.errors import AssetError, MissingPackage
from corruptgen.randomness import rng_for
from corruptgen.tables import catalog
from tests.inputs import planes_for
from tests.pictures import Plain, photograph

ANY_SIZE = [(37, 53), (61, 32), (96, 128)]
# Of the pictures that tables resize and crop.
PICTURE = [(300, 270)]
SEED = 1843956201


# Tables of one benchmark, most of whose rows are the same.
FAMILY = "medmnist-c/"
DECIDING = ("frozen", "levels", "sizes", "precision", "rounding", "reference_side")
PRESETS = [preset for name in catalog.preset_names() if not (preset := catalog.preset(name)).is_sequential]


def corrupt(image, row, severity, *, preset, **options):
    """Corrupt an image, with whatever else the row takes."""
    inputs = planes_for(preset, row, image)
    return corruptgen.corrupt(image, row, severity, preset=preset, inputs=inputs, **options)


def like_clean(result, clean):
    """Return a result at the size of the clean image, where it is a smaller one."""
    if result.shape == clean.shape:
        return result
    rows, columns = (
        np.arange(side) * small // side for side, small in zip(clean.shape[:2], result.shape[:2], strict=True)
    )
    return result[rows[:, None], columns]


def distinct_rows():
    """Return every row of every table, but of a family's tables each row only once that is written alike.

    The twelve tables of MedMNIST-C have 131 rows, of which little more than half differ in function or parameters.
    What a cell promises depends on these and the header alone, so that the rest would be the same cells again.
    """
    seen = set()
    for preset in PRESETS:
        for row in preset.rows:
            header = {key: preset.content["preset"].get(key) for key in DECIDING}
            written = json.dumps([row, preset.content[row], header], sort_keys=True)
            if not preset.name.startswith(FAMILY) or written not in seen:
                seen.add(written)
                yield preset, row


DISTINCT = list(distinct_rows())
# The first row of each function stands for it in the family's larger sizes, to which only lengths are scaled.
LARGE = {
    preset.rows[row].uses[0].corruption.name: (preset.name, row)
    for preset, row in reversed(DISTINCT)
    if preset.name.startswith(FAMILY)
}


def sizes(preset, row):
    """Return the sizes to try: all that a fixed table allows; else the smallest, odd ones and a common one."""
    if preset.staging.changes:
        return PICTURE
    allowed = list(preset.sizes.allowed) or [tuple(preset.sizes.smallest), *ANY_SIZE]
    if preset.name.startswith(FAMILY) and (preset.name, row) not in LARGE.values():
        return [min(allowed)]
    return allowed


# The first row of each function; `make smoke` tries those of the tables of photographs and scans.
FIRST = {preset.rows[row].uses[0].corruption.name: (preset.name, row) for preset, row in reversed(DISTINCT)}


# Of all others, rows whose function is tried in another table come in `make check` only; and so do those that take a
# second for each image.
SLOW = {
    "geirhos-2018-eidolon": None,
    "natural-bar": ("sparkles", "perlin_noise", "caustic_refraction", "checkerboard_cutout"),
    "3dcc-motion": ("bit_error", "h265_crf", "h265_abr"),
}
WHOLE = ("imagenet-c", "cifar-c", "imagecorruptions", "natural", "medical")


def named(preset, row):
    """Return a row as a parameter of a test."""
    is_slow = preset.name in SLOW and (SLOW[preset.name] is None or row in SLOW[preset.name])
    is_first = (preset.name, row) in FIRST.values() and not is_slow
    is_whole = preset.name in WHOLE
    marks = pytest.mark.smoke if is_first and is_whole else () if is_first or is_whole else pytest.mark.long
    return pytest.param(preset, row, id=f"{preset.name}-{row}", marks=marks)


# In the scope of the module, all tests of a row follow each other: two workers do not compile the same kernels.
ROWS = [named(preset, row) for preset, row in DISTINCT]
DRAWING_ROWS = [
    named(preset, row)
    for preset, row in DISTINCT
    if all(preset.cell(row, level).draws for level in preset.rows[row].severities)
]
# Of which only a sign is drawn, and which leave grey alone; and those of which one of two aberrations is drawn.
OF_A_SIGN = ("hue_shift", "color_balance", "object_rotation", "fourier_low", "fourier_middle", "fourier_high")
OF_TWO = (
    "drawn_aberration", "drawn_stored_aberration", "rotate_by_level", "shear_rows", "shear_columns", "shift_across",
    "shift_down",
)  # fmt: skip
# Of which only a direction is drawn, one of four.
FEW_DRAWS = ("window_shift", "cyclic_shift")


@pytest.fixture(autouse=True)
def _pictures_that_are_not_ours(request):
    """Leave out rows of frozen tables whose pictures, which are not ours to ship, are missing."""
    arguments = getattr(request.node, "callspec", None)
    needed = {"frost": lambda: frost_picture(0, 1.0), "stain_deposit": lambda: ink_masks(24)}
    find = needed.get(arguments.params.get("row")) if arguments else None
    if arguments and {"preset", "row"} <= arguments.params.keys():
        written = arguments.params["preset"].content[arguments.params["row"]]
        for file in {"kernels", "spectrum"} & written.keys():
            find = partial(find_supplied, written[file], "the file", "Fetch it")
    if find and arguments.params["preset"].frozen:
        try:
            find()
        except AssetError as error:
            pytest.skip(str(error))


@pytest.fixture(autouse=True)
def _codecs_of_video(request):
    """Leave out rows whose encoder is missing."""
    row = request.node.callspec.params.get("row") if hasattr(request.node, "callspec") else None
    try:
        for form in {"bit_error": [H264], "h265_crf": [H265], "h265_abr": [H264, H265]}.get(row, ()):
            check_encoder(form)
    except MissingPackage as error:
        pytest.skip(str(error))


# Every severity at every size in grey and colour is much: `make check` tries all, `make test` every other one.
SWEEPS = ["every other", pytest.param("all", marks=pytest.mark.long)]


# Tables with more levels than this have steps between those of other tables.
MANY_LEVELS = 6


def levels_of(preset, row, sweep):
    """Return the levels of a row to try: all, or every fifth one of many."""
    count = preset.rows[row].level_count
    every = 5 if count > MANY_LEVELS and sweep != "all" else 1
    return range(count, 0, -every)[::-1]


@pytest.fixture(params=SWEEPS)
def cells(request, preset, row):
    """The severities and images to try: of each size every severity, and both grey and colour, in either sweep."""
    ways = itertools.product(enumerate(sizes(preset, row)), enumerate((3, 1)), levels_of(preset, row, request.param))
    return [
        (severity, photograph(*size, channels))
        for (large, size), (grey, channels), severity in ways
        if request.param == "all" or (large + grey + severity) % 2
    ]


@pytest.mark.parametrize(("preset", "row"), ROWS, scope="module")
def test_a_cell_gives_an_image_like_the_one_it_was_given_and_leaves_that_alone(preset, row, cells):
    for severity, image in cells:
        before = image.copy()

        result = corrupt(image, row, severity, preset=preset.name, key="a")

        allowed = preset.sizes.allowed if preset.staging.changes else [image.shape[:2]]
        if preset.rows[row].changes_size:
            allowed = [(2 * image.shape[0], image.shape[1])]
        assert (result.shape[2:], result.dtype) == (image.shape[2:], image.dtype)
        assert result.shape[:2] in allowed
        assert np.array_equal(image, before)
        assert not np.shares_memory(result, image)


@pytest.mark.parametrize(("preset", "row"), ROWS, scope="module")
def test_the_same_key_gives_the_same_pixels(preset, row, cells):
    for severity, image in cells:
        once, again = (corrupt(image, row, severity, preset=preset.name, seed=SEED, key="a") for _ in range(2))

        assert np.array_equal(once, again)


@pytest.mark.parametrize(("preset", "row"), DRAWING_ROWS, scope="module")
def test_another_key_or_seed_gives_other_pixels(preset, row, cells):
    for severity, image in cells:
        if row in OF_A_SIGN or preset.rows[row].uses[0].corruption.name in OF_TWO:
            continue
        results = [
            corrupt(image, row, severity, preset=preset.name, seed=seed, key=key)
            for seed, key in itertools.product((SEED, SEED + 1), ("a", "b", "c"))
        ]

        different = {result.tobytes() for result in results}
        # Glass that moves no pixel takes no draws, and noise of no strength is the same whatever is drawn.
        parameters = preset.cell(row, severity).parameters
        if 0 in {parameters.get(name) for name in ("iterations", "width", "amount", "degrees")}:
            continue
        # A tiny picture can take the same drop, picture or angle twice, but not six times.
        is_few = image.size < 4096 or preset.rows[row].uses[0].corruption.name in FEW_DRAWS
        assert len(different) > (1 if is_few else 3), (severity, image.shape)


@pytest.mark.parametrize(("preset", "row"), ROWS, scope="module")
def test_the_fused_path_gives_the_pixels_of_the_plain_path(preset, row, cells):
    for severity, image in cells:
        if preset.rows[row].is_chain:
            continue  # its steps draw from streams of their own, which are those of its rows
        plain = Plain(rng_for(SEED, row, severity, "a"))

        assert np.array_equal(
            corrupt(image, row, severity, preset=preset.name, seed=SEED, key="a"),
            corrupt(image, row, severity, preset=preset.name, rng=plain),
        )


@pytest.mark.parametrize(("preset", "row"), ROWS, scope="module")
def test_an_image_that_lies_scattered_in_memory_has_the_pixels_of_one_that_does_not(preset, row):
    colour, grey = (photograph(*sizes(preset, row)[-1], channels) for channels in (3, 1))
    turned = np.asfortranarray(colour)
    turned.flags.writeable = False
    scattered = {
        "columns first, read-only": (colour, turned),
        "planes first": (colour, np.moveaxis(np.moveaxis(colour, 2, 0).copy(), 0, 2)),
        "backwards": (colour, colour[::-1, ::-1].copy()[::-1, ::-1]),
        "every other sample of a larger one": (grey, np.repeat(grey, 2, axis=1)[:, ::2]),
    }
    severity = min(3, preset.rows[row].level_count)
    whole = {len(image[0, 0]): corrupt(image, row, severity, preset=preset.name, key="a") for image in (colour, grey)}

    for layout, (image, other) in scattered.items():
        assert np.array_equal(image, other)
        result = corrupt(other, row, severity, preset=preset.name, key="a")
        assert np.array_equal(result, whole[len(image[0, 0])]), layout


@pytest.mark.parametrize(("preset", "row"), ROWS, scope="module")
def test_severity_0_is_the_clean_image(preset, row):
    image = photograph(*sizes(preset, row)[0])

    result = corrupt(image, row, 0, preset=preset.name)

    assert np.array_equal(result, preset.rows[row].staging.image(image))
    assert result is not image


@pytest.mark.parametrize("sweep", SWEEPS)
@pytest.mark.parametrize(("preset", "row"), ROWS, scope="module")
def test_a_higher_level_is_not_nearer_to_the_clean_image(preset, row, sweep):
    table_row = preset.rows[row]
    for size in sizes(preset, row)[:: 1 if sweep == "all" else 2]:
        image = photograph(*size)

        distances = {s: mean_distance(image, preset.name, row, s) for s in levels_of(preset, row, sweep)}

        for easier, harder in itertools.pairwise(distances):
            if table_row.non_monotone_levels.isdisjoint(range(easier + 1, harder + 1)):
                assert distances[harder] >= distances[easier] * 0.98, f"level {harder} at {size}: {distances}"


def mean_distance(image, preset, row, severity):
    """Return the mean absolute distance from the clean image over a few keys, all levels sharing their draws."""
    keys = range(4 if image.size > 10_000 else 24)  # chance weighs more in a small picture
    streams = (rng_for(SEED, row, None, str(key)) for key in keys)
    clean = corrupt(image, row, 0, preset=preset)
    results = (corrupt(image, row, severity, preset=preset, rng=rng) for rng in streams)
    return np.mean([np.abs(like_clean(result, clean).astype(int) - clean).mean() for result in results])


@pytest.mark.parametrize(("preset", "row"), ROWS, scope="module")
def test_severities_between_levels_lie_between_them(preset, row):
    image = photograph(*sizes(preset, row)[-1])
    table_row = preset.rows[row]

    for severity in (s for s in (1.5, 2.25, 3.75, 4.5) if s <= table_row.level_count):
        between = corrupt(image, row, severity, preset=preset.name, key="a")

        neighbours = {
            corrupt(image, row, level, preset=preset.name, key="a").tobytes()
            for level in (int(severity), int(severity) + 1)
        }
        assert between.shape == image.shape or preset.staging.changes
        if table_row.interpolation == "nearest" and not preset.cell(row, 1).draws and not table_row.is_chain:
            assert between.tobytes() in neighbours


@pytest.mark.parametrize(("preset", "row"), ROWS, scope="module")
def test_below_level_1_a_row_is_milder_or_says_that_it_cannot(preset, row):
    image = photograph(*sizes(preset, row)[-1])
    table_row = preset.rows[row]
    if not table_row.reaches_zero:
        with pytest.raises(Exception, match="no clean values"):
            corrupt(image, row, 0.5, preset=preset.name)
        return

    assert mean_distance(image, preset.name, row, 0.3) <= mean_distance(image, preset.name, row, 1) * 1.02
    assert mean_distance(image, preset.name, row, 1e-6) <= 0.6


@pytest.mark.parametrize("name", ["black", "white"])
@pytest.mark.parametrize(("preset", "row"), ROWS, scope="module")
def test_flat_images_go_through_without_a_warning(preset, row, name):
    for size in sizes(preset, row)[:2]:
        image = np.full((*size, 3), 0 if name == "black" else 255, np.uint8)

        for severity in levels_of(preset, row, "every other"):
            result = corrupt(image, row, severity, preset=preset.name, key="a")
            assert result.shape == image.shape or preset.rows[row].crops_or_resizes


@pytest.mark.parametrize("preset", [p for p in PRESETS if not p.staging.changes], ids=lambda preset: preset.name)
def test_a_table_refuses_sizes_that_it_does_not_hold_for(preset):
    rules = preset.sizes
    if rules.allowed:
        wrong = (rules.allowed[0][0], rules.allowed[0][1] + 1)
    else:
        wrong = (rules.smallest[0] - 1, rules.smallest[1])
    row = next(iter(preset.rows))

    with pytest.raises(Exception, match=f"{preset.name} is for images of .* found {wrong[0]}×{wrong[1]}"):
        corrupt(np.zeros((*wrong, 3), np.uint8), row, 1, preset=preset.name)


@pytest.mark.parametrize("declared", catalog.corruptions().values(), ids=lambda declared: declared.name)
def test_every_corruption_says_what_it_does_and_where_it_comes_from(declared):
    assert declared.summary.endswith("."), "the docstring begins with one sentence"
    assert "References\n----------" in declared.docstring
    for parameter in declared.parameters:
        assert f"{parameter} :" in declared.docstring, f"the docstring explains {parameter}"


def test_every_corruption_is_used_by_a_table():
    tables = map(catalog.preset, catalog.preset_names())
    used = {level.corruption.name for table in tables for row in table.rows.values() for level in row.uses}

    assert used == set(catalog.corruptions())


# Tables that promise to keep samples as deep as they are.
DEEP = [param for param in ROWS if param.values[0].name == "medical"]
# The same levels in other samples, and what stands for black and white in them.
DEPTHS = {
    "uint16": (lambda levels: levels.astype(np.uint16) * 257, (0, 65535)),
    "int16": (lambda levels: levels.astype(np.int16) * 100 - 12800, (-12800, 12700)),
    "float32": (lambda levels: levels.astype(np.float32) / np.float32(255), (0, 1)),
}


@pytest.mark.parametrize(("preset", "row"), DEEP)
def test_other_samples_give_the_picture_of_8_bits_and_keep_their_type_and_range(preset, row, cells):
    for severity, image in cells:
        levels = corrupt(image, row, severity, preset=preset.name, key="a").astype(float)

        for dtype, (deepened, (black, white)) in DEPTHS.items():
            deep = corrupt(deepened(image), row, severity, preset=preset.name, key="a", window=(black, white))

            assert (deep.dtype.name, deep.shape) == (dtype, image.shape)
            assert deep.min() >= black
            assert deep.max() <= white
            assert np.abs((deep.astype(float) - black) / (white - black) * 255 - levels).max() <= 1


@pytest.mark.parametrize(("preset", "row"), DEEP)
def test_what_8_bits_cannot_tell_apart_is_still_there(preset, row):
    if row == "jpeg_compression":
        pytest.skip("it stores 8 bits")
    image = photograph(96, 128)
    deep = image.astype(np.uint16) * 257
    # By less than half a level.
    fainter = np.where(deep > 0, deep - 100, 0).astype(np.uint16)

    for severity in preset.rows[row].severities:
        results = [corrupt(i, row, severity, preset=preset.name, key="a", window=(0, 65535)) for i in (deep, fainter)]

        assert not np.array_equal(*results)
