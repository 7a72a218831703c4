"""Datasets of the library `datasets`: lazily, as a stream, and through its cache."""

import pickle
import subprocess
import sys
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from corruptgen import corrupt
from corruptgen.errors import ImageError, Rejected, SeverityError, SourceError
from corruptgen.transforms import Corrupted
from corruptgen.transforms.hf import corrupt as corrupt_dataset
from tests.photographs import ROOT, real_pixels
from tests.pictures import photograph

CELL = ("cifar-c", "gaussian_noise", 3)
PIXELS = real_pixels(6)


def dataset(pixels=PIXELS, **columns):
    rows = {"image": [Image.fromarray(image) for image in pixels], "label": list(range(len(pixels)))} | columns
    whole = datasets.Dataset.from_dict(rows, split="test")
    return whole.cast_column("image", datasets.Image())


def expected(names, pixels=PIXELS, seed=0):
    row, severity = CELL[1:]
    return [corrupt(i, row, severity, preset="cifar-c", seed=seed, key=k) for i, k in zip(pixels, names, strict=True)]


def pictures(rows):
    return [np.asarray(row["image"]) for row in rows]


def same(one, other):
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


NUMBERED = expected([f"test/{n}" for n in range(6)])


def test_a_lazy_dataset_has_the_pixels_of_the_view_and_its_own_columns():
    lazy = corrupt_dataset(dataset(), *CELL)

    assert same(pictures(lazy), NUMBERED)
    assert same(pictures(Corrupted(dataset(), *CELL)), NUMBERED)
    assert list(lazy[2]) == ["image", "label"]
    assert same([np.asarray(image) for image in lazy[4:]["image"]], NUMBERED[4:])
    assert lazy[[5, 0]]["label"] == [5, 0]
    assert same(pictures(pickle.loads(pickle.dumps(lazy))), NUMBERED)


def test_rows_keep_their_names_when_the_lazy_dataset_is_shuffled_or_cut():
    lazy = corrupt_dataset(dataset(), *CELL)

    assert same(pictures(lazy.select([4, 1])), [NUMBERED[4], NUMBERED[1]])
    shuffled = lazy.shuffle(seed=3)
    assert same(pictures(shuffled),
                [NUMBERED[row["label"]] for row in shuffled])  # fmt: skip


def test_parts_of_a_lazy_dataset_in_any_order_are_lazy_too():
    lazy = corrupt_dataset(dataset(), *CELL)
    parts = [
        *(lazy.select([4, 1]), lazy.shuffle(seed=1), lazy.shard(2, 0), lazy.skip(3)),
        *(lazy.filter(lambda row: row["label"] > 3), lazy.train_test_split(test_size=2, seed=0)["test"]),
        *(lazy.add_column("more", list("abcdef")), lazy.shuffle(seed=2).take(3).select([1])),
    ]

    for part in parts:
        assert len(part) > 0
        assert same(pictures(part), [NUMBERED[row["label"]] for row in part])
        with pytest.raises(ImageError, match="clean ones would be taken; write them first"):
            part.to_parquet("never.parquet")


@pytest.mark.parametrize(
    "use",
    [
        lambda lazy: lazy.to_parquet("never.parquet"),
        lambda lazy: lazy.to_csv("never.csv"),
        lambda lazy: lazy.to_json("never.json"),
        lambda lazy: lazy.to_pandas(),
        lambda lazy: lazy.to_dict(),
        lambda lazy: lazy.to_list(),
        lambda lazy: lazy.save_to_disk("never"),
        lambda lazy: lazy.push_to_hub("nobody/never"),
        lambda lazy: lazy.to_iterable_dataset(),
        lambda lazy: lazy.with_format("torch"),
        lambda lazy: lazy.with_transform(lambda rows: rows),
        lambda lazy: lazy.reset_format(),
        lambda lazy: lazy.map(lambda row: row),
        lambda lazy: lazy.rename_column("image", "picture"),
        lambda lazy: datasets.concatenate_datasets([lazy, lazy]),
        lambda lazy: datasets.concatenate_datasets([lazy, corrupt_dataset(dataset(), *CELL[:2], 1)]),
        lambda lazy: datasets.interleave_datasets([lazy, lazy]),
        lambda lazy: datasets.DatasetDict({"test": lazy}).save_to_disk("never"),
        lambda lazy: datasets.DatasetDict({"test": lazy}).with_format("torch"),
        lambda lazy: datasets.DatasetDict({"test": lazy}).map(lambda row: row),
    ],
)
def test_a_lazy_dataset_never_gives_its_clean_images_away(use, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ImageError, match=r"clean ones would be taken; write them first, with .*lazy=False"):
        use(corrupt_dataset(dataset(), *CELL))

    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "dataset_dict.json"]


