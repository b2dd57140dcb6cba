"""Synthetic CT-like scans of mice with their organs outlined: what `phantom_ct` is made of."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

LABELS = ("background", "skeleton", "liver", "kidney", "left tumor", "right tumor")
AIR, TISSUE, LUNG = 12.0, 105.0, 45.0
BRIGHTNESS = {"skeleton": 205.0, "liver": 122.0, "kidney": 138.0, "left tumor": 114.0, "right tumor": 114.0}
"""Of 255; tumors are hardly brighter than what surrounds them."""
ABSENT = 0.25
"""How often one of the two tumors is missing."""


@dataclass(frozen=True)
class Scan:
    """One animal.

    Attributes:
        image: uint8 [depth, height, width]: from head to tail, from back to belly, from right to left.
        mask: uint8, the same shape, positions in `LABELS`.
    """

    image: Bytes
    mask: Bytes


def mouse_scan(shape: tuple[int, int, int], noise: float, generator: np.random.Generator) -> Scan:
    """An animal: size, posture, organs, tumors and the scanner's noise and brightness differ.

    Args:
        shape: voxels of the scan.
        noise: mean deviation of the noise, of 255.
        generator: of everything that differs.
    """
    draw = generator.uniform
    where = np.meshgrid(*(np.linspace(-1, 1, edge) for edge in shape), indexing="ij")
    size = draw(0.8, 1.0)
    bend = draw(-0.12, 0.12) * np.cos(np.pi * where[0])
    z, y, x = where[0] / size, (where[1] - bend) / size, (where[2] - draw(-0.06, 0.06)) / size
    grid = (z, y, x)

    body = _ball(grid, (0.05, 0.05, 0), (0.95, 0.62, 0.6))
    image = np.where(body, TISSUE + draw(-6, 6), AIR)
    for side in (-1, 1):
        image[_ball(grid, (-0.38, 0.05, 0.22 * side), (0.2, 0.26, 0.17))] = LUNG
    mask = np.zeros(shape, np.uint8)
    for name, region in _organs(grid, generator).items():
        mask[region] = LABELS.index(name)
        image[region] = BRIGHTNESS[name] * draw(0.95, 1.05)
    image = gaussian_filter(image, 0.5)
    image = image * draw(0.92, 1.08) + generator.normal(0, noise * draw(0.6, 1.4), shape)
    return Scan(image.clip(0, 255).round().astype(np.uint8), mask)


def _organs(grid: tuple[Floats, Floats, Floats], generator: np.random.Generator) -> dict[str, Any]:
    """Name → where it is; what comes later lies over what comes before."""
    draw = generator.uniform
    organs: dict[str, Any] = {}
    middle = (-0.05 + draw(-0.05, 0.05), 0.15, -0.12)
    lobe = (middle[0] + 0.08, 0.12, 0.2)
    scale = draw(0.85, 1.15)
    organs["liver"] = _ball(grid, middle, (0.17 * scale, 0.34, 0.34 * scale)) | _ball(
        grid, lobe, (0.13 * scale, 0.26, 0.25)
    )
    organs["kidney"] = np.zeros(grid[0].shape, bool)
    for side in (-1, 1):
        center = (0.3 + 0.05 * side + draw(-0.04, 0.04), -0.2, 0.28 * side)
        organs["kidney"] |= _ball(grid, center, (0.17 * draw(0.85, 1.15), 0.18, 0.16))
    organs["skeleton"] = _skeleton(grid)
    absent = generator.choice(["left tumor", "right tumor"]) if draw() < ABSENT else None
    for name, side in (("right tumor", -1), ("left tumor", 1)):
        center = (draw(0.2, 0.6), draw(0.0, 0.25), side * draw(0.5, 0.58))
        radius = draw(0.13, 0.26)
        if name != absent:
            organs[name] = _ball(grid, center, (radius, radius * draw(0.9, 1.3), radius * draw(0.9, 1.3)))
    return organs


def _skeleton(grid: tuple[Floats, Floats, Floats]) -> Any:
    """Spine, skull, ribs and pelvis."""
    z, y, x = grid
    spine = ((y + 0.42) ** 2 + x**2 < 0.085**2) & (np.abs(z) < 0.9)
    skull = _shell(grid, (-0.82, -0.1, 0), (0.16, 0.28, 0.26), 0.6)
    ribs = _shell((z, y, x), (-0.38, 0.03, 0), (0.34, 0.43, 0.42), 0.75) & (np.sin(z * 28) > 0.2)
    pelvis = _shell(grid, (0.7, -0.25, 0), (0.13, 0.2, 0.3), 0.5)
    return spine | skull | ribs | pelvis


def _ball(grid: tuple[Floats, ...], center: tuple[float, ...], radii: tuple[float, ...]) -> Any:
    return _distance(grid, center, radii) < 1


def _shell(
    grid: tuple[Floats, ...], center: tuple[float, ...], radii: tuple[float, ...], inner: float
) -> Any:
    distance = _distance(grid, center, radii)
    return (distance < 1) & (distance > inner)


def _distance(grid: tuple[Floats, ...], center: tuple[float, ...], radii: tuple[float, ...]) -> Floats:
    """Squared, in radii."""
    terms = [((axis - c) / r) ** 2 for axis, c, r in zip(grid, center, radii, strict=True)]
    return np.sum(terms, axis=0)
