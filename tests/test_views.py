"""Views: an item of a dataset has the pixels of the file that `generate` writes for it."""

import pickle
from typing import Any

import datasets
import numpy as np
import pytest
from PIL import Image

from corruptgen import generate
from corruptgen.errors import ImageError, RecipeError, Rejected, SeverityError, SourceError, UnknownName
from corruptgen.transforms import Corrupted, GaussianNoise, Keyed, all_cells
from tests.loaders import Folder
from tests.photographs import pixels_of, real_pixels, write_photographs, write_recipe
from tests.pictures import photograph


@pytest.fixture
def place(tmp_path):
    """Photographs of several sizes, one of them a JPEG that lies on its side."""
    write_photographs(tmp_path / "photographs", 4)
    Image.fromarray(photograph(60, 44, 1)[..., 0]).save(tmp_path / "photographs" / "coffee" / "grey.png")
    lying = Image.fromarray(photograph(50, 70))
    exif = lying.getexif()
    exif[0x0112] = 6
    lying.save(tmp_path / "photographs" / "rocket" / "lying.jpg", exif=exif, quality=95)
    return tmp_path


def made(place, **recipe):
    generate(write_recipe(place, **recipe), output=place / "out", workers=1)
    return place / "out"


def file_of(output, row, severity, key):
    return pixels_of(output / row / f"{severity:g}" / f"{key.rpartition('.')[0]}.png")


def test_a_folder_has_the_pixels_of_every_file_of_every_cell(place):
    output = made(place, top="seed = 5", decode="resize = 36\ncrop = 32", output="clean = true")
    folder = Folder(place / "photographs")

    views = list(all_cells(folder, str(place / "three.toml"), seed=5, clean=True, decode={"resize": 36, "crop": 32}))

    assert [(view.row, view.severity) for view in views] == [
        ("clean", 0), ("gaussian_noise", 1), ("gaussian_noise", 2), ("brightness", 1), ("brightness", 2),
        ("jpeg_compression", 1), ("jpeg_compression", 2),
    ]  # fmt: skip
    for view in views:
        for index in range(len(view)):
            picture, target = view[index]
            where = output / "clean" if view.row == "clean" else output / view.row / f"{view.severity:g}"
            found = [
                path
                for path in where.rglob("*.png")
                if path.stem == view.key(index).rpartition("/")[2].rpartition(".")[0]
            ]
            assert np.array_equal(np.asarray(picture), pixels_of(found[0]))
            assert target == folder.samples[index][1]


def test_a_recipe_with_shared_draws_and_lying_pictures_is_followed(place):
    output = made(
        place, decode='exif = "ignore"', corrupt='rows = ["gaussian_noise"]\nseverities = [1.5]\npaired = true'
    )

    view = Corrupted(
        Folder(place / "photographs"), str(place / "three.toml"), "gaussian_noise", 1.5, paired=True,
        decode={"exif": "ignore"},
    )  # fmt: skip

    assert "rocket/lying.jpg" in [view.key(n) for n in range(len(view))]
    for n, (picture, _) in enumerate(view):
        assert np.array_equal(np.asarray(picture), file_of(output, "gaussian_noise", 1.5, view.key(n)))


def test_arrays_have_the_pixels_of_the_output_under_the_ids_of_their_source(tmp_path):
    images = real_pixels(5)
    np.savez(tmp_path / "data.npz", test_images=images, test_labels=np.arange(5)[:, None])
    (tmp_path / "recipe.toml").write_text(
        'name = "a"\nversion = "1.0.0"\nseed = 3\n[source]\nkind = "npz"\npath = "data.npz"\n'
        '[corrupt]\npreset = "cifar-c"\nrows = ["shot_noise"]\nseverities = [4]\n[output]\nformat = "npy"\n'
    )
    generate(tmp_path / "recipe.toml", output=tmp_path / "out", workers=1)

    view = Corrupted(list(zip(images, range(5), strict=True)), "cifar-c", "shot_noise", 4, 3, key="test/{index}")
    named = Corrupted(list(images), "cifar-c", "shot_noise", 4, 3, key=lambda index: f"test/{index}")

    assert np.array_equal(np.stack([image for image, _ in view]), np.load(tmp_path / "out" / "shot_noise.npy"))
    assert all(np.array_equal(a, b[0]) for a, b in zip(named, view, strict=True))
    assert Corrupted(list(images), "cifar-c", "shot_noise", 4).key(3) == "3"


@pytest.fixture
def saved(tmp_path):
    """A dataset on disk, and what `generate` made of it."""
    rows = {"image": [Image.fromarray(image) for image in real_pixels(6)], "label": list(range(6)),
            "name": [f"n{n}" for n in range(6)]}  # fmt: skip
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.Value("int64"), "name": datasets.Value("string")}
    )
    whole = datasets.Dataset.from_dict(rows, features=features, split="test")
    whole.save_to_disk(str(tmp_path / "data"))
    return datasets.load_from_disk(str(tmp_path / "data"))


def generated(tmp_path, columns=""):
    (tmp_path / "recipe.toml").write_text(
        f'name = "a"\nversion = "1.0.0"\nseed = 3\n[source]\nkind = "hub"\npath = "data"\nsplit = "test"\n{columns}\n'
        '[corrupt]\npreset = "cifar-c"\nrows = ["shot_noise"]\nseverities = [4]\n[output]\nformat = "npy"\n'
    )
    generate(tmp_path / "recipe.toml", output=tmp_path / "out", workers=1)
    return np.load(tmp_path / "out" / "shot_noise.npy")


