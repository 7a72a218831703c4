"""Severity tables: what is refused, how values go from level to level, and that frozen tables stay as they are."""

import json
from pathlib import Path

import numpy as np
import pytest

from corruptgen import corrupt
from corruptgen.errors import PresetError, SeverityError, UnknownName
from corruptgen.tables import catalog
from tests.pictures import photograph

GOLDEN = Path(__file__).parent / "golden" / "tables.json"
HEADER = '[preset]\ntitle = "mine"\nlevels = 3\n'


def table(tmp_path, text, header=HEADER):
    path = tmp_path / "mine.toml"
    path.write_text(header + text, "utf-8")
    return catalog.preset(str(path))


def test_frozen_tables_stay_as_they_are(update_goldens):
    # A frozen table is a published benchmark. Other values need a new file: digests are added, never changed.
    frozen = {name: catalog.preset(name).digest for name in catalog.preset_names() if catalog.preset(name).frozen}
    if update_goldens:
        known = json.loads(GOLDEN.read_text("utf-8"))
        GOLDEN.write_text(json.dumps(frozen | known, indent=1) + "\n", "utf-8")

    assert frozen == json.loads(GOLDEN.read_text("utf-8"))


def test_a_recorded_table_makes_the_same_preset_again():
    for name in catalog.preset_names():
        preset = catalog.preset(name)

        again = catalog.preset_from(name, json.loads(json.dumps(preset.content)))

        assert again == preset
        assert again.digest == preset.digest


