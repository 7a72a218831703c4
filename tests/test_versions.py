"""Version rules: what a change raises, and patience with a server that is never well."""

import re

import pytest

from corruptgen.errors import PublishError
from corruptgen.publishing.difference import Difference
from corruptgen.publishing.hub import WAITS, Hub
from corruptgen.publishing.readiness import MOST_FILES, MOST_IN_FOLDER, check_limits
from corruptgen.publishing.revisions import Revision
from corruptgen.publishing.versions import Bump, Version, check_follows, needed_bump, published_versions

httpx = pytest.importorskip("httpx2")
errors = pytest.importorskip("huggingface_hub.errors")


def changed(*, breaks=(), added=(), others=()):
    return Difference(tuple(breaks), tuple(added), tuple(others), {}, 0)


@pytest.mark.parametrize(
    ("difference", "bump"),
    [
        (changed(), Bump.NONE),
        (changed(others=["README.md has changed"]), Bump.PATCH),
        (changed(added=["the row fog was added"], others=["x"]), Bump.MINOR),
        (changed(breaks=["1 items are gone"], added=["the row fog was added"]), Bump.MAJOR),
    ],
)
def test_the_gravest_change_decides(difference, bump):
    assert needed_bump(difference) is bump


@pytest.mark.parametrize(
    ("new", "old", "difference", "message"),
    [
        ("1.0.1", "1.0.0", changed(others=["x"]), None),
        ("1.1.0", "1.0.0", changed(added=["x"]), None),
        ("2.0.0", "1.4.2", changed(breaks=["x"]), None),
        ("3.0.0", "1.4.2", changed(), None),
        ("1.0.1", "1.0.0", changed(added=["the row fog was added"]), "so this is 1.1.0, and not 1.0.1"),
        ("1.1.0", "1.0.5", changed(breaks=["x"]), "so this is 2.0.0, and not 1.1.0"),
        ("1.0.0", "1.0.1", changed(), "1.0.0 is older than 1.0.1, which is published; versions only go up"),
        ("1.0.0-rc.1", "1.0.0", changed(), "versions only go up"),
        ("1.0.0", "1.0.0-rc.1", changed(others=["x"]), None),
        ("1.0.0+b", "1.0.0+a", changed(), r"1\.0\.0\+b is no newer than 1\.0\.0\+a"),
    ],
)
def test_a_version_follows_from_what_has_changed(new, old, difference, message):
    if message is None:
        check_follows(Version(new), Version(old), difference)
        return
    with pytest.raises(PublishError, match=message):
        check_follows(Version(new), Version(old), difference)


def test_versions_are_ordered_as_semver_orders_them():
    tags = ["v1.10.0", "v1.2.0", "v1.2.0-rc.2", "v1.2.0-rc.10", "v1.2.0-alpha", "main", "v1.2", "v0.9.9"]

    assert [version.tag for version in published_versions(tags)] == [
        "v0.9.9", "v1.2.0-alpha", "v1.2.0-rc.2", "v1.2.0-rc.10", "v1.2.0", "v1.10.0",
    ]  # fmt: skip


def answer(status, **headers):
    request = httpx.Request("POST", "https://hub.example/commit?token=hf_secretsecretsecretsecret")
    response = httpx.Response(status, request=request, headers=headers)
    return errors.HfHubHTTPError("no", response=response, server_message="bad hf_secretsecretsecretsecret day")


def test_patience_ends_and_says_what_the_server_said_without_the_token():
    waits, lines = [], []
    hub = Hub("ns/name", lines.append, sleep=waits.append)

    def never():
        raise answer(503)

    with pytest.raises(PublishError, match=r"cannot try: the Hub answers 503 \(bad \[token\] day\)"):
        hub.patiently("try", never)
    assert waits == list(WAITS)
    assert len(lines) == len(WAITS)
    assert not re.search("secret", "".join(lines))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "77"}, 77),
        ({"RateLimit": '"api";r=0;t=55'}, 55),
        ({}, WAITS[0]),
        ({"Retry-After": "9999"}, 3600),
    ],
)
def test_the_server_says_how_long_to_wait(headers, seconds):
    waits, answers = [], [answer(429, **headers)]

    def second():
        if answers:
            raise answers.pop()
        return "done"

    assert Hub("ns/name", lambda line: None, sleep=waits.append).patiently("try", second) == "done"
    assert waits == [seconds]


def test_a_server_that_cannot_be_reached_is_tried_again():
    waits, troubles = [], [httpx.ConnectError("no"), httpx.ReadTimeout("no")]

    def third():
        if troubles:
            raise troubles.pop()
        return "done"

    assert Hub("ns/name", lambda line: None, sleep=waits.append).patiently("try", third) == "done"
    assert len(waits) == 2


def test_an_error_of_our_own_is_not_taken_for_the_hubs():
    def wrong():
        raise KeyError("ours")

    with pytest.raises(KeyError):
        Hub("ns/name", print).patiently("try", wrong)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({f"{n % 200}/{n}": 1 for n in range(MOST_FILES + 1)}, "100001 files are more than the 100000"),
        ({f"fog/3/{n}": 1 for n in range(MOST_IN_FOLDER + 1)}, "10001 files in fog/3 are more than the 10000"),
        ({"data/fog.parquet": 201 * 10**9}, "data/fog.parquet has 201 GB"),
    ],
)
def test_what_the_hub_would_not_take_is_said_before(sizes, message):
    with pytest.raises(PublishError, match=message):
        check_limits(sizes)


@pytest.mark.parametrize(
    ("address", "revision"),
    [
        ("hf://datasets/ns/name@v1.0.0", Revision("ns/name", "v1.0.0")),
        ("hf://datasets/ns/name", Revision("ns/name", "main")),
        ("hf://datasets/ns/name@refs%2Fpr%2F1", Revision("ns/name", "refs/pr/1")),
    ],
)
def test_an_address_names_a_repository_and_a_revision(address, revision):
    assert Revision.parse(address) == revision


@pytest.mark.parametrize("address", ["hf://datasets/name", "hf://ns/name", "hf://datasets/ns/name/data/fog"])
def test_what_is_no_address_is_said(address):
    with pytest.raises(PublishError, match=r"write hf://datasets/OWNER/NAME@v1\.0\.0"):
        Revision.parse(address)
