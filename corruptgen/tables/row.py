"""A row of a severity table: how bad each of its levels is, and what lies between them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.declare import Corruption
from corruptgen.errors import PresetError, SeverityError
from corruptgen.tables.cell import Cell
from corruptgen.tables.interpolation import Value, interpolate
from corruptgen.tables.region import RegionColumn
from corruptgen.tables.scene import NO_STAGING, Staging
from corruptgen.tables.sizes import Sizes
from corruptgen.values.arguments import normalise_severity, severity_text

Parameters = Mapping[str, Value]


@dataclass(frozen=True)
class Level:
    """One level of a row: a function and its parameters."""

    corruption: Corruption
    parameters: Parameters


@dataclass(frozen=True)
class Row:
    """One line of a severity table."""

    name: str
    levels: tuple[Level, ...]
    interpolation: str
    """How parameters go from level to level."""
    at_zero: Parameters
    """The values of parameters that leave the image alone."""
    arithmetic: Arithmetic
    scaled: frozenset[str]
    non_monotone_levels: frozenset[int]
    """Levels that are not worse than the one before."""
    requires_rgb: bool = False
    """Whether grey images are made colour ones first and the luma of the result is taken."""
    stored_grey: bool = False
    """Whether files of its images have one channel, where they may: all three are equal."""
    augment: Mapping[str, tuple[Value, Value]] = field(default_factory=dict)
    """For augmentation: the ends of a parameter's range, where they are not its first and last level."""
    staging: Staging = NO_STAGING
    """What is done to a picture before and after it, where the table makes images of pictures."""
    region: RegionColumn | None = None
    """Where in the image it acts; None: everywhere."""

    def __post_init__(self) -> None:
        """Refuse an image of another size in a place of the clean one."""
        if self.region is not None and self.changes_size:
            raise PresetError(
                f"{self.name} region: the row makes images of another size, which have no places of the clean image; "
                "leave the region out"
            )

    @property
    def uses(self) -> tuple[Level, ...]:
        """All functions it uses, with their parameters."""
        return self.levels

    @property
    def level_count(self) -> int:
        """Number of its levels; the rows of a table may differ in it."""
        return len(self.levels)

    @property
    def severities(self) -> tuple[float, ...]:
        """Those of its levels, from 1."""
        return tuple(float(level) for level in range(1, self.level_count + 1))

    @property
    def sentences(self) -> tuple[str, ...]:
        """What it does; where its levels use different functions, what each of them does."""
        done = tuple(dict.fromkeys(level.corruption.summary for level in self.levels))
        return done if self.region is None else (*done, self.region.sentence)

    @property
    def is_chain(self) -> bool:
        """Whether it has several steps."""
        return False

    @property
    def reaches_zero(self) -> bool:
        """Whether it has severities between the clean image and level 1."""
        return bool(self.at_zero)

    @property
    def is_sequence(self) -> bool:
        """Whether it makes a sequence of frames of a picture instead of an image."""
        is_every_cell = self.region is not None and self.region.is_every_cell
        return is_every_cell or any(level.corruption.is_sequence for level in self.uses)

    @property
    def takes_scene(self) -> bool:
        """Whether it takes the picture before the crop."""
        return any(level.corruption.takes_scene for level in self.uses)

    @property
    def is_geometric(self) -> bool:
        """Whether one of its levels moves pixels, and with them what masks and boxes are about."""
        return any(level.corruption.is_geometric for level in self.uses)

    @property
    def changes_size(self) -> bool:
        """Whether one of its levels makes images of another height or width, which masks and boxes do not follow."""
        return any(level.corruption.changes_size for level in self.uses)

    @property
    def crops_or_resizes(self) -> bool:
        """Whether its images are others than the pictures that it takes in size, by the table or by itself."""
        return self.staging.changes or self.changes_size

    @property
    def inputs(self) -> frozenset[str]:
        """What it takes beside the image, by name."""
        return frozenset(name for level in self.uses for name in level.corruption.inputs)

    @property
    def image_inputs(self) -> frozenset[str]:
        """Those of its inputs that are images as well."""
        return frozenset(name for level in self.uses for name, is_image in level.corruption.inputs.items() if is_image)

    def cell(self, severity: float, sizes: Sizes) -> Cell:
        """Return the row at a severity above 0, ready to be applied."""
        level = self.at(severity)
        return self.cell_with(level.parameters, severity, sizes, level.corruption)

    def cell_with(
        self, parameters: Parameters, severity: float, sizes: Sizes, corruption: Corruption | None = None
    ) -> Cell:
        """Return the row with parameters of the caller's choice, of its first function unless another one is passed."""
        return Cell(
            row=self.name,
            severity=severity,
            corruption=corruption or self.levels[0].corruption,
            parameters=parameters,
            arithmetic=self.arithmetic,
            scaled=self.scaled,
            sizes=sizes,
            requires_rgb=self.requires_rgb,
            stored_grey=self.stored_grey,
            staging=self.staging,
            region=None if self.region is None else self.region.at(severity),
        )

    def clean_cell(self, sizes: Sizes) -> Cell:
        """Return the cell that leaves the image alone."""
        # Where the row acts before the crop, a picture of the image's size is no image.
        staging = replace(self.staging, always=self.staging.always or self.takes_scene)
        clean = self.cell_with(MappingProxyType({}), 0.0, sizes)
        return replace(clean, corruption=None, region=None, staging=staging)

    def at(self, severity: float) -> Level:
        """Return function and parameters at a severity above 0, interpolating between the levels.

        Between 0 and level 1 the parameters go from their clean values to those of level 1: by their logarithms if the
        row says so and none of them is 0, else linearly.

        Raises
        ------
        SeverityError
            If the severity is out of range, or below 1 in a row without clean values.
        """
        severity = normalise_severity(severity)
        if not 0 < severity <= len(self.levels):
            raise SeverityError(f"{self.name}: severity {severity_text(severity)} is outside of 0..{len(self.levels)}")
        if severity < 1:
            first = self.levels[0]
            if not self.at_zero:
                raise SeverityError(
                    f"{self.name}: severity {severity_text(severity)} lies between the clean image and level 1, and "
                    "the table has no clean values for this row; use 0, or 1 and above"
                )
            positive = all(isinstance(value, int | float) and value > 0 for value in self.at_zero.values())
            interpolation = "log" if self.interpolation == "log" and positive else "linear"
            clean = Level(first.corruption, {**first.parameters, **self.at_zero})
            return _between(clean, first, severity, interpolation)
        lower = self.levels[int(severity) - 1]
        upper = self.levels[min(int(severity), len(self.levels) - 1)]
        return _between(lower, upper, severity % 1, self.interpolation)


def _between(lower: Level, upper: Level, fraction: float, interpolation: str) -> Level:
    """Return the level at `fraction` of the way; levels of different functions are only ever taken whole."""
    nearest = upper.corruption if fraction >= 0.5 else lower.corruption
    return Level(
        nearest, interpolate(lower.parameters, upper.parameters, upper.corruption.parameters, fraction, interpolation)
    )
