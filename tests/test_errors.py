"""Errors: each is one of ours and one that a Python caller would catch, says the same as either, and travels."""

import pickle

import cloudpickle
import joblib
import numpy as np
import pytest

import corruptgen
from corruptgen import errors
from corruptgen.recipe.overrides import read_value
from corruptgen.recipe.recipe import load
from corruptgen.runtime.trouble import is_trouble, wording
from corruptgen.store.output_directory import OutputDirectory

BUILT_IN = {
    "DeclarationError": TypeError,
    "UnknownName": KeyError,
    "MissingPackage": ImportError,
    "PresetError": ValueError,
    "SeverityError": ValueError,
    "ArgumentError": ValueError,
    "ImageError": ValueError,
    "AssetError": OSError,
    "RecipeError": ValueError,
    "SourceError": OSError,
    "OutputError": OSError,
    "PublishError": RuntimeError,
    "ScoreError": ValueError,
    "MachineError": RuntimeError,
    "WorkerError": RuntimeError,
    "Rejected": ValueError,
}
ALONE = {"CorruptgenError", "Interrupted"}
CLASSES = [found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, Exception)]
SAID = "the severity 'x' of fog\nis 9; see https://name:word@example.org/place?token=1"
SHOWN = "the severity 'x' of fog\nis 9; see https://example.org/place"
IMAGE = np.zeros((8, 8, 3), np.uint8)


def test_every_error_is_one_that_a_python_caller_would_catch():
    assert {found.__name__ for found in CLASSES} == BUILT_IN.keys() | ALONE
    for found in CLASSES:
        assert issubclass(found, errors.CorruptgenError)
        assert issubclass(found, BUILT_IN.get(found.__name__, Exception))


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("carrier", [pickle, cloudpickle])
def test_an_error_says_its_message_alone_here_and_in_another_process(kind, carrier):
    error = kind(SAID)

    for found in (error, carrier.loads(carrier.dumps(error))):
        assert type(found) is kind
        assert str(found) == SHOWN, "no quotes around it, and no secrets in it"
        assert found.args == (SHOWN,)
        assert getattr(found, "strerror", SHOWN) == SHOWN
        assert getattr(found, "errno", None) is None


@pytest.mark.parametrize("kind", CLASSES)
def test_errors_without_a_message_and_notes_on_them_travel_too(kind):
    error = kind()
    error.add_note("of block 7")

    found = pickle.loads(pickle.dumps(error))

    assert (type(found), found.args, found.__notes__) == (kind, (), ["of block 7"])


def test_no_error_of_ours_is_taken_for_trouble_of_the_machine():
    for kind in CLASSES:
        assert not is_trouble(kind(SAID))
    assert wording(errors.SourceError("a.png is gone")) == "a.png is gone"


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        (KeyError, lambda: corruptgen.corrupt(IMAGE, "fgo", 3)),
        (KeyError, lambda: corruptgen.rows("imagenet-d")),
        (ValueError, lambda: corruptgen.corrupt(IMAGE, "fog", "bad")),
        (ValueError, lambda: corruptgen.corrupt(IMAGE.astype(float), "fog", 3)),
        (ValueError, lambda: corruptgen.corrupt(IMAGE, "fog", 3, seed="one")),
        (ValueError, lambda: corruptgen.generate("nothing.toml")),
        (OSError, lambda: corruptgen.generate("imagenet-c", source="here", output="here")),
        (OSError, lambda: corruptgen.merge("nothing")),
        (TypeError, lambda: corruptgen.register(lambda image: image)),
    ],
)
def test_callers_catch_what_goes_wrong_by_built_in_classes(kind, call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()

    with pytest.raises(kind) as caught:
        call()

    assert isinstance(caught.value, errors.CorruptgenError)


@pytest.mark.parametrize("severity", ["1e300", "1" + "0" * 400, "inf", "nan"])
def test_severities_beyond_all_numbers_are_those_of_a_wrong_recipe(severity):
    with pytest.raises(errors.RecipeError, match="allowed is a list of at least one number above 0"):
        load("imagenet-c", {"corrupt.severities": read_value(f"[{severity}]")})


def test_an_error_inside_of_a_file_that_is_being_written_keeps_its_message_and_leaves_nothing(tmp_path):
    output = OutputDirectory(tmp_path)

    for error in (errors.SourceError("b.npz is gone"), errors.OutputError("a part is gone")):
        with pytest.raises(type(error), match=f"^{error}$"), output.whole("a.npy"):
            raise error
    for call in (output.size, output.read, output.remove, lambda name: list(output.pieces(name))):
        with pytest.raises(errors.OutputError, match="leads out of the output directory"):
            call("../a.npy")

    assert list(tmp_path.iterdir()) == []


def _fail(kind):
    raise kind(SAID)


def test_an_error_arrives_from_a_worker_as_what_it_was():
    with pytest.raises(errors.UnknownName) as caught:
        joblib.Parallel(2)(joblib.delayed(_fail)(errors.UnknownName) for _ in range(2))

    assert str(caught.value) == SHOWN
