"""Shipped recipes of sequences: built, and read as the code of the benchmark reads them; a model's mFR."""

import io
import tarfile

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

import corruptgen
from corruptgen.recipe.recipe import load
from corruptgen.sources import open_source
from tests.photographs import ROOT, write_cifar, write_photographs

RECIPES = {
    "cifar10-p": "cifar-p",
    "cifar100-p": "cifar-p",
    "imagenet-p": "imagenet-p",
    "imagenet-p-299": "imagenet-p-299",
    "imagenet-p-64": "imagenet-p-64",
    "tiny-imagenet-p": "tiny-imagenet-p",
}


def write_archive(path, images, labels, tests):
    """Write images as CIFAR-10's own archive holds them; the last ones are the test images."""
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    records = [bytes([label]) + row.tobytes() for label, row in zip(labels, planes, strict=True)]
    files = {"data_batch_1.bin": records[:-tests], "test_batch.bin": records[-tests:]}
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(b"".join(content))
            archive.addfile(member, io.BytesIO(b"".join(content)))


@pytest.mark.parametrize("name", RECIPES)
def test_every_published_benchmark_of_sequences_has_a_recipe_of_its_first_difficulty(name):
    recipe = load(name)

    assert recipe.corrupt.preset == RECIPES[name]
    assert recipe.corrupt.severities == (1.0,)
    assert recipe.corrupt.rows is None


def averages(images):
    """Return what a small classifier looks at: the mean of each square of 4 pixels, between 0 and 1."""
    return images.reshape(-1, 8, 4, 8, 4, 3).mean(axis=(2, 4, 5)).reshape(-1, 64) / 255


def load_perturbed(root, perturbation):
    """Read a perturbation as robustness code does."""
    return np.load(f"{root}/{perturbation}.npy")


def flip_probability(predictions, noise):
    """Compute what the benchmark's script does, one sequence after the other."""
    total = 0
    for sequence in predictions:
        previous = sequence[0]
        for prediction in sequence[1:]:
            total += int(prediction != previous)
            if not noise:
                previous = prediction
    return total / (predictions.shape[0] * (predictions.shape[1] - 1))


def test_cifar_10_p_of_cifars_archive_is_laid_out_as_the_release(tmp_path):
    write_cifar(tmp_path / "cifar-10-batches-bin")

    corruptgen.generate("cifar10-p", source=tmp_path / "cifar-10-batches-bin", output=tmp_path / "out", workers=1)

    frames = {"motion_blur": 21, "translate": 16}
    for row in corruptgen.rows("cifar-p"):
        found = load_perturbed(tmp_path / "out", row)
        assert (found.dtype, found.shape) == (np.uint8, (4, frames.get(row, 31), 32, 32, 3))
    clean = np.stack([pixels for _, pixels in _clean(tmp_path)])
    assert np.array_equal(load_perturbed(tmp_path / "out", "gaussian_noise")[:, 0], clean)
    assert np.load(tmp_path / "out/labels.npy").tolist() == [0, 1, 2, 3]


def _clean(place):
    source = open_source(load("cifar10-p"), place / "cifar-10-batches-bin")
    return [(item.id, source.read(item)) for item in source.listing().items]


def test_the_mfr_of_a_classifier_is_that_of_the_benchmarks_own_formula(tmp_path):
    digits = load_digits()
    # Of so little contrast that noise makes some of them another digit.
    small = (110 + digits.images[:320]).astype(np.uint8)
    images = np.repeat(small.repeat(4, axis=1).repeat(4, axis=2)[..., None], 3, axis=3)
    write_archive(tmp_path / "cifar-10-binary.tar.gz", images, digits.target[:320], tests=20)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        'name = "digits-p"\nversion = "1.0.0"\n[source]\nkind = "cifar"\nsplit = "test"\n[corrupt]\n'
        'preset = "cifar-p"\nrows = ["shot_noise", "translate", "rotate", "tilt"]\nseverities = [1]\n'
        '[output]\nformat = "npy"\n',
        "utf-8",
    )
    corruptgen.generate(recipe, source=tmp_path / "cifar-10-binary.tar.gz", output=tmp_path / "out", workers=1)
    models = [
        LogisticRegression(max_iter=300).fit(averages(images[:count]), digits.target[:count]) for count in (40, 20)
    ]
    rows = ("shot_noise", "translate", "rotate", "tilt")
    predicted: list[dict[str, np.ndarray]] = []
    for number, model in enumerate(models):
        arrays = {row: load_perturbed(tmp_path / "out", row) for row in rows}
        scores = {
            row: model.predict_proba(averages(frames)).reshape(*frames.shape[:2], 10) for row, frames in arrays.items()
        }
        np.savez(tmp_path / f"model{number}.npz", **scores)
        predicted.append({row: values.argmax(axis=2) for row, values in scores.items()})
    other = corruptgen.score(tmp_path / "model1.npz", tmp_path / "out", resamples=0)
    (tmp_path / "other.json").write_text(other.to_json(), "utf-8")

    report = corruptgen.score(
        tmp_path / "model0.npz", tmp_path / "out", baseline=tmp_path / "other.json", resamples=200
    )

    flips = [{row: flip_probability(found[row], "noise" in row) for row in rows} for found in predicted]
    assert report.scores["flip_probability"].value == pytest.approx(np.mean(list(flips[0].values())))
    assert report.scores["mfr"].value == pytest.approx(100 * np.mean([flips[0][row] / flips[1][row] for row in rows]))
    assert report.scores["mfr"].low < report.scores["mfr"].value < report.scores["mfr"].high
    assert 0 < report.by_row["flip_probability"]["rotate"].value < 1
    assert report.preset == "cifar-p"


def test_imagenet_p_is_a_video_for_each_image_in_its_class_folder(tmp_path):
    av = pytest.importorskip("av")
    write_photographs(tmp_path / "photographs", 2, size=(64, 80))
    recipe = tmp_path / "recipe.toml"
    text = (ROOT / "recipes/tiny-imagenet-p.toml").read_text("utf-8")
    recipe.write_text(text.replace("severities", 'rows = ["rotate", "shot_noise"]\nseverities'), "utf-8")

    corruptgen.generate(recipe, source=tmp_path / "photographs", output=tmp_path / "out", workers=1)

    names = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.mp4"))
    assert names == [
        f"{row}/1/{name}.mp4" for row in ("rotate", "shot_noise") for name in ("astronaut/00", "chelsea/01")
    ]
    with av.open(str(tmp_path / "out" / names[0])) as file:
        stream = file.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt, stream.average_rate) == ("h264", "yuv444p", 1)
        assert (stream.height, stream.width, sum(1 for _ in file.decode(stream))) == (64, 64, 31)
