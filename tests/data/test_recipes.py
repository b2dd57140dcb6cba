"""The code for those without al-runner reads a file as its data set does."""

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from al_runner.data.layouts.grid import Grid, Levels
from al_runner.data.layouts.gridded import volumes
from tests.data.nifti_files import write_nifti

AS_STORED = [[0, 1], [1, 1], [2, 1]]
TURNED = [[1, -1], [2, 1], [0, -1]]


@pytest.mark.filterwarnings("error::SyntaxWarning")  # whoever runs the code would see it
@pytest.mark.parametrize("axes", [AS_STORED, TURNED])
@pytest.mark.parametrize("levels", [Levels(), Levels((0.0, 900.0))])
def test_volumes_of_another_spacing(tmp_path: Path, axes: list[list[int]], levels: Levels) -> None:
    """A header has spacings of 32 bits: half of 3 × 0.7 / 1.4 is no tie there, and one in their product."""
    pixels = np.random.default_rng(0).integers(0, 1000, (3, 5, 7)).astype(np.int16)
    write_nifti(tmp_path / "made.nii.gz", pixels, (0.7, 0.35, 0.8))
    path = tmp_path / "scan.nii.gz"
    nibabel.save(nibabel.load(tmp_path / "made.nii.gz").as_reoriented(axes), path)
    reading = volumes(1, levels, Grid((4, 4, 4), "pad", (1.6, 0.7, 1.4)))
    code: dict[str, Any] = {}
    exec(reading.recipe.code, code)
    expected = reading.read(path)
    assert expected.any()
    assert np.array_equal(code["read"](path), expected)
