"""How far Deep Taylor's two kinds agree: the rank correlation of their maps' kurtosis, and that of pixels.

    python scripts/compare_deep_taylor.py [folder of pneumoniamnist.npz]

Three alda_cnn of width 8, each trained for 20 epochs on 200 images of PneumoniaMNIST; maps of 600 others.
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
from scipy import stats

from al_runner.acquisition.radiomics.histogram import histogram_kurtosis
from al_runner.data.dataset import Dataset, Split
from al_runner.data.tasks import Binary
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.machine import Machine
from al_runner.learning.optimizer import Optimizer
from al_runner.loop.schedule import Round
from al_runner.loop.seeding import Streams
from al_runner.models.alda import alda_cnn
from al_runner.models.saliency import DeepTaylor, DeepTaylorInnvestigate

LABELED, SHOWN, SEEDS = 200, 600, 3
OTHERS = {rules: DeepTaylorInnvestigate(rules) for rules in ("1.0.9", "1.0.8", "2.1.2", "w_squared")}  # type: ignore[arg-type]


def pneumonia(folder: Path) -> Dataset:
    """PneumoniaMNIST."""
    file = np.load(folder / "pneumoniamnist.npz")
    splits = {}
    for name in ("train", "val", "test"):
        images, labels = (torch.from_numpy(file[f"{name}_{part}"]) for part in ("images", "labels"))
        splits[name] = Split(images[:, None], labels.long().flatten())
    return Dataset("pneumoniamnist", splits, Binary(), "", ("normal", "pneumonia"))


def main(folder: Path) -> None:
    """Print a line for each network and kind of rules."""
    dataset = pneumonia(folder)
    for seed in range(SEEDS):
        recipe = Optimizer(torch.optim.AdamW, 1e-3, 16)
        machine = Machine.detect(accelerator="cpu", precision="32", threads=1)
        learner = NetworkLearner(dataset, partial(alda_cnn, width=8), recipe, machine, Streams(seed))
        order = torch.randperm(len(dataset.train), generator=torch.Generator().manual_seed(seed))
        labeled, others = order[:LABELED], order[LABELED : LABELED + SHOWN]
        learner.fit(labeled, dataset.train.targets[labeled], Round(0, LABELED, 20, True, True))
        textbook = learner.saliency(others, DeepTaylor())
        for rules, method in OTHERS.items():
            maps = learner.saliency(others, method)
            there = maps.flatten(1).any(1)
            ranks = [
                histogram_kurtosis(each[there], 256, "distribution").numpy() for each in (textbook, maps)
            ]
            pairs = zip(textbook[there].flatten(1), maps[there].flatten(1), strict=True)
            alike = np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs])
            print(
                f"seed {seed}, {rules}: kurtosis ρ {stats.spearmanr(*ranks).statistic:+.2f}, "
                f"pixels r {alike:+.2f}, {1 - there.float().mean():.0%} of the maps are empty"
            )


if __name__ == "__main__":
    main(Path(*sys.argv[1:2]))
