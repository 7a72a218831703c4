"""Croissant: what a dataset is, in the words of schema.org and MLCommons, for machines."""

import json
import re
from typing import Any

from corruptgen.publishing.licenses import license_of
from corruptgen.publishing.metadata import TAGS, data_files, title
from corruptgen.sinks.features import split_name
from corruptgen.verification.dataset import FinishedDataset

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
# The context that the format prescribes, https://docs.mlcommons.org/croissant/docs/croissant-spec.html.
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
TYPES = {"float64": "sc:Float", "int64": "sc:Integer", "bool": "sc:Boolean", "string": "sc:Text"}
REPO = "repo"
IMAGE = "image"


def write_croissant(dataset: FinishedDataset, repo: str | None = None) -> bytes:
    """Describe a dataset in Croissant's JSON-LD; the same manifest produces the same bytes.

    Parameters
    ----------
    dataset : FinishedDataset
        Finished The finished dataset.
    repo : str or None
        The repository that it is for; None: the addresses have a blank for it.
    """
    recipe = dataset.recipe
    home = f"https://huggingface.co/datasets/{repo or f'OWNER/{recipe.name}'}"
    found = license_of(recipe.source)
    references = dataset.manifest["preset"]["table"]["preset"].get("references", [])
    cited = [recipe.source.citation] if recipe.source.citation else []
    content = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": re.sub(r"[^A-Za-z0-9_-]", "_", recipe.name),
        "alternateName": title(dataset),
        "description": recipe.publish.description
        or f"{len(dataset)} images in {len(dataset.cells)} cells of corruption.",
        "url": home,
        "version": recipe.version.partition("-")[0].partition("+")[0],
        "license": recipe.source.license_link or found.name,
        "citeAs": "\n\n".join([*cited, *references]) or title(dataset),
        "keywords": list(dict.fromkeys([*TAGS, *recipe.publish.tags])),
        "distribution": [_repository(home, recipe.version), *_file_sets(dataset)],
        **({"recordSet": list(_record_sets(dataset))} if recipe.output.declared.columns else {}),
    }
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def _repository(home: str, version: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": REPO,
        "name": REPO,
        "description": "The repository on the Hub, at the tag of this version.",
        "contentUrl": f"{home}/tree/v{version}",
        "encodingFormat": "git+https",
        # A repository has no digest of its own; the format asks for this address in its place.
        "sha256": "https://github.com/mlcommons/croissant/issues/80",
    }


def _file_sets(dataset: FinishedDataset) -> list[dict[str, Any]]:
    output = dataset.recipe.output
    sets = []
    for row, severities in dataset.configs.items():
        patterns = list(dict.fromkeys(data_files(dataset, row, severity) for severity in severities))
        sets.append(
            {
                "@type": "cr:FileSet",
                "@id": f"files-{row}",
                "name": f"files-{row}",
                "description": f"The files of the row {row}.",
                "containedIn": {"@id": REPO},
                "encodingFormat": output.declared.media_type or _media_type(dataset, row),
                "includes": patterns if len(patterns) > 1 else patterns[0],
            }
        )
    return sets


def _media_type(dataset: FinishedDataset, row: str) -> str:
    encoding = dataset.recipe.output.encoding
    if encoding != "video":
        return f"image/{encoding}"
    return "video/mp4" if dataset.frames_of(row) else "image/png"


def _record_sets(dataset: FinishedDataset) -> list[dict[str, Any]]:
    """Describe the columns of every row's files."""
    describe = dataset.recipe.output.declared.columns or (lambda dataset, row: {})
    found = []
    for row, severities in dataset.configs.items():
        found.append(
            {
                "@type": "cr:RecordSet",
                "@id": row,
                "name": row,
                "description": f"{row}: {len(severities)} splits, {', '.join(map(split_name, severities))}.",
                "field": [_field(row, name, kind) for name, kind in describe(dataset, row).items()],
            }
        )
    return found


def _field(row: str, name: str, kind: str) -> dict[str, Any]:
    extract: dict[str, Any] = {"fileSet": {"@id": f"files-{row}"}, "extract": {"column": name}}
    if kind.removesuffix("[]") == IMAGE:
        extract["transform"] = {"jsonPath": "bytes"}
    return {
        "@type": "cr:Field",
        "@id": f"{row}/{name}",
        "name": name,
        "description": f"The column {name}.",
        "dataType": "sc:ImageObject" if kind.removesuffix("[]") == IMAGE else TYPES[kind.removesuffix("[]")],
        **({"repeated": True} if kind.endswith("[]") else {}),
        "source": extract,
    }