def test_what_is_written_first_can_be_written_anywhere(tmp_path):
    written = corrupt_dataset(dataset(), *CELL, lazy=False)

    written.to_parquet(str(tmp_path / "a.parquet"))

    assert same(pictures(datasets.Dataset.from_parquet(str(tmp_path / "a.parquet"), cache_dir=str(tmp_path))), NUMBERED)


def test_rows_that_move_pixels_refuse_columns_that_would_have_to_move():
    boxes = [{"bbox": [[1.0, 1.0, 9.0, 9.0]], "category": [1]}] * 6
    masks = [Image.fromarray(image[..., 0]) for image in PIXELS]

    for name, column in (("objects", boxes), ("annotation", masks), ("keypoints", [[1.0, 2.0]] * 6)):
        whole = dataset(**{name: column})
        with pytest.raises(
            ImageError, match=rf"elastic_transform moves pixels, and the column '{name}.*remove_columns"
        ):
            corrupt_dataset(whole, "natural", "elastic_transform", 3)
        with pytest.raises(ImageError, match="elastic_transform moves pixels"):
            Corrupted(whole, "natural", "elastic_transform", 3)
        assert len(corrupt_dataset(whole, "natural", "fog", 3)) == 6
    assert len(corrupt_dataset(dataset(), "natural", "elastic_transform", 3)) == 6


def test_a_column_of_other_numbers_than_samples_is_refused():
    features = datasets.Features({"img": datasets.Array3D((8, 8, 3), "float32")})
    whole = datasets.Dataset.from_dict({"img": [np.full((8, 8, 3), 0.5).tolist()]}, features=features)

    with pytest.raises(Rejected, match="other values than the whole numbers 0 to 255"):
        corrupt_dataset(whole, "natural", "fog", 1)[0]


def test_every_split_of_a_dictionary_is_corrupted():
    both = datasets.DatasetDict({"test": dataset(), "train": dataset(PIXELS[:2])})

    made = corrupt_dataset(both, *CELL)

    assert isinstance(made, datasets.DatasetDict)
    assert same(pictures(made["test"]), NUMBERED)
    assert len(made["train"]) == 2


def test_a_stream_that_does_not_know_its_columns_is_taken():
    def rows():
        for image in PIXELS:
            yield {"image": Image.fromarray(image)}

    stream = datasets.IterableDataset.from_generator(rows)
    stream = datasets.IterableDataset(stream._ex_iterable)

    assert stream.features is None
    assert same(pictures(corrupt_dataset(stream, *CELL)), [corrupt(i, *CELL[1:], preset="cifar-c") for i in PIXELS])


def test_a_column_of_ids_names_the_rows():
    names = [f"n{n}" for n in range(6)]

    by_key = corrupt_dataset(dataset(name=names), *CELL, key="name")
    by_usual_name = corrupt_dataset(dataset(image_id=names), *CELL, lazy=False)

    assert same(pictures(by_key), expected(names))
    assert same(pictures(by_usual_name), expected(names))


def test_a_written_dataset_is_the_lazy_one_in_png(tmp_path):
    written = corrupt_dataset(dataset(), *CELL, seed=3, lazy=False, num_proc=2)

    assert same(pictures(written), expected([f"test/{n}" for n in range(6)], seed=3))
    assert written.features == dataset().features
    assert written[0]["image"].format == "PNG"


SECOND = """
import sys, datasets
from corruptgen.transforms.hf import corrupt
datasets.disable_progress_bars()
whole = datasets.load_from_disk(sys.argv[1])
made = corrupt(whole, "cifar-c", sys.argv[2], 3, lazy=False)
print(made._fingerprint, made.cache_files[0]["filename"])
"""


