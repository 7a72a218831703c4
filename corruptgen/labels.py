"""Labels are texts; files that want numbers get them here."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class Classes:
    """How the labels of a dataset become numbers."""

    names: tuple[str, ...] = ()
    """In the order of their numbers; empty if labels are numbers without names, or if there are none."""
    width: int = 0
    """Numbers of one label: 0 without labels, 1, or more for several labels at once."""
    by_name: bool = False
    """Whether labels are names; else they are decimal numbers, with spaces between them if there are several."""
    highest: int = 0
    """The highest number."""

    @classmethod
    def of(cls, labels: Iterable[str], names: tuple[str, ...] = ()) -> "Classes":
        """Find out what kind of labels a dataset has.

        Parameters
        ----------
        labels : the label of every item
        names : the classes in the order of their numbers, if the source knows them; else names are sorted
        """
        found = set(labels)
        if found <= {""}:
            return cls()
        if names and found <= set(names):
            return cls(names, 1, by_name=True, highest=len(names) - 1)
        words = [label.split(" ") for label in found]
        widths = {len(numbers) for numbers in words}
        if len(widths) == 1 and all(NUMBER.fullmatch(number) for numbers in words for number in numbers):
            highest = max(int(number) for numbers in words for number in numbers)
            width = widths.pop()
            fits = width == 1 and highest < len(names)
            return cls(names if fits else (), width, highest=max(highest, len(names) - 1 if fits else 0))
        ordered = tuple(sorted(found))
        return cls(ordered, 1, by_name=True, highest=len(ordered) - 1)

    def numbers(self, label: str) -> list[int]:
        """Give the numbers of a label, `width` of them."""
        if not self.width:
            return []
        return [self.names.index(label)] if self.by_name else [int(number) for number in label.split(" ")]