def test_a_dataset_of_the_library_has_the_pixels_of_the_output(tmp_path, saved):
    view = Corrupted(saved, "cifar-c", "shot_noise", 4, 3)

    assert np.array_equal(np.stack([np.asarray(row["image"]) for row in view]), generated(tmp_path))
    assert [row["label"] for row in view] == list(range(6))
    assert [view.key(n) for n in (0, 5, -1)] == ["test/0", "test/5", "test/5"]


def test_a_column_can_hold_the_ids(tmp_path, saved):
    view = Corrupted(saved, "cifar-c", "shot_noise", 4, 3, key="name")
    usual = Corrupted(saved.rename_column("name", "image_id"), "cifar-c", "shot_noise", 4, 3)

    expected = generated(tmp_path, 'columns = { id = "name" }')
    assert np.array_equal(np.stack([np.asarray(row["image"]) for row in view]), expected)
    assert np.array_equal(np.stack([np.asarray(row["image"]) for row in usual]), expected)


def test_what_comes_afterwards_is_done_to_the_picture_alone(place):
    folder: Any = Folder(place / "photographs")
    folder.target_transform = lambda target: -target

    view = Corrupted(folder, "natural", "fog", 2, transform=lambda picture: picture.size)

    assert [item[1] for item in view] == [-target for _, target in folder.samples]
    assert view[0][0] == folder[0][0].size


def test_severity_0_is_the_clean_picture_and_kinds_are_kept():
    images = [photograph(40, 36), photograph(40, 36, 1)[..., 0], Image.fromarray(photograph(40, 36, 1)[..., 0])]

    for image in images:
        view = Corrupted([image], "natural", "fog", 0)
        assert np.array_equal(np.asarray(view[0]), np.asarray(image))
        assert type(view[0]) is type(image)
        assert getattr(view[0], "mode", None) == getattr(image, "mode", None)


def test_views_travel_and_count_from_both_ends(place):
    view = Corrupted(Folder(place / "photographs"), "natural", "shot_noise", 3)

    travelled = pickle.loads(pickle.dumps(view))

    assert np.array_equal(np.asarray(travelled[-1][0]), np.asarray(view[len(view) - 1][0]))
    assert "shot_noise" in repr(view)
    with pytest.raises(IndexError):
        view[len(view)]


def test_a_subset_has_the_pixels_of_the_whole(place, saved):
    from torch.utils.data import Subset  # noqa: PLC0415

    for dataset, preset in ((Folder(place / "photographs"), "natural"), (saved, "cifar-c")):
        whole = Corrupted(dataset, preset, "shot_noise", 3)

        part = Corrupted(Subset(Subset(dataset, [4, 1, 0, 2]), [2, 0]), preset, "shot_noise", 3)

        assert [part.key(n) for n in range(len(part))] == [whole.key(0), whole.key(4)]
        for mine, its in ((part[0], whole[0]), (part[-1], whole[4])):
            picture = "image" if isinstance(mine, dict) else 0
            assert np.array_equal(np.asarray(mine[picture]), np.asarray(its[picture]))


def test_a_keyed_dataset_does_not_care_for_order():
    flat = np.full((8, 8, 3), 128, np.uint8)
    rows = [{"image": flat, "id": f"n{n}"} for n in range(5)]

    keyed = Keyed(rows, GaussianNoise(0.1, seed=2), key="id")

    assert len({row["image"].tobytes() for row in keyed}) == 5
    assert np.array_equal(keyed[3]["image"], GaussianNoise(0.1, seed=2)(flat, key="n3"))
    assert keyed[3]["id"] == "n3"


def with_transform(place):
    folder: Any = Folder(place / "photographs")
    folder.transform = lambda picture: picture
    return folder


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda place: Corrupted([1], "natural", "fogg", 1), UnknownName, "did you mean 'fog'"),
        (lambda place: Corrupted([1], "natural", "fog", 6), SeverityError, r"outside of 0\.\.5"),
        (lambda place: Corrupted([1], "natural", "fog", 1)[0], ImageError, "without transforms"),
        (lambda place: Corrupted([{"pic": 1}], "natural", "fog", 1)[0], SourceError, "pass image="),
        (lambda place: Corrupted([1], "natural", "fog", 1, decode={"size": 3}), RecipeError, "no key of"),
        (lambda place: Corrupted([1], "natural", "fog", 1, decode={"crop": 2.5}), RecipeError, "allowed is"),
        (lambda place: Corrupted([{"bytes": None, "path": "no"}], "natural", "fog", 1)[0], Rejected, "No such file"),
        (lambda place: Corrupted(with_transform(place), "natural", "fog", 1), ImageError, "pass that as transform="),
        (lambda place: Corrupted([b"nothing"], "natural", "fog", 1)[0], Rejected, "0 cannot be decoded"),
        (lambda place: Keyed([1], GaussianNoise()), ImageError, "pass seed="),
    ],
)
def test_what_cannot_be_is_named(place, make, error, message):
    with pytest.raises(error, match=message):
        make(place)
