"""Publishing: to a server on the loopback that speaks the Hub's protocol, by the real client in its own process."""

import json
import re
import shutil

import numpy as np
import pytest

import corruptgen
from corruptgen.engine.manifest import manifest_bytes
from corruptgen.publishing.hub import WAITS
from corruptgen.verification.dataset import open_dataset
from tests.hub.client import READER, WRITER, Session, begun
from tests.hub.server import Hub
from tests.hub.xet import Store
from tests.photographs import TABLE, tree, write_photographs, write_recipe

pytest.importorskip("huggingface_hub")

OUTPUT = 'format = "parquet"\nclean = true\nitems_per_shard = 3'
ROWS = 'rows = ["brightness", "jpeg_compression"]'
REPO = "ns/small-c"


def recipe(place, version="1.0.0", *, rows=ROWS, terms="cc0-1.0", output=OUTPUT, publish="", **more):
    """Write a recipe that may be published."""
    path = write_recipe(place, corrupt=rows, output=output, **more)
    text = path.read_text("utf-8").replace('"1.0.0"', f'"{version}"')
    text = text.replace('path = "photographs"', f'path = "photographs"\nlicense = "{terms}"' if terms else "")
    path.write_text(text + publish, "utf-8")
    return path


def made(place, name, version="1.0.0", **more):
    """Make a dataset."""
    corruptgen.generate(recipe(place, version, **more), source=place / "photographs", output=place / name, workers=1)
    return place / name


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Four versions of a dataset, and one that is another under an old version."""
    place = tmp_path_factory.mktemp("built")
    write_photographs(place / "photographs", 6)
    made(place, "1.0.0")
    made(place, "1.1.0", "1.1.0", rows="")
    made(place, "other", top="seed = 7", rows="")
    shutil.copytree(place / "1.0.0", place / "1.0.1")
    return place


@pytest.fixture(scope="module")
def session(built):
    """A process with the client, for a server that comes and goes at one address."""
    hub = Hub()
    found = Session(hub.url, built, hub)
    yield found
    found.close()
    hub.close()


@pytest.fixture
def hub(session):
    """A server without repositories."""
    hub = session.hub
    hub.repositories.clear()
    hub.objects.clear()
    hub.faults.clear()
    hub.quota = None
    hub.forget()
    shutil.rmtree(session.place / "hf", ignore_errors=True)
    return hub


@pytest.fixture
def published(session, hub, built):
    """The first version, published."""
    done = publish(session, "1.0.0")
    assert done.returncode == 0, done.stderr
    hub.forget()
    return hub


def publish(session, name, repo=REPO, *more, token=WRITER):
    return session.run("publish", session.place / name, repo, "--workers", 1, *more, token=token)


def versions(hub, repo=REPO):
    return set(hub.repositories[repo].tags)


PIXELS = """
import hashlib
import numpy as np
from datasets import get_dataset_config_names, load_dataset
from huggingface_hub import snapshot_download
digest = lambda row: hashlib.sha256(np.asarray(row["image"]).tobytes()).hexdigest()
result = {
    "names": get_dataset_config_names("ns/small-c", revision="v1.0.0"),
    "cached": [digest(r) for r in load_dataset("ns/small-c", "brightness", split="severity_2", revision="v1.0.0")],
    "streamed": [
        digest(r)
        for r in load_dataset("ns/small-c", "brightness", split="severity_2", revision="v1.0.0", streaming=True)
    ],
    "snapshot": snapshot_download("ns/small-c", repo_type="dataset", revision="v1.0.0"),
    "folder": snapshot_download("ns/small-c", repo_type="dataset", revision="v1.0.0", local_dir="fetched"),
}
"""


def local_pixels(directory, cell):
    import hashlib  # noqa: PLC0415

    from corruptgen.codecs.images import decode_lossless_file  # noqa: PLC0415

    dataset = open_dataset(directory)
    images = [i for table in dataset.tables for i in dataset.made.sink.images(dataset.cells.index(cell), table.part())]
    return [hashlib.sha256(np.ascontiguousarray(decode_lossless_file(image)).tobytes()).hexdigest() for image in images]


def test_what_is_loaded_from_the_hub_is_the_local_build(session, published, built):
    expected = local_pixels(built / "1.0.0", ("brightness", 2.0))

    found = session.python(PIXELS)
    checks = [
        session.run("verify", place, "--depth", "sample", "--workers", 1)
        for place in (found["snapshot"], found["folder"], f"hf://datasets/{REPO}@v1.0.0")
    ]

    assert found["names"] == ["clean", "brightness", "jpeg_compression"]
    assert found["cached"] == found["streamed"] == expected
    local = {name: digest for name, digest in tree(built / "1.0.0").items() if not name.startswith(".corruptgen")}
    assert {n: d for n, d in tree(session.place / "fetched").items() if not n.startswith(".")} == local
    assert [check.returncode for check in checks] == [0, 0, 0], [check.stdout for check in checks]
    assert all("recomputed with the same pixels" in check.stdout for check in checks)


def test_a_first_version_is_private_tagged_and_without_marks_of_the_engine(session, published):
    repository = published.repositories[REPO]

    assert repository.private
    assert repository.tags == {"v1.0.0": repository.head.oid}
    assert not [name for name in repository.head.tree if "corruptgen" in name]


def test_publishing_again_changes_nothing(session, published):
    commits = len(published.repositories[REPO].commits)

    done = publish(session, "1.0.0")

    assert done.returncode == 0
    assert "is published already, with this content" in done.stdout
    assert len(published.repositories[REPO].commits) == commits
    assert not published.asked("POST", "commit|preupload|tag|batch")


EARLIER = """
from corruptgen.publishing import presentation
from corruptgen.publishing.publication import PublishOptions, prepare, upload
worded = presentation.write_card
presentation.write_card = lambda dataset, repo: worded(dataset, repo) + "In the words of an earlier release.\\n"
result = upload(prepare(PLACE, "ns/small-c", PublishOptions(), print, workers=1), print)
presentation.write_card = worded
"""


def test_what_an_earlier_release_published_is_still_the_same_in_our_words(session, hub, built):
    place = built / "earlier"
    shutil.copytree(built / "1.0.0", place)
    session.python(f"PLACE = {str(place)!r}\n{EARLIER}")
    before = tree(place)

    done = publish(session, "earlier")

    assert b"In the words of an earlier release." in hub.files(REPO, "v1.0.0")["README.md"]
    assert done.returncode == 0, done.stderr
    assert "is published already, with this content" in done.stdout
    assert tree(place) == before


def test_a_dry_run_changes_nothing_here_or_there(session, hub, built):
    before = tree(built / "1.1.0")

    done = publish(session, "1.1.0", REPO, "--dry-run", "--public")

    assert done.returncode == 0
    assert re.search(r"v1.1.0 to ns/small-c \(public, made now\): \d+ files to upload, [\d.]+ MB", done.stdout)
    assert tree(built / "1.1.0") == before
    assert not hub.asked("POST", "")
    assert not hub.asked("PUT", "")


def test_a_new_card_is_a_patch_that_uploads_nothing_else(session, published, built):
    words = '[publish]\ndescription = "Now with words."\ntitle = "Small"\n'
    other = recipe(built, "1.0.1", publish=words)

    card = session.run("card", built / "1.0.1", "--recipe", other)
    done = publish(session, "1.0.1")

    assert card.returncode == 0, card.stderr
    assert done.returncode == 0, done.stderr
    assert versions(published) == {"v1.0.0", "v1.0.1"}
    # Of large files, only the picture might have been one, and it is the same.
    assert not published.asked("PUT", "lfs")
    files = published.files(REPO, "v1.0.1")
    assert b"Now with words." in files["README.md"]
    assert b"Now with words." not in published.files(REPO, "v1.0.0")["README.md"]
    # The engine still takes it for the same build.
    assert corruptgen.generate(other, source=built / "photographs", output=built / "1.0.1", workers=1).was_finished


def test_another_card_under_the_same_version_is_refused(session, published, built):
    place = built / "reworded"
    shutil.copytree(built / "1.0.0", place)
    other = recipe(built, publish='[publish]\ndescription = "Other words."\n')
    session.run("card", place, "--recipe", other)

    done = publish(session, "reworded")

    assert done.returncode == 1
    assert "version 1.0.0 is published already with other content (README.md" in done.stderr
    assert "raise version in the recipe" in done.stderr


def test_a_card_does_not_change_what_the_images_are(session, built):
    other = recipe(built, top="seed = 3")
    seed = session.run("card", built / "1.0.0", "--recipe", other)
    other = recipe(built, preset="four.toml")
    (built / "four.toml").write_text(TABLE.replace("[0.1, 0.2]", "[0.1, 0.25]"), "utf-8")

    values = session.run("card", built / "1.0.0", "--recipe", other)

    assert seed.returncode == values.returncode == 1
    assert "makes other images than these, by its seed" in seed.stderr
    assert "the severity table four is another than these images were made with" in values.stderr


def test_a_row_more_is_a_minor_version_that_uploads_only_that_row(session, published):
    done = publish(session, "1.1.0")

    assert done.returncode == 0, done.stderr
    repository = published.repositories[REPO]
    old, new = (repository.at(tag).tree for tag in ("v1.0.0", "v1.1.0"))
    changed = {name for name in new if new[name] != old.get(name)}
    assert {name for name in changed if name.startswith("data/")} == {
        f"data/gaussian_noise/severity_{level}-{block:05d}-of-00002.parquet" for level in (1, 2) for block in (0, 1)
    }
    # Those four and the picture, which shows the new row.
    assert published.asked("POST", "lfs/verify") == 5
    assert published.files(REPO, "v1.0.0").keys() == old.keys() - {".gitattributes"}


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("1.0.0", "its recipe is not the same: seed (0 there, 7 now)"),
        ("1.1.0", "that raises the major version, so this is 2.0.0, and not 1.1.0"),
        ("0.9.0", "version 0.9.0 is older than 1.0.0"),
    ],
)
def test_other_pixels_need_a_major_version(session, published, built, version, message):
    place = built / f"other-{version}"
    if not place.exists():
        made(built, place.name, version, top="seed = 7", rows='rows = ["gaussian_noise", "jpeg_compression"]')

    done = publish(session, place.name)

    assert done.returncode == 1
    assert message in done.stderr
    assert versions(published) == {"v1.0.0"}
    assert not published.asked("POST", "commit")


def test_a_killed_upload_goes_on_where_it_was(session, hub, built):
    hub.stall_at = 6
    hub.stalled.clear()
    hub.released.clear()
    child = begun("publish", built / "1.1.0", REPO, "--workers", 1, cwd=built, env=session.env)
    assert hub.stalled.wait(120)
    child.kill()
    child.communicate()
    hub.released.set()
    arrived = len(hub.objects)
    hub.forget()

    done = publish(session, "1.1.0")

    assert done.returncode == 0, done.stderr
    assert versions(hub) == {"v1.1.0"}
    large = {blob.sha256 for blob in hub.repositories[REPO].head.tree.values() if blob.sha256}
    assert 0 < arrived < len(large)
    assert hub.asked("POST", "lfs/verify") <= len(large) - arrived


def test_a_large_upload_is_many_commits_and_goes_on_after_the_last_of_them(session, hub, built):
    few = "import corruptgen.publishing.publication as p; p.FILES_PER_COMMIT = {}; result = 0"
    hub.fail("POST", "/commit/", 413, after=2)
    session.python(few.format(4))
    try:
        refused = publish(session, "1.1.0")
        halfway = dict(hub.repositories[REPO].head.tree)
        hub.forget()
        done = publish(session, "1.1.0")
    finally:
        session.python(few.format(200))

    assert refused.returncode == 1
    assert done.returncode == 0, done.stderr
    titles = [commit.title for commit in hub.repositories[REPO].commits[1:]]
    assert titles == [f"small-c 1.1.0 (part {n} of {m})" for n, m in ((1, 4), (2, 4), (1, 2), (2, 2))]
    large = sum(1 for blob in hub.repositories[REPO].head.tree.values() if blob.sha256)
    assert 0 < sum(1 for blob in halfway.values() if blob.sha256) < large
    # What speaks about all the files comes with the last of them.
    assert not {"manifest.json", "README.md"} & halfway.keys()
    assert versions(hub) == {"v1.1.0"}


WAIT = {"Retry-After": "0"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "repos/create", 500),
        ("POST", "/commit/", 500),
        ("POST", "/commit/", 503),
        ("POST", "/commit/", 429),
        ("POST", "/tag/", 502),
        ("GET", "/refs", 504),
    ],
)
def test_a_server_in_trouble_is_waited_for(session, hub, method, path, status):
    hub.fail(method, path, status, times=2, headers=WAIT)

    done = publish(session, "1.0.0")

    assert done.returncode == 0, done.stderr
    assert versions(hub) == {"v1.0.0"}
    assert done.stderr.count(f"the Hub answers {status} (injected)") == 2
    assert f"in 0 s (1 of {len(WAITS)})" in done.stderr


@pytest.mark.parametrize("path", ["repos/create", "/commit/", "/tag/"])
def test_what_was_done_though_its_answer_was_lost_is_not_done_twice(session, hub, path):
    hub.fail("POST", path, 503, late=True, headers=WAIT)

    done = publish(session, "1.0.0")

    assert done.returncode == 0, done.stderr
    assert versions(hub) == {"v1.0.0"}
    assert [commit.title for commit in hub.repositories[REPO].commits] == ["initial commit", "small-c 1.0.0"]


@pytest.mark.parametrize(
    ("fault", "repo", "token", "message"),
    [
        (None, REPO, None, "there is no token for the Hub: log in with `hf auth login`"),
        (None, REPO, "hf_wrongwrongwrongwrongwrong", r"the Hub answers 401 .*the token is not accepted"),
        (None, REPO, READER, r"the Hub answers 403 .*the token may not do this"),
        (None, "others/small-c", WRITER, r"cannot make the repository: the Hub answers 403 .*member of the namespace"),
        (None, "small-c", WRITER, "'small-c' is no repository: write OWNER/NAME"),
        (("POST", "/commit/", 404), REPO, WRITER, r"the Hub answers 404 .*there is no such repository"),
        (("POST", "/commit/", 412), REPO, WRITER, r"the Hub answers 412 .*someone else has changed the repository"),
        (("POST", "/commit/", 413), REPO, WRITER, r"the Hub answers 413 .*lower items_per_shard"),
        (("POST", "/tag/", 409), REPO, WRITER, r"the Hub answers 409 "),
    ],
)
def test_a_refusal_says_what_to_do(session, hub, fault, repo, token, message):
    if fault:
        hub.fail(*fault)

    done = publish(session, "1.0.0", repo, token=token)

    assert done.returncode == 1
    assert re.search(message, done.stderr), done.stderr
    assert done.stderr.startswith("corruptgen: error: ")
    assert done.stderr.count("\n") == 1
    assert not token or token not in done.stderr
    assert all(not repository.tags for repository in hub.repositories.values())


def test_a_full_quota_is_said_and_room_lets_it_go_on(session, hub):
    hub.quota = 1000

    refused = publish(session, "1.0.0")
    hub.quota = None
    done = publish(session, "1.0.0")

    assert refused.returncode == 1
    assert "Private repository storage limit reached" in refused.stderr
    assert done.returncode == 0, done.stderr


def test_a_repository_with_something_else_in_it_is_left_alone(session, hub, built):
    publish(session, "1.0.0", "ns/theirs")
    repository = hub.repositories["ns/theirs"]
    repository.tags.clear()
    repository.add("theirs", {"model.safetensors": repository.head.tree["README.md"]})

    done = publish(session, "1.0.0", "ns/theirs")

    assert done.returncode == 1
    assert "ns/theirs holds something else (model.safetensors); choose another repository" in done.stderr


def test_a_repository_does_not_become_public_by_the_way(session, published):
    done = publish(session, "1.0.0", REPO, "--public")

    assert done.returncode == 1
    assert "is private already; to make it public, change its settings on the Hub" in done.stderr


@pytest.mark.parametrize(
    ("kind", "words", "message"),
    [
        ("token", "Mine is hf_abcdefghijklmnopqrstuvwxyz.", "README.md holds a token of the Hub"),
        ("home", "See HOME/notes.", "README.md holds the home directory"),
        ("path", "Made from /mnt/scratch/photographs.", "README.md holds a path of a machine"),
        ("user", "Made by /home/someone.", "README.md holds a home directory"),
    ],
)
def test_nothing_of_this_machine_or_its_user_is_uploaded(session, hub, built, kind, words, message):
    place = built / f"leak-{kind}"
    shutil.copytree(built / "1.0.0", place)
    words = words.replace("HOME", session.env["HOME"])
    session.run("card", place, "--recipe", recipe(built, publish=f'[publish]\ndescription = "{words}"\n'))

    done = publish(session, place.name)

    assert done.returncode == 1
    assert "nothing was uploaded" in done.stderr
    assert message in done.stderr
    assert words not in done.stderr
    assert not hub.requests


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (f"by {WRITER}", "a token of the Hub"),
        ("see HOME/notes", "the home directory"),
        ("/mnt/a/b", "a path of a machine"),
    ],
)
def test_the_message_of_a_commit_is_looked_at_too(session, hub, words, what):
    words = words.replace("HOME", session.env["HOME"])

    done = publish(session, "1.0.0", REPO, "--message", words)

    assert done.returncode == 1
    assert f"the message holds {what}" in done.stderr
    assert words not in done.stderr
    assert not hub.requests


def test_a_leak_in_a_table_or_a_picture_is_found(session, hub, built):
    from corruptgen.publishing.leaks import find_leaks  # noqa: PLC0415

    place = built / "leaky"
    shutil.copytree(built / "1.0.0", place)
    table = place / "items/00000.jsonl"
    lines = table.read_text("utf-8").splitlines()
    entry = json.loads(lines[1]) | {"label": "/data/private/cats"}
    table.write_text("\n".join([lines[0], json.dumps(entry), *lines[2:]]) + "\n", "utf-8")
    shard = next((place / "data/brightness").iterdir())
    shard.write_bytes(shard.read_bytes() + b"hf_" + b"a" * 30 + b" " + WRITER.encode())

    found = {str(leak) for leak in find_leaks(open_dataset(place), {}, WRITER)}

    shown = shard.relative_to(place).as_posix()
    assert found == {
        "items/00000.jsonl holds a path of a machine",
        f"{shown} holds a token of the Hub",
        f"{shown} holds the token",
    }


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ("", "the recipe does not state under which licence the clean images are"),
        ("cc-by-nd-4.0", "does not allow to pass on changed ones"),
        ("unknown", "has to be read there"),
        ("cc-by-40", "did you mean 'cc-by-4.0'"),
    ],
)
def test_a_licence_that_forbids_or_does_not_say_is_asked_about(session, hub, built, terms, message):
    place = built / f"licence-{terms}"
    shutil.copytree(built / "1.0.0", place)
    wish = recipe(built, terms=terms)
    changed = open_dataset(place).manifest | {"recipe": corruptgen.recipe.recipe.load(str(wish)).content()}
    spelled = changed["recipe"]["corrupt"] | {"severities": [1, 2], "preset": "three"}
    changed["recipe"] |= {"corrupt": spelled}
    (place / "manifest.json").write_bytes(manifest_bytes(changed))
    begun = json.loads((place / ".corruptgen.json").read_text("utf-8"))
    (place / ".corruptgen.json").write_text(json.dumps(begun | {"recipe": changed["recipe"]}), "utf-8")

    refused = publish(session, place.name)
    allowed = publish(session, place.name, REPO, "--i-may-publish", "--dry-run")

    assert refused.returncode == 1
    assert message in refused.stderr
    assert not hub.asked("POST", "")
    assert allowed.returncode == (1 if terms == "cc-by-40" else 0), allowed.stderr


def test_a_damaged_dataset_is_not_published(session, hub, built):
    place = built / "damaged"
    shutil.copytree(built / "1.0.0", place)
    next((place / "data/brightness").iterdir()).unlink()

    done = publish(session, "damaged")

    assert done.returncode == 1
    assert "the dataset does not verify" in done.stderr
    assert "corruptgen verify damaged" in done.stderr
    assert not hub.requests


def test_rejected_items_are_published_only_if_the_recipe_says_so(session, hub, tmp_path):
    write_photographs(tmp_path / "photographs", 3)
    (tmp_path / "photographs/bad.png").write_bytes(b"bad")
    made(tmp_path, "strict")
    made(tmp_path, "lenient", publish="[publish]\nallow_rejected = true\n")

    refused = publish(session, tmp_path / "strict")
    done = publish(session, tmp_path / "lenient")

    assert refused.returncode == 1
    assert "1 items of the source were rejected" in refused.stderr
    assert done.returncode == 0, done.stderr
    assert b"1 items of the source were rejected" in hub.files(REPO, "v1.0.0")["README.md"]


def test_pixels_are_made_again_from_the_source_that_the_recipe_records(session, published, built):
    (built / "derived.toml").write_text(
        'name = "derived"\nversion = "1.0.0"\n[source]\nkind = "hub"\nrepo = "ns/small-c"\nrevision = "v1.0.0"\n'
        'config = "clean"\nsplit = "severity_0"\nlicense = "cc0-1.0"\n[corrupt]\npreset = "three.toml"\n'
        'rows = ["jpeg_compression"]\n[output]\nformat = "parquet"\n',
        "utf-8",
    )
    first = session.run("generate", "derived.toml", "--workers", 1, "--quiet")
    second = publish(session, "derived-1.0.0", "ns/derived")

    done = session.run("verify", "hf://datasets/ns/derived@v1.0.0", "--depth", "sample", "--workers", 1)
    said = session.run("verify", "derived-1.0.0", "--depth", "full", "--source", "recorded", "--workers", 1)

    assert first.returncode == 0, first.stderr
    assert second.returncode == 0, second.stderr
    assert done.returncode == 0, done.stdout
    assert "recomputed with the same pixels" in done.stdout
    assert "12 recomputed with the same pixels" in said.stdout, said.stderr


def test_a_revision_that_is_not_there_is_said(session, published):
    done = session.run("verify", f"hf://datasets/{REPO}@v9.0.0")

    assert done.returncode == 1
    assert "cannot download ns/small-c at v9.0.0: the Hub answers 404" in done.stderr


def test_a_difference_is_told_with_the_version_that_it_raises(session, published, built):
    publish(session, "1.1.0")

    rows = session.run("diff", f"hf://datasets/{REPO}@v1.0.0", f"hf://datasets/{REPO}@v1.1.0")
    pixels = session.run("diff", f"hf://datasets/{REPO}@v1.1.0", built / "other")
    none = session.run("diff", built / "1.1.0", built / "1.1.0/manifest.json")

    assert rows.stdout.startswith("small-c 1.0.0 and small-c 1.1.0: a minor change, so after 1.0.0 comes 1.1.0\n")
    assert "added:\n  the row gaussian_noise was added\n" in rows.stdout
    assert "a major change, so after 1.1.0 comes 2.0.0" in pixels.stdout
    assert "the pixels of 12 images in 2 cells have changed" in pixels.stdout
    assert re.search(r"gaussian_noise/1 +6\n", pixels.stdout)
    assert re.search(r"in 12 of them: \d+\.\d % of the samples differ, by [\d.]+ grey levels", pixels.stdout)
    assert none.stdout.endswith("no difference\n")


PROBE = """
import os
from huggingface_hub import HfApi
api = HfApi()
api.create_repo("ns/probe", repo_type="dataset")
bytes = os.urandom(99999)
result = api.upload_file(repo_id="ns/probe", repo_type="dataset", path_in_repo="a.bin", path_or_fileobj=bytes).oid
"""


@pytest.fixture(scope="module")
def xet(built):
    """A process whose client uploads as it does by default, into hf_xet's own store."""
    hub = Hub(xet=Store(built / "store"))
    found = Session(hub.url, built, hub, HF_HUB_DISABLE_XET="0", HF_HOME=str(built / "xet-home"))
    try:
        found.python(PROBE)
    except AssertionError as error:
        pytest.skip(f"hf_xet takes no folder for a server any more: {str(error)[-200:]}")
    else:
        yield found
    finally:
        found.close()
        hub.close()


@pytest.mark.long
def test_the_default_way_of_uploading_gives_the_local_build_too(xet, built):
    xet.hub.fail("POST", f"{REPO}/commit/", 503, late=True, headers=WAIT)
    first = publish(xet, "1.0.0")
    again = publish(xet, "1.0.0")
    second = publish(xet, "1.1.0")

    found = xet.python(PIXELS)
    done = xet.run("verify", f"hf://datasets/{REPO}@v1.1.0", "--depth", "sample", "--workers", 1)

    assert (first.returncode, again.returncode, second.returncode) == (0, 0, 0), first.stderr + second.stderr
    assert "is published already" in again.stdout
    assert not xet.hub.asked("POST", "lfs")
    assert versions(xet.hub) == {"v1.0.0", "v1.1.0"}
    expected = local_pixels(built / "1.0.0", ("brightness", 2.0))
    assert found["cached"] == found["streamed"] == expected
    assert done.returncode == 0, done.stdout + done.stderr
