"""The card of a dataset: all that a stranger wants to know, as text made of the manifest and nothing else."""

from typing import Any

from corruptgen.publishing.licenses import license_of
from corruptgen.publishing.metadata import card_metadata, data_files, is_loadable, title
from corruptgen.publishing.wording import (
    meanings,
    parameters,
    preprocessing,
    quirks,
    toml_text,
    value_text,
)
from corruptgen.recipe.corrupt_section import CorruptChoice
from corruptgen.runtime.extras import need
from corruptgen.sinks.features import split_name
from corruptgen.store.names import printable
from corruptgen.tables import catalog
from corruptgen.values.arguments import severity_text
from corruptgen.verification.dataset import FinishedDataset

PICTURE = "card.jpg"
BIBTEX = """@software{corruptgen,
  title = {corruptgen: corrupted and shifted image benchmarks},
  author = {{The corruptgen developers}},
  year = {2026},
}"""


def write_card(dataset: FinishedDataset, repo: str | None = None) -> str:
    """Write the card of a dataset; the same manifest produces the same text.

    Parameters
    ----------
    dataset : FinishedDataset
        Finished The finished dataset.
    repo : str or None
        The repository that it is for; None: the snippets have a blank for it.

    Raises
    ------
    PublishError
        If a package is missing, or a shard cannot be read.
    """
    name = repo or f"OWNER/{dataset.recipe.name}"
    sections = [
        f"# {title(dataset)}",
        dataset.recipe.publish.description or "",
        _what(dataset),
        f"![One image of the dataset in its rows, from the mildest severity to the worst]({PICTURE})",
        f"## Load it\n\n{_loading(dataset, name)}",
        f"## Rows and severities\n\n{_rows(dataset)}",
        f"## How images were read and stored\n\n{preprocessing(dataset.recipe.decode, dataset)}{_targets(dataset)}",
        f"## How it was made\n\n{_making(dataset)}",
        f"## Verify it\n\n{_verifying(dataset, name)}",
        f"## Known quirks\n\n{_quirks(dataset)}",
        f"## Licence\n\n{_license(dataset)}",
        f"## Citation\n\n{_citation(dataset)}",
    ]
    body = "\n\n".join(section.strip() for section in sections if section.strip())
    return f"---\n{_yaml(card_metadata(dataset))}---\n\n{body}\n"


def _yaml(content: dict[str, Any]) -> str:
    yaml = need("yaml", "a card")
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120))


def _what(dataset: FinishedDataset) -> str:
    corrupt, counts = dataset.recipe.corrupt, dataset.manifest["counts"]
    twin = ", and the clean images themselves, made by the same preprocessing" if dataset.recipe.output.clean else ""
    origin = dataset.recipe.source
    repo, split_, revision = (origin.get(key) for key in ("repo", "split", "revision"))
    page = f"[{repo}](https://huggingface.co/datasets/{repo})"
    source = f" The clean images come from {page}, split `{split_}`, at `{revision}`." if repo else ""
    rejected = (
        f" {counts['rejected']} items of the source were rejected and are in no split; `manifest.json` states why."
    )
    ways = len(corrupt.rows or ())
    sequences = [f"`{row}`" for row in dataset.rows if dataset.frames_of(row)]
    made = f" {', '.join(sequences)} make sequences: of each image, several frames." if sequences else ""
    made += " Each corrupted image has the clean one beside it." if dataset.recipe.output.pairs else ""
    return (
        f"Version {dataset.recipe.version}: {len(dataset)} images, each corrupted in {ways} way{'s' * (ways != 1)} "
        f"{_severities(corrupt)}{twin}: {dataset.image_count} images in all. How bad each severity is follows the "
        f"table `{dataset.preset.name}` ({dataset.preset.title}).{made}{source}{rejected if counts['rejected'] else ''}"
    )


def _severities(corrupt: CorruptChoice) -> str:
    by_row = {row: ", ".join(map(severity_text, corrupt.severities_of(row))) for row in corrupt.rows or ()}
    if len(set(by_row.values())) == 1:
        return f"at severities {next(iter(by_row.values()))}"
    rows = {text: [f"`{row}`" for row, own in by_row.items() if own == text] for text in by_row.values()}
    return "at severities " + "; ".join(f"{text} ({', '.join(names)})" for text, names in rows.items())


def _loading(dataset: FinishedDataset, repo: str) -> str:
    tag, output = f"v{dataset.recipe.version}", dataset.recipe.output
    row, severity = dataset.cells[-1]
    if is_loadable(dataset):
        first, last = next(iter(dataset.rows)), max(dataset.configs[next(iter(dataset.rows))])
        return (
            "Each row is a config and each severity a split:\n\n```python\nfrom datasets import load_dataset\n\n"
            f'data = load_dataset("{repo}", "{first}", split="{split_name(last)}", revision="{tag}")\n```\n\n'
            "Add `streaming=True` to download nothing that is not looked at."
        )
    head = (
        "```python\nfrom huggingface_hub import snapshot_download\n\n"
        f'folder = snapshot_download("{repo}", repo_type="dataset", revision="{tag}")\n'
    )
    if output.declared.loading:
        code, sentence = output.declared.loading(dataset, row)
        return f"{head}\n{code}\n```\n\n{sentence}"
    return f"{head}```\n\nThe images of a cell are `{data_files(dataset, row, severity)}`."


