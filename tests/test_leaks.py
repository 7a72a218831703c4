"""Leaks: what must not be published is found in whatever way it is written."""

from dataclasses import dataclass, field

import pytest

from corruptgen.publishing.leaks import find_leaks

TOKEN = "hf_" + "Ab1" * 10
PLAIN = "Zq/8+" * 5


@dataclass
class Folder:
    """The files of a dataset, in memory."""

    files: dict
    root: str = "/data/out"

    def pieces(self, name):
        content = self.files[name]
        return (content[start : start + 7] for start in range(0, len(content), 7))

    def read(self, name):
        return self.files[name]


@dataclass
class Dataset:
    files: dict = field(default_factory=dict)

    @property
    def folder(self):
        return Folder(self.files)

    @property
    def sizes(self):
        return {name: len(content) for name, content in self.files.items()}


SECRETS = [
    f"https://user:{PLAIN.replace('/', '')}@host/a",
    "ftp://u:pw@host",
    f"https://{'k' * 20}@host/a",
    f"https://u:{TOKEN}@huggingface.co/datasets/x",
    "https://b.s3.amazonaws.com/a?X-Amz-Signature=5ec4e75ec4e75ec4e7",
    "https://b.s3.amazonaws.com/a?x-amz-security-token=5ec4e75ec4e7",
    "see https%3A%2F%2Fb%2Fa%3FX-Amz-Signature%3D5ec4e75ec4e75ec4e7",
    "https://storage.googleapis.com/a?X-Goog-Signature=5ec4e75ec4e7",
    "https://a.blob.core.windows.net/c/a.csv?sv=2020&sig=abcdefghijklmnopqrstu%3D",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=abcdefghijklmnopqrstuv==",
    "https://h/a?access_token=abcdefgh",
    "https://h/a?API_KEY=abcdefgh",
    TOKEN.replace("_", "%5F"),
    "%68%66%5F" + TOKEN[3:],
    TOKEN,
    PLAIN,
    "Zq%2F8%2B" * 5,
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("file", ["README.md", "items/00000.jsonl", "manifest.json"])
def test_secrets_of_urls_and_escaped_tokens_are_found_and_not_repeated(secret, file):
    text = secret if file.endswith(".md") else f'{{"id": "{secret}", "rejected": "{secret}"}}\n'

    found = list(find_leaks(Dataset({file: text.encode()}), {}, PLAIN))
    message = list(find_leaks(Dataset(), {}, PLAIN, secret))

    assert found
    assert message
    assert all(secret not in str(leak).replace(file, "") for leak in [*found, *message])


@pytest.mark.parametrize("secret", [SECRETS[1], SECRETS[4], SECRETS[8], SECRETS[9], TOKEN, PLAIN])
def test_they_are_found_within_files_of_pictures(secret):
    content = bytes(range(256)) * 9 + secret.encode() + b"\0" * 99

    assert list(find_leaks(Dataset({"data/a.parquet": content}), {}, PLAIN))


def test_they_are_found_in_names_of_files():
    (leak,) = find_leaks(Dataset({f"clean/0/{TOKEN.replace('_', '%5F')}.png": b"\0"}), {}, PLAIN)

    assert leak.what == "a token of the Hub"


@pytest.mark.parametrize(
    "text",
    [
        "https://huggingface.co/docs/hub/storage-limits#x and https://h/a?split=test&page=2",
        "hf://datasets/owner/name-of-a-long-dataset@v1.0.0",
        "mail me@host.org; ratio 1:2@3; C# and a?b=c",
        "token = a word; signature of the function; key=id",
        "https://arxiv.org/abs/1903.12261",
        "100%25 of 5%2F8",
    ],
)
def test_addresses_without_secrets_are_published(text):
    assert not list(find_leaks(Dataset({"README.md": text.encode()}), {}, PLAIN, text))
