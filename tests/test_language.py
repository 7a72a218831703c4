"""The language of the package: no private dialect in what people read, and no type that is ignored without a reason."""

import io
import re
import tokenize

import pytest

from tests.photographs import ROOT

# Words that once stood for something that the field has a term for.
DIALECT = re.compile(
    r"\b(nobody|somebody|anew|so-manyth|spoilt|mend(s|ed|ing)?|stumbles? upon|made again|held against|goes on where"
    r"|lies there|as it was made|not what was made|is there twice|so many(?! fewer))\b",
    re.IGNORECASE,
)
PACKAGE = ROOT / "corruptgen"
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MOST_IGNORED = 30


def texts(path):
    """Return comments, docstrings and messages of a module with the numbers of their lines."""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            yield from enumerate(token.string.split("\n"), token.start[0])


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def test_the_package_is_written_in_plain_technical_english():
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in modules()
        for number, line in texts(path)
        if DIALECT.search(line)
    ]

    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_documents_are_written_in_plain_technical_english(path):
    lines = path.read_text("utf-8").split("\n")

    assert not [line for line in lines if DIALECT.search(line)]


def test_no_function_is_called_like_its_module():
    for path in modules():
        # A corruption may give its family the name.
        if "corruptions" not in path.parts:
            assert not re.search(rf"^def {path.stem}\(", path.read_text("utf-8"), re.MULTILINE), path


def test_ignored_types_are_few_and_each_has_its_reason():
    ignored = []
    for path in modules():
        lines = path.read_text("utf-8").split("\n")
        for above, line in zip(["", *lines], lines, strict=False):
            found = re.search(r"# type: ignore\[[\w, -]+\](.*)", line)
            if found:
                has_reason = found[1].strip().startswith("#") or above.strip().startswith("#")
                ignored.append((path.name, line.strip(), has_reason))

    assert len(ignored) <= MOST_IGNORED
    assert all(has_reason for *_, has_reason in ignored), [line for _, line, reason in ignored if not reason]
