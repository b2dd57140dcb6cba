"""Scans whose labels only people know."""

import numpy as np
import pytest
from PIL import Image

from tests.commands import Command

CLASSES = ("normal", "ill")


@pytest.fixture
def truth(al_run: Command) -> dict[str, str]:
    """Forty scans, a bright bar says what they show; and the labels, which only people know."""
    rng, labels = np.random.default_rng(0), {}
    (al_run.folder / "scans").mkdir()
    for i in range(40):
        image = rng.integers(0, 80, (14, 14), dtype=np.uint8)
        image[:, 3 + 6 * (i % 2) : 6 + 6 * (i % 2)] += 150
        name = f"{i:02}.png"
        Image.fromarray(image).save(al_run.folder / "scans" / name)
        labels[name] = CLASSES[i % 2]
    return labels
