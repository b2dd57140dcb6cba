"""Time features of maps against PyRadiomics, which has to be there:

    pip install --no-build-isolation pyradiomics==3.0.1
    python scripts/bench_radiomics.py

1,000 maps of 64×64, hills of relevance among speckles, from 0 to 255: the four first-order features, the four
of the co-occurrence matrix (bins 25 wide) and the three of the shape above Otsu's threshold. Contestants take
turns, so that a slow minute of the machine hits both, with the same number of threads:

al-runner     `first_order`, `glcm` and `shape2d` of all maps, on a CPU.
PyRadiomics   its three classes with these features alone, map by map, and scikit-image's threshold; for some
              of the maps.

Seconds are those of 1,000 maps; the ratio is the median over the repeats of PyRadiomics' divided by
al-runner's in the same repeat. The largest difference of their results, of a feature of 1 or more as a share
of it, is printed, too.
"""

import argparse

import numpy as np
import radiomics
import torch
from numpy.typing import NDArray
from radiomics.firstorder import RadiomicsFirstOrder
from radiomics.glcm import RadiomicsGLCM
from radiomics.shape2D import RadiomicsShape2D
from SimpleITK import GetImageFromArray
from skimage.filters import threshold_otsu
from torch import Tensor
from turns import Contestant, compare

from al_runner.acquisition.radiomics.first_order import first_order
from al_runner.acquisition.radiomics.glcm import glcm
from al_runner.acquisition.radiomics.gray_levels import scaled
from al_runner.acquisition.radiomics.shape2d import shape2d
from al_runner.learning.machine import Machine

MAPS, EDGE = 1000, 64
FEATURES = (
    (RadiomicsFirstOrder, ("Kurtosis", "Skewness", "Entropy", "TotalEnergy")),
    (RadiomicsGLCM, ("SumEntropy", "Idn", "DifferenceEntropy", "MCC")),
    (RadiomicsShape2D, ("Sphericity", "SphericalDisproportion", "Elongation")),
)
OPTIONS = {"binWidth": 25, "force2D": True, "force2Ddimension": 0}


def synthetic(n: int) -> Tensor:
    """Up to four hills of any width, times speckles: float64 [n, 64, 64], each from 0 to 255."""
    draws = np.random.default_rng(0)
    grid = np.arange(EDGE)
    found = np.zeros((n, EDGE, EDGE))
    for image in found:
        for _ in range(draws.integers(1, 5)):
            (y, x), width = draws.uniform(8, EDGE - 8, 2), draws.uniform(2, 14)
            rows, columns = (np.exp(-(((grid - center) / width) ** 2) / 2) for center in (y, x))
            image += draws.uniform(0.2, 1) * rows[:, None] * columns
        image *= draws.uniform(0, 1, image.shape) ** draws.uniform(0, 2)
    return scaled(torch.from_numpy(found))


def al_runner(maps: Tensor) -> Tensor:
    """[n, 11]."""
    return torch.cat([first_order(maps), glcm(maps), shape2d(maps)], 1)


def pyradiomics(maps: NDArray[np.float64]) -> NDArray[np.float64]:
    """[n, 11], one map at a time."""
    found = []
    whole = GetImageFromArray(np.ones((1, EDGE, EDGE), np.uint8))
    for each in maps:
        image = GetImageFromArray(each[None])
        region = GetImageFromArray((each > threshold_otsu(each))[None].astype(np.uint8))
        values: list[float] = []
        for kind, names in FEATURES:
            features = kind(image, region if kind is RadiomicsShape2D else whole, **OPTIONS)
            for name in names:
                features.enableFeatureByName(name)
            values += [float(value) for value in features.execute().values()]
        found.append(values)
    return np.array(found)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--some", type=int, default=50, help="maps for PyRadiomics")
    options = parser.parse_args()
    radiomics.setVerbosity(60)
    maps = synthetic(MAPS)
    some = maps[: options.some].numpy()
    Machine.detect("cpu")  # its allocator's settings, as in a run
    torch.set_num_threads(options.threads)
    found, expected = compare(
        Contestant("al-runner", lambda: al_runner(maps), 1),
        Contestant("PyRadiomics", lambda: pyradiomics(some), len(some) / MAPS),
        options.repeats,
        options.threads,
        "{seconds:8.3f} s for 1,000 maps",
    )
    difference = np.abs(found[: len(some)].numpy() - expected) / np.maximum(1, np.abs(expected))
    print(f"largest difference {difference.max():.1e}")


if __name__ == "__main__":
    main()