def _rows(dataset: FinishedDataset) -> str:
    severities = dataset.recipe.corrupt.all_severities
    rows = ["| row | what it does |", "|---|---|"]
    rows += [f"| `{name}` | {_cell(' '.join(row.sentences))} |" for name, row in dataset.rows.items()]
    head = [f"| row | parameter | {' | '.join(severity_text(severity) for severity in severities)} |"]
    head += [f"|---|---|{'---|' * len(severities)}"]
    for name in dataset.rows:
        own = dataset.configs[name]
        for parameter, values in parameters(dataset, name).items():
            at = dict(zip(own, values, strict=True))
            texts = (_cell(value_text(at[level])) if level in at else "" for level in severities)
            head.append(f"| `{name}` | `{parameter}` | {' | '.join(texts)} |")
    said = [
        f"- `{name}`: " + "; ".join(f"*{parameter}*: {text}" for parameter, text in meanings(row).items())
        for name, row in dataset.rows.items()
        if meanings(row)
    ]
    between = "\n".join(rows), "The parameters at each severity:", "\n".join(head), "What they mean:", "\n".join(said)
    return "\n\n".join(part for part in between if part)


def _targets(dataset: FinishedDataset) -> str:
    targets, moves = dataset.made.targets, dataset.recipe.corrupt.targets
    carried = [name for name, there in (("annotations", targets.is_annotated), ("masks", targets.endings)) if there]
    if not carried:
        return ""
    what = " and ".join(carried)
    how = {
        "move": f"move with the pixels: every such row has {what} of its own",
        "refuse": "would not fit; there are none",
    }
    said = how.get(moves, f"leave the {what} where they were, as published benchmarks do")
    return f" The {what} of the source come with the images; rows that move pixels {said}."


def _making(dataset: FinishedDataset) -> str:
    recipe, environment = dataset.recipe, dataset.manifest["environment"]
    place = "" if recipe.source.get("repo") else " --source PATH"
    note = (
        ""
        if dataset.preset.name in catalog.preset_names()
        else f"\n\nThe table `{dataset.preset.name}` is recorded whole in `manifest.json`, under `preset.table`."
    )
    versions = ", ".join(f"{name} {version}" for name, version in environment.items())
    return (
        f"With corruptgen, from this recipe (seed {recipe.seed}):\n\n```toml\n{toml_text(recipe.content())}\n```\n\n"
        f"```bash\ncorruptgen generate recipe.toml{place}\n```\n\n"
        "An image depends on the seed, the row, the severity and the item's id alone: not on order, number of workers "
        f"or machine. Made with {versions}.{note}"
    )


def _verifying(dataset: FinishedDataset, repo: str) -> str:
    is_whole = not dataset.preset.staging.changes
    has_twin = dataset.recipe.output.clean and dataset.recipe.output.is_lossless and is_whole
    again = has_twin or dataset.recipe.source.get("repo")
    source = "" if again else " --source PATH"
    return (
        "`manifest.json` and `items/` have the digest of every file and of the pixels of every image. This holds them "
        "against what is published, and recomputes a random sample of the images:\n\n```bash\n"
        f"corruptgen verify hf://datasets/{repo}@v{dataset.recipe.version} --depth sample{source}\n```"
    )


def _quirks(dataset: FinishedDataset) -> str:
    found = [f"- {quirk}" for quirk in quirks(dataset)]
    notes = dataset.manifest["preset"]["table"]["preset"].get("notes", "").strip()
    parts = [" ".join(notes.split()), "\n".join(found)]
    return "\n\n".join(part for part in parts if part) or "None that are known."


def _license(dataset: FinishedDataset) -> str:
    source = dataset.recipe.source
    found = license_of(source)
    name = f"[{found.name}]({source.license_link})" if source.license_link else f"{found.name} (`{found.id}`)"
    if found.id == "unknown":
        name = "not stated in the recipe; ask whoever published them"
    return (
        f"The clean images: {name}. The corrupted images are changed copies of them, and the same terms hold. The code "
        f"that made them, corruptgen, is under Apache-2.0."
    )


def _citation(dataset: FinishedDataset) -> str:
    source, references = dataset.recipe.source.citation, dataset.manifest["preset"]["table"]["preset"].get("references")
    parts = []
    if source:
        parts.append(f"The clean images:\n\n{_quoted(source.strip())}")
    if references:
        parts.append("The table of corruptions:\n\n" + "\n".join(f"- {reference}" for reference in references))
    parts.append(f"The generator:\n\n{_quoted(BIBTEX)}")
    return "\n\n".join(parts)


def _quoted(text: str) -> str:
    """Show BibTeX as it is to be copied."""
    return f"```bibtex\n{text}\n```" if text.startswith("@") else text


def _cell(text: str) -> str:
    """Write a text into a cell of a table."""
    return printable(text).replace("|", "\\|")