def test_a_second_process_finds_what_the_first_has_written(tmp_path):
    dataset().save_to_disk(str(tmp_path / "data"))

    def run(row):
        done = subprocess.run(
            [sys.executable, "-c", SECOND, str(tmp_path / "data"), row],
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        fingerprint, file = done.stdout.split()
        return fingerprint, file, Path(file).stat().st_mtime_ns

    first = run("gaussian_noise")

    assert run("gaussian_noise") == first


def test_another_cell_is_not_found_in_the_cache():
    prints = [corrupt_dataset(dataset(), *CELL[:2], severity, lazy=False)._fingerprint for severity in (3, 3, 2)]

    assert prints[0] == prints[1] != prints[2]


def test_a_table_that_changed_is_not_found_in_the_cache(tmp_path):
    table = tmp_path / "mine.toml"
    prints = []
    for sigma in (0.1, 0.2):
        table.write_text(f'[preset]\ntitle = "Mine"\nlevels = 1\n[gaussian_noise]\nsigma = [{sigma}]\n')
        prints.append(corrupt_dataset(dataset(), str(table), "gaussian_noise", 1, lazy=False)._fingerprint)

    assert prints[0] != prints[1]


def test_a_stream_stays_a_stream_and_is_named_by_ids_or_pixels():
    by_pixels = corrupt_dataset(dataset().to_iterable_dataset(num_shards=3), *CELL)
    by_id = corrupt_dataset(dataset(id=list("abcdef")).to_iterable_dataset(num_shards=3), *CELL)

    assert same(pictures(by_pixels), [corrupt(image, *CELL[1:], preset="cifar-c") for image in PIXELS])
    assert same(pictures(by_id), expected("abcdef"))
    assert [row["label"] for row in by_pixels] == list(range(6))


def test_a_stream_in_two_workers_repeats_no_noise():
    from torch.utils.data import DataLoader  # noqa: PLC0415

    flat = [np.full((32, 32, 3), 100 + n, np.uint8) for n in range(6)]
    stream = corrupt_dataset(dataset(flat).to_iterable_dataset(num_shards=2), *CELL)

    loader = DataLoader(stream, batch_size=None, num_workers=2, multiprocessing_context="fork")
    noise = [np.asarray(row["image"]).astype(int) - (100 + int(row["label"])) for row in loader]

    assert len({field.tobytes() for field in noise}) == 6


MEMORY = """
import sys, datasets
from corruptgen.transforms.hf import corrupt
def anonymous():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssAnon"))
lazy = corrupt(datasets.load_from_disk(sys.argv[1]), "natural", "gaussian_noise", 3)
whole = lazy.data.nbytes // 1024
begin = None
for number, row in enumerate(lazy):
    row["image"].getpixel((0, 0))
    if number == len(lazy) // 4:
        begin = anonymous()
print(anonymous() - begin, whole)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_lazy_dataset_is_read_in_constant_memory(tmp_path):
    noisy = np.random.RandomState(1843956201).randint(0, 256, (120, 256, 256, 3), dtype=np.uint8)
    dataset(noisy).save_to_disk(str(tmp_path / "data"))

    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path / "data")], capture_output=True, text=True, check=False, cwd=ROOT
    )

    assert done.returncode == 0, done.stderr
    grown, whole = map(int, done.stdout.split())
    assert whole > 20_000
    assert grown < whole / 4


def test_images_are_prepared_as_a_recipe_says():
    big = [photograph(60, 80), photograph(70, 50)]

    lazy = corrupt_dataset(dataset(big), "cifar-c", "fog", 2, decode={"resize": 32, "crop": 32})

    assert [row["image"].size for row in lazy] == [(32, 32), (32, 32)]


def test_arrays_in_a_column_are_images_too():
    features = datasets.Features({"img": datasets.Array3D((32, 32, 3), "uint8")})
    whole = datasets.Dataset.from_dict({"img": [image.tolist() for image in PIXELS]}, features=features, split="test")

    lazy = corrupt_dataset(whole, *CELL)

    assert same([np.asarray(row["img"]) for row in lazy], NUMBERED)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"severity": 9}, SeverityError, r"outside of 0\.\.5"),
        ({"image": "pic"}, SourceError, "no column of images 'pic'"),
        ({"key": "name"}, SourceError, "no column of ids 'name'"),
        ({"num_proc": 2}, ImageError, "lazy=False"),
    ],
)
def test_wrong_choices_are_named(options, error, message):
    with pytest.raises(error, match=message):
        corrupt_dataset(dataset(), **{"preset": "cifar-c", "row": "fog", "severity": 1} | options)


def test_a_broken_image_is_named():
    rows = {"image": [{"bytes": b"no image", "path": None}], "label": [0]}
    whole = datasets.Dataset.from_dict(rows, split="test").cast_column("image", datasets.Image())

    with pytest.raises(Rejected, match="test/0 cannot be decoded"):
        corrupt_dataset(whole, *CELL)[0]
