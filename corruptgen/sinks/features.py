"""How `datasets` is told what a dataset holds: columns, labels, splits."""

from collections.abc import Mapping
from typing import Any

from corruptgen.runtime.extras import need
from corruptgen.values.arguments import severity_text
from corruptgen.values.class_labels import NUMBERS, Classes

CARD = "the card of a dataset that `datasets` loads"
# Classes without names are counted; above this the numbers are not those of classes.
MOST_CLASSES = 10_000


def split_name(severity: float) -> str:
    """Return the name of the split of a severity."""
    return f"severity_{severity_text(severity)}"


def column(dtype: str) -> dict[str, Any]:
    """Describe a column of plain values as `datasets` does."""
    return {"dtype": dtype, "_type": "Value"}


def label_feature(classes: Classes) -> dict[str, Any]:
    """Describe the column of labels as `datasets` does; there is none where there are no labels."""
    names = classes.names
    if classes.kind == NUMBERS and not names and classes.count <= MOST_CLASSES:
        names = tuple(map(str, range(classes.count)))
    feature = {"names": list(names), "_type": "ClassLabel"} if names and not classes.width else column("int64")
    match classes.kind:
        case "none":
            return {}
        case "lists":
            return {"label": {"feature": feature, "_type": "List"}}
    return {"label": feature}


def yaml_features(features: Mapping[str, Any]) -> Any:
    """Return features as the metadata of a card lists them."""
    return need("datasets", CARD).Features.from_dict(dict(features))._to_yaml_list()
