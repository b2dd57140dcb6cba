"""Synthetic CT-like organ slices, drawn from a seed in about a second.

No image here comes from a person. A caricature of the body at three levels is painted with bent, tapered
ellipses. A synthetic patient has an anatomy, a pose, a phase of contrast agent, a display window, a sharpness
and a noise level. A series is a few neighboring slices of one patient through one organ, cropped around it:
they are near-duplicates, whereas patients differ much. Left and right organs mirror each other, but not what
surrounds them. As usual for CT, x points to the patient's left and y to the back, here in units of half the
body's width, and densities are in Hounsfield units.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Patients = dict[str, Floats]  # TRAITS [N, 1, 1], and "anatomy" [N, 2, structures, parameters]: middle, drift

SIDE, SLICES_PER_SERIES = 28, 4
DEPTH_STEP = 0.12  # between neighboring slices; an organ reaches from depth -1 to depth 1


@dataclass(frozen=True)
class Tissue:
    """What a structure is made of, in Hounsfield units."""

    density: float
    uptake: float = 0.0  # density added at the peak of the contrast agent
    mottle: float = 10.0  # standard deviation of the texture


@dataclass(frozen=True)
class Shape:
    """An ellipse with half-axes `width` and `height`, turned by `angle` degrees, bent, tapered at one end."""

    name: str  # the parts of one structure share their name, and vary together
    tissue: Tissue
    x: float
    y: float
    width: float
    height: float
    angle: float = 0.0
    bend: float = 0.0
    taper: float = 0.0

    def parameters(self) -> Floats:
        """What varies between patients, in the order of SPREAD."""
        place = self.x, self.y, math.log(self.width), math.log(self.height), math.radians(self.angle)
        return np.array([*place, self.bend, self.taper, self.tissue.density], np.float32)


@dataclass(frozen=True)
class Organ:
    """A class: where its organ lies, and how often it occurs."""

    name: str
    level: tuple[Shape, ...]
    reach: float  # half the side of its crop
    share: float  # of the images


def _pair(*left: Shape) -> tuple[Shape, ...]:
    """Left structures and their mirror images."""
    right = (replace(s, name=f"{s.name}-right", x=-s.x, angle=-s.angle, taper=-s.taper) for s in left)
    return (*(replace(s, name=f"{s.name}-left") for s in left), *right)


# fmt: off
# Standard deviations of Shape.parameters between patients, and along a structure from its middle to an end.
SPREAD = np.array([0.05, 0.05, 0.24, 0.24, 0.33, 0.26, 0.18, 28], np.float32)
DRIFT = 0.6 * SPREAD
# Ranges of what a patient's slices share besides the anatomy: tilt in radians, level and width of the window.
TRAITS = {"tilt": (-0.55, 0.55), "zoom": (0.8, 1.3), "contrast": (0, 1), "level": (0, 100),
          "width": (300, 600), "blur": (0, 1), "noise": (10, 50)}
AIR, LUNG, FAT, MUSCLE = Tissue(-1000), Tissue(-830, mottle=230), Tissue(-105, mottle=14), Tissue(50, 15)
HEART, BLOOD, LIVER, SPLEEN = Tissue(45, 60), Tissue(42, 190), Tissue(58, 55, 16), Tissue(48, 75)
KIDNEY, PANCREAS, BOWEL = Tissue(32, 150, 16), Tissue(38, 55, 32), Tissue(20, 35, 45)
URINE, BONE, MARROW = Tissue(4, mottle=4), Tissue(500, mottle=80), Tissue(150, mottle=50)

# Each level lists its shapes in the order of painting: what comes later covers what came before.
SPINE = (Shape("spine", BONE, 0, 0.33, 0.14, 0.11), Shape("spine", MARROW, 0, 0.33, 0.12, 0.09),
         Shape("spine", MUSCLE, 0, 0.46, 0.05, 0.035), Shape("spine", BONE, 0, 0.56, 0.022, 0.07))
RIBS = _pair(*(Shape("ribs", BONE, x, y, 0.03, 0.1, angle) for x, y, angle in
               ((0.72, -0.34, -45), (0.87, 0, 0), (0.72, 0.34, 45))))
THORAX = (
    Shape("skin", FAT, 0, 0, 1, 0.7), Shape("wall", MUSCLE, 0, 0, 0.93, 0.63), *RIBS,
    Shape("wall", FAT, 0, -0.05, 0.3, 0.5), Shape("sternum", BONE, 0, -0.56, 0.1, 0.03),
    *_pair(Shape("lung", LUNG, 0.47, 0, 0.5, 0.36, 90, 0.35, 0.25)), *SPINE,
    Shape("aorta", BLOOD, 0.13, 0.2, 0.06, 0.06), Shape("liver", LIVER, -0.42, -0.02, 0.18, 0.14),
    Shape("heart", HEART, 0.12, -0.16, 0.31, 0.23, -35, 0, -0.2), Shape("heart", BLOOD, 0, -0.05, 0.1, 0.07),
    Shape("heart", BLOOD, 0.2, -0.17, 0.14, 0.07, -35), Shape("heart", BLOOD, 0.03, -0.27, 0.12, 0.05, -30),
)
ABDOMEN = (
    Shape("skin", FAT, 0, 0, 1, 0.72), Shape("wall", MUSCLE, 0, 0, 0.92, 0.64), *RIBS,
    Shape("wall", FAT, 0, -0.03, 0.84, 0.56), *SPINE, Shape("cava", BLOOD, -0.1, 0.14, 0.07, 0.05),
    Shape("aorta", BLOOD, 0.07, 0.16, 0.06, 0.06), Shape("bowel", BOWEL, -0.19, 0.03, 0.09, 0.09),
    *_pair(Shape("back", MUSCLE, 0.22, 0.5, 0.2, 0.13), Shape("psoas", MUSCLE, 0.2, 0.33, 0.075, 0.09)),
    Shape("bowel", BOWEL, 0.05, -0.38, 0.16, 0.1), Shape("colon", BOWEL, 0.62, -0.12, 0.11, 0.12),
    Shape("stomach", BOWEL, 0.36, -0.27, 0.27, 0.18, 30), Shape("stomach", AIR, 0.34, -0.36, 0.13, 0.05, 10),
    Shape("liver", LIVER, -0.38, -0.12, 0.5, 0.38, -12, 0.2, -0.45),
    Shape("liver", BLOOD, -0.42, -0.05, 0.12, 0.03, 40), Shape("liver", BLOOD, -0.25, -0.2, 0.09, 0.03, -30),
    Shape("spleen", SPLEEN, 0.67, 0.17, 0.3, 0.12, 118, 0.8, 0.15),
    *_pair(Shape("kidney", FAT, 0.4, 0.27, 0.23, 0.17, 122, 0.4),
           Shape("kidney", KIDNEY, 0.4, 0.27, 0.19, 0.13, 122, 0.5),
           Shape("kidney", FAT, 0.35, 0.24, 0.08, 0.04, 122)),
    Shape("pancreas", PANCREAS, 0.12, -0.06, 0.32, 0.08, 8, 0.9, -0.25),
    Shape("pancreas", BLOOD, 0.16, 0.03, 0.24, 0.02, 8, 1.5),
)
PELVIS = (
    Shape("skin", FAT, 0, 0, 1, 0.62), Shape("wall", MUSCLE, 0, 0, 0.7, 0.46),
    *_pair(Shape("glutei", MUSCLE, 0.52, 0.3, 0.36, 0.22, -20)), Shape("wall", FAT, 0, 0, 0.38, 0.42),
    *_pair(Shape("pubis", BONE, 0.16, -0.4, 0.13, 0.05, 25), Shape("hip", BONE, 0.44, 0, 0.2, 0.05, 95, -0.8),
           Shape("femur", BONE, 0.62, 0.02, 0.14, 0.14), Shape("femur", BONE, 0.79, 0.06, 0.1, 0.08, 20),
           Shape("femur", MARROW, 0.63, 0.02, 0.11, 0.11), Shape("vessels", BLOOD, 0.33, -0.32, 0.05, 0.05)),
    Shape("rectum", BOWEL, 0, 0.28, 0.1, 0.09), Shape("sacrum", BONE, 0, 0.43, 0.08, 0.04),
    Shape("bladder", MUSCLE, 0, -0.12, 0.25, 0.19), Shape("bladder", URINE, 0, -0.12, 0.23, 0.17),
)
STRUCTURES = sorted({shape.name for shape in THORAX + ABDOMEN + PELVIS})
_TABLE = (
    Organ("bladder", PELVIS, 0.42, 0.08), Organ("femur-left", PELVIS, 0.28, 0.045),
    Organ("femur-right", PELVIS, 0.28, 0.045), Organ("heart", THORAX, 0.5, 0.03),
    Organ("kidney-left", ABDOMEN, 0.28, 0.09), Organ("kidney-right", ABDOMEN, 0.28, 0.09),
    Organ("liver", ABDOMEN, 0.56, 0.24), Organ("lung-left", THORAX, 0.56, 0.06),
    Organ("lung-right", THORAX, 0.56, 0.06), Organ("pancreas", ABDOMEN, 0.38, 0.145),
    Organ("spleen", ABDOMEN, 0.36, 0.115),
)
ORGANS: tuple[str, ...] = tuple(organ.name for organ in _TABLE)
# fmt: on


@dataclass(frozen=True)
class Slices:
    """One split."""

    images: Images  # [N, 28, 28]
    labels: Ints  # [N], positions in ORGANS
    patients: Ints  # [N], unique across splits


def organ_slices(seed: int, n_train: int, n_val: int, n_test: int) -> dict[str, Slices]:
    """The splits `train`, `val` and `test`; each depends only on the seed and on its own size."""
    sizes = {"train": n_train, "val": n_val, "test": n_test}
    streams = np.random.default_rng(seed).spawn(len(sizes))
    splits = {name: _split(rng, sizes[name]) for name, rng in zip(sizes, streams, strict=True)}
    # Interleaved numbers keep the patients of the splits apart, whatever the sizes are.
    return {k: replace(s, patients=i + len(sizes) * s.patients) for i, (k, s) in enumerate(splits.items())}


def _split(rng: Generator, size: int) -> Slices:
    """Exactly `size` slices in random order, with the organs in proportion to their shares."""
    edges = np.rint(np.cumsum([organ.share for organ in _TABLE]) * size).astype(np.int64)
    counts = np.diff(edges, prepend=0)  # differences of rounded sums add up to `size`
    n = math.ceil(counts.max() / SLICES_PER_SERIES)
    patients = {name: rng.uniform(*span, (n, 1, 1)).astype(np.float32) for name, span in TRAITS.items()}
    patients["anatomy"] = rng.standard_normal((n, 2, len(STRUCTURES), len(SPREAD)), np.float32)
    patients["anatomy"] *= np.stack([SPREAD, DRIFT])[:, None]
    drawn = [_slices(rng, organ, patients, int(count)) for organ, count in zip(_TABLE, counts, strict=True)]
    order = rng.permutation(size)
    images, owners = (np.concatenate(parts)[order] for parts in zip(*drawn, strict=True))
    return Slices(images, np.repeat(np.arange(len(_TABLE)), counts)[order], owners)


def _slices(rng: Generator, organ: Organ, patients: Patients, n: int) -> tuple[Images, Ints]:
    """`n` slices of one organ, at most one series of a patient, and the patient of each slice."""
    owners = rng.permutation(len(patients["anatomy"]))[: math.ceil(n / SLICES_PER_SERIES)]
    series = np.arange(n) * len(owners) // max(n, 1)
    step = np.arange(n) - np.searchsorted(series, series)  # counts from 0 in each series
    start = rng.uniform(-1, 1 - SLICES_PER_SERIES * DEPTH_STEP, len(owners))
    depth = (start[series] + DEPTH_STEP * step).astype(np.float32)[:, None, None]
    fields = _smooth_noise(rng, (2, len(owners)), 0.9)[:, series]
    texture = np.cos(depth) * fields[0] + np.sin(depth) * fields[1]
    mine = {name: values[owners[series]] for name, values in patients.items()}
    return _scan(rng, mine, _paint(organ, mine, depth, texture)), owners[series]


def _smooth_noise(rng: Generator, shape: tuple[int, ...], sigma: float) -> Floats:
    """Spatially correlated noise of about unit variance."""
    white = rng.standard_normal((*shape, SIDE, SIDE), np.float32) * np.float32(math.sqrt(4 * math.pi) * sigma)
    return np.asarray(gaussian_filter(white, sigma, axes=(-2, -1)))


def _paint(organ: Organ, patients: Patients, depth: Floats, texture: Floats) -> Floats:
    """The densities [N, 28, 28] in crops that follow the organ."""
    varied = patients["anatomy"][:, 0] + depth * patients["anatomy"][:, 1]
    own = varied[:, STRUCTURES.index(organ.name)]
    own[:, 2:4] -= 0.35 * depth[:, 0] ** 2  # an organ is smaller at its ends
    home = next(shape for shape in organ.level if shape.name == organ.name)
    reach, cos, sin = organ.reach * patients["zoom"], np.cos(patients["tilt"]), np.sin(patients["tilt"])
    center = (home.parameters() + own).T[:2, :, None, None]
    right, down = np.meshgrid(*2 * [np.linspace(-1, 1, SIDE, dtype=np.float32)])
    x, y = center[0] + reach * (cos * right - sin * down), center[1] + reach * (sin * right + cos * down)
    image = np.full_like(texture, AIR.density)
    # Nothing covers the organ, except that heart and liver dent the lungs.
    for shape in sorted(organ.level, key=lambda s: s.name == organ.name and s.tissue is not LUNG):
        distance = math.dist((shape.x, shape.y), (home.x, home.y)) - max(shape.width, shape.height)
        if distance < 1.4 * organ.reach:  # the others can hardly be in sight, and would take time
            parameters = (shape.parameters() + varied[:, STRUCTURES.index(shape.name)]).T[..., None, None]
            uptake, mottle = shape.tissue.uptake * patients["contrast"], shape.tissue.mottle * texture
            image += _coverage(parameters, x, y, reach) * (parameters[-1] + uptake + mottle - image)
    return image


def _coverage(parameters: Floats, x: Floats, y: Floats, reach: Floats) -> Floats:
    """How much of each pixel lies inside a shape, from 0 to 1."""
    x0, y0, width, height, angle, bend, taper, _ = parameters
    width, height, cos, sin = np.exp(width), np.exp(height), np.cos(angle), np.sin(angle)
    u = (cos / width) * x + (sin / width) * y - (cos * x0 + sin * y0) / width
    v = (cos / height) * y - (sin / height) * x + (sin * x0 - cos * y0) / height
    v -= bend * (u**2 - 0.5)
    v /= np.maximum(1 + taper * u, 0.3)
    inside: Floats = 0.5 + (1 - np.sqrt(u**2 + v**2)) * (np.minimum(width, height) / reach) * (SIDE / 2)
    return inside.clip(0, 1)


def _scan(rng: Generator, patients: Patients, density: Floats) -> Images:
    """Blur, noise, and the display window."""
    density += patients["blur"] * (gaussian_filter(density, 0.9, axes=(-2, -1)) - density)
    density += patients["noise"] * _smooth_noise(rng, density.shape[:1], 0.6)
    gray: Floats = 0.5 + (density - patients["level"]) / patients["width"]
    return (255 * gray.clip(0, 1)).astype(np.uint8)
