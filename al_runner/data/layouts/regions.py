"""Regions: labels that may overlap, each of which is the union of some values of a mask.

As nnU-Net trains on them: BraTS outlines edema, enhancing and necrotic tumor, and what is measured are whole
tumor, tumor core and enhancing tumor, of which each holds the next.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from annotated_types import Len
from numpy.typing import NDArray

from al_runner.data.tasks.bit_fields import FEW, MOST
from al_runner.errors import InputError
from al_runner.values import Named, Natural

Regions = Annotated[Mapping[Named, Annotated[Sequence[Natural], Len(1)]], Len(1, MOST)]
"""Name → the values that it is made of: {whole tumor: [1, 2, 4], tumor core: [1, 4]}."""
Fields = NDArray[np.integer[Any]]


def kind(n_labels: int) -> type[np.uint8] | type[np.int16]:
    """The type of bit fields, see `tasks.bit_fields`."""
    return np.uint8 if n_labels <= FEW else np.int16


def bits_of_positions(regions: Mapping[str, Sequence[int]], values: Sequence[int]) -> Fields:
    """The bit field of each position among the values that a mask may have, the background's first.

    >>> bits_of_positions({"whole": [1, 2, 4], "core": [1, 4]}, [0, 1, 2, 4]).tolist()
    [0, 3, 1, 3]

    Raises:
        InputError: a region is made of a value that a mask does not have, or of the background.
    """
    found: Fields = np.zeros(len(values), kind(len(regions)))
    for bit, (name, parts) in enumerate(regions.items()):
        for value in parts:
            if value not in values[1:]:
                known = ", ".join(map(str, values[1:]))
                why = "the background" if value in values else "no value of the masks"
                raise InputError(f"dataset.regions: {name} has {value}, {why}; regions are made of {known}")
            found[values.index(value)] |= 1 << bit
    return found


def declared(regions: Mapping[str, Sequence[int]]) -> dict[int, str]:
    """The values of masks that only regions tell of, with names that say where they belong; 0 is nothing."""
    values = sorted({value for parts in regions.values() for value in parts} - {0})
    within = {v: [name for name, parts in regions.items() if v in parts] for v in values}
    return {0: "background", **{value: " + ".join(names) for value, names in within.items()}}