def test_groups_stand_for_their_rows():
    preset = catalog.preset("imagenet-c")

    assert len(preset.named_rows(["common"])) == 15
    assert len(preset.named_rows(["extra"])) == 4
    assert len(preset.named_rows(["common", "fog", "extra"])) == 19


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[brightness]\noffset = [0.1, 0.2]", r"mine \[brightness\] offset: 2 values for 3 severities"),
        ("[brightness]\nofset = [1, 2, 3]", r"mine \[brightness\]: .* called 'ofset'; did you mean 'offset'"),
        ("[brightness]", "the column 'offset' is missing"),
        ('[brightness]\noffset = ["a", "b", "c"]', "found 'a' at level 1, allowed is float"),
        ("[jpeg_compression]\nquality = [30, 20.5, 10]", "found 20.5 at level 2, allowed is int"),
        ("[brightnes]\noffset = 1", "no corruption is called 'brightnes'; did you mean 'brightness'"),
        ('[brightness]\ninterpolation = "cubic"\noffset = [0.1, 0.2, 0.3]', "found 'cubic', allowed are linear"),
        ('[brightness]\ninterpolation = "log"\noffset = [0.0, 0.2, 0.3]', "log.* needs values above 0"),
        ('[brightness]\nscaled = ["offset"]\noffset = [0.1, 0.2, 0.3]', "write reference_side"),
        ('[a]\nuse = ["brightness", "contrast", "contrast"]', 'write interpolation = "nearest"'),
        ('[a]\nuse = ["brightness"]\ninterpolation = "nearest"', "1 functions for 3 severities"),
        ("", "the table has no rows"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_refused_with_its_place(tmp_path, text, message):
    with pytest.raises((PresetError, UnknownName), match=message):
        table(tmp_path, text)


def test_a_table_without_a_header_or_with_a_wrong_one_is_refused(tmp_path):
    with pytest.raises(PresetError, match=r"no \[preset\] header"):
        table(tmp_path, "[brightness]\noffset = 0.1", header="")
    with pytest.raises(PresetError, match="no header field is called 'level'; did you mean 'levels'"):
        table(tmp_path, "[brightness]\noffset = 0.1", header="[preset]\nlevel = 3\n")
    with pytest.raises(PresetError, match="cannot read this severity table"):
        table(tmp_path, "[brightness\n")


def test_values_go_from_level_to_level_as_the_row_says(tmp_path):
    preset = table(
        tmp_path,
        """
        [line]
        use = "gaussian_noise"
        sigma = [0.1, 0.3, 0.4]
        at_zero = { sigma = 0 }
        [geometric]
        use = "gaussian_noise"
        interpolation = "log"
        sigma = [0.1, 0.4, 0.9]
        [steps]
        use = "gaussian_noise"
        interpolation = "nearest"
        sigma = [0.1, 0.3, 0.4]
        [whole]
        use = "jpeg_compression"
        quality = [80, 75, 10]
        """,
    )

    def value(row, severity):
        return next(iter(preset.cell(row, severity).parameters.values()))

    assert [value("line", s) for s in (0.5, 1, 1.5, 3)] == pytest.approx([0.05, 0.1, 0.2, 0.4])
    assert value("geometric", 1.5) == pytest.approx(0.2)
    assert [value("steps", s) for s in (1.49, 1.5, 2.4)] == [0.1, 0.3, 0.3]
    assert value("whole", 1.5) == 78
    with pytest.raises(SeverityError, match="no clean values"):
        preset.cell("steps", 0.5)


def test_a_row_may_change_its_function_from_level_to_level(tmp_path):
    preset = table(
        tmp_path,
        """
        [exposure]
        use = ["brightness", "brightness", "contrast"]
        interpolation = "nearest"
        offset = [0.1, 0.2]
        factor = 0.4
        """,
    )

    names = [preset.cell("exposure", s).corruption.name for s in (1, 2.4, 2.6, 3)]

    assert names == ["brightness", "brightness", "contrast", "contrast"]
    assert dict(preset.cell("exposure", 2).parameters) == {"offset": 0.2}


def test_saturate_and_spatter_do_not_pass_through_the_clean_image():
    for name in catalog.preset_names():
        if catalog.preset(name).is_sequential:
            continue
        image = photograph(*(catalog.preset(name).sizes.allowed or [(64, 64)])[0])
        for row in {"saturate", "spatter"} & catalog.preset(name).rows.keys():
            for severity in np.linspace(1, 5, 17):
                result = corrupt(image, row, float(severity), preset=name, key="a")

                assert np.abs(result.astype(int) - image).mean() > 0.3, (name, row, severity)


def test_scaled_parameters_grow_with_the_shorter_side(tmp_path):
    header = HEADER + "reference_side = 100\n"
    preset = table(tmp_path, '[gaussian_blur]\nscaled = ["sigma"]\nsigma = [1.0, 2.0, 3.0]', header)

    cell = preset.cell("gaussian_blur", 2)

    assert cell.parameters_for(200, 400) == {"sigma": pytest.approx(4)}
    assert cell.parameters_for(50, 400) == {"sigma": pytest.approx(1)}


def test_a_table_of_the_users_own_works_everywhere(tmp_path):
    preset = tmp_path / "mine.toml"
    preset.write_text(HEADER + "[brightness]\noffset = [0.1, 0.2, 0.3]", "utf-8")
    image = photograph(16, 16)

    result = corrupt(image, "brightness", 3, preset=str(preset))

    assert result.mean() > image.mean()


OLD_KEYS = """
[preset]
levels = 2

[brightness]
between = "log"
clean = { offset = 0.0 }
not_worse = [2]
in_colour = true
offset = [0.1, 0.2]
"""
NEW_KEYS = (
    OLD_KEYS.replace("between", "interpolation")
    .replace("clean", "at_zero")
    .replace("not_worse", "non_monotone_levels")
    .replace("in_colour", "requires_rgb")
)


def test_the_earlier_names_of_keys_are_read_with_a_warning_and_have_the_same_digest(tmp_path):
    (tmp_path / "old.toml").write_text(OLD_KEYS, "utf-8")
    (tmp_path / "new.toml").write_text(NEW_KEYS, "utf-8")

    with pytest.warns(DeprecationWarning, match="between is interpolation, clean is at_zero"):
        old = catalog.preset(str(tmp_path / "old.toml"))
    new = catalog.preset(str(tmp_path / "new.toml"))

    assert old.rows == new.rows
    assert old.digest == new.digest
    # What manifests have is read back without a warning.
    assert catalog.preset_from("new", new.content).rows == new.rows
    assert "between" in new.content["brightness"]


def test_a_key_under_both_of_its_names_is_refused(tmp_path):
    (tmp_path / "both.toml").write_text(NEW_KEYS + 'between = "log"\n', "utf-8")

    with (
        pytest.warns(DeprecationWarning, match="new names"),
        pytest.raises(PresetError, match="between is the earlier name of interpolation"),
    ):
        catalog.preset(str(tmp_path / "both.toml"))
