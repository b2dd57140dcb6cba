"""How other scores than its own would rank what a finished run left unlabeled, and how each goes with Dice.

    python scripts/other_scores.py outputs/warren/Task04_Hippocampus/one_shot \\
        --score nmi_entropy_coarse alpha=1 beta=0 --score entropy_per_foreground

A score is a strategy of conf/strategy and keys of it. Each run's last model gives it to all images that the
run left unlabeled: runs that differ in their score alone need not be trained again. The runs are of
segmentation and kept their pool (`keep_pool=true`). Printed are a row for each run and score: Pearson's r
and Spearman's ρ of score and Dice, and the mean Dice of all images and of those that the next query would
take.
"""

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import hydra
import numpy as np
import torch

from al_runner.config.commands import refusing
from al_runner.errors import InputError
from al_runner.loop.protocols import Strategy
from al_runner.report.statistics.curves import Array
from al_runner.report.study.folders import find
from al_runner.report.study.runs import Run
from al_runner.report.study.scored import Scored, pearson, scored, spearman
from al_runner.runs.last_model import LastModel, last_model

COLUMNS = ["score", "seed", "images", "r", "rho", "dice", "dice of the query"]


def strategy_of(name: str, *keys: str) -> Strategy:
    """A strategy of conf/strategy, with some of its keys changed.

    Raises:
        InputError: there is none of this name, or it has no such key.
    """
    try:
        with hydra.initialize_config_module("al_runner.conf", version_base="1.3"):
            config = hydra.compose("config", [f"strategy={name}", *(f"strategy.{key}" for key in keys)])
        made: Strategy = hydra.utils.instantiate(config.strategy, _convert_="all")
    except hydra.errors.HydraException as error:
        raise InputError(" ".join(str(error).split())) from error
    return made


def ranked(model: LastModel, strategy: Strategy) -> tuple[Array, Array]:
    """The unlabeled images of a run, the most informative first, and their scores.

    Raises:
        InputError: the strategy does not score each image by itself.
    """
    generator = torch.Generator().manual_seed(0)  # of ties only
    query = strategy(model.learner, model.pool, len(model.pool.unlabeled), generator)
    if query.scores is None:
        raise InputError("only a strategy that scores each image can be compared with Dice")
    return query.indices.cpu().numpy(), query.scores.cpu().double().numpy()


def rescored(kept: Scored, indices: Array, scores: Array) -> Scored:
    """The same images by another score."""
    dice = dict(zip(kept.indices.tolist(), kept.dice.tolist(), strict=True))
    dice_N = np.array([dice[index] for index in indices.tolist()])
    return replace(kept, indices=indices, scores=scores, dice=dice_N)


def row(name: str, found: Scored) -> list[object]:
    """How a score goes with Dice."""
    own = [pearson(*found.pairs).value, spearman(*found.pairs).value]
    means = [np.nanmean(found.dice), np.nanmean(found.dice[: found.n_queried])]
    return [name, found.seed, len(found.dice), *(f"{value:.6g}" for value in (*own, *means))]


def rows(runs: Sequence[Run], asked: Sequence[Sequence[str]]) -> Iterator[list[object]]:
    """The header, and a row for each run and score.

    Raises:
        InputError: a run kept no pool with its Dice.
    """
    yield [*COLUMNS]
    strategies = {" ".join(words): strategy_of(*words) for words in asked}
    for run in runs:
        models = [*scored(run)]
        if not models:
            raise InputError(f"{run.folder} kept no pool with scores and Dice: keep_pool=true")
        model = last_model(run.folder)
        if model.is_final or model.n_labeled != models[-1].labels:
            raise InputError(f"{run.folder}: its last model is another than the one whose Dice was kept")
        for name, strategy in strategies.items():
            yield row(name, rescored(models[-1], *ranked(model, strategy)))


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path, help="runs, or folders of them")
    parser.add_argument(
        "--score", nargs="+", action="append", required=True, metavar=("STRATEGY", "KEY=VALUE")
    )
    options = parser.parse_args()
    with refusing("other_scores"):
        csv.writer(sys.stdout, lineterminator="\n").writerows(rows(find(options.folders), options.score))


if __name__ == "__main__":
    main()
