"""A mixed model of the scores on several data sets, by statsmodels. Pure functions."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from al_runner.report.statistics.family import holm, holm_levels
from al_runner.report.statistics.intervals import Estimate

Scores = Mapping[str, Mapping[str, Mapping[int, float]]]
"""Data set → strategy → seed → score."""


@dataclass(frozen=True)
class Effect:
    """What a strategy gains over the baseline on data sets like these.

    Attributes:
        label: the strategy.
        difference: with the interval at the level that Holm's correction leaves.
        p: that it is 0.
        holm: p, corrected for all strategies.
    """

    label: str
    difference: Estimate
    p: float
    holm: float


def mixed(scores: Scores, baseline: str) -> list[Effect]:
    """The fixed effects of strategies in a linear mixed model (Laird and Ware, 1982), by REML.

    score = strategy + data set + seed within the data set + strategy within the data set + rest; the first is
    fixed, the others are random, as seeds are paired and strategies do better on some data sets than on
    others. t = the effect over its standard error has (k − 1) (N − 1) degrees of freedom for k strategies
    and N data sets, which is exact for balanced runs. It takes all effects to be normal, and all data sets to
    spread alike, so it is an extra beside the signed-rank test.

    Args:
        scores: of the same strategies on each data set.
        baseline: one of them.

    Returns:
        One for each other strategy; none where the model could not be fitted.
    """
    import pandas as pd
    import statsmodels.formula.api as models

    rows = [
        (dataset, strategy, seed, score)
        for dataset, of_set in scores.items()
        for strategy, of_strategy in of_set.items()
        for seed, score in of_strategy.items()
    ]
    frame = pd.DataFrame(rows, columns=["dataset", "strategy", "seed", "score"])
    labels = [baseline, *(label for label in frame.strategy.unique() if label != baseline)]
    frame["strategy"] = pd.Categorical(frame.strategy, labels)
    unit = float(frame.score.std()) or 1.0  # the optimizer is at home near 1
    frame["score"] = (frame.score - frame.score.mean()) / unit
    parts = {"seed": "0 + C(seed)", "strategy": "0 + C(strategy)"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a variance at its bound of 0 is no mistake
        model = models.mixedlm("score ~ strategy", frame, groups="dataset", re_formula="1", vc_formula=parts)
        fit = model.fit(reml=True, method=["lbfgs", "powell"])
    effects, errors = (np.asarray(each)[1:] for each in (fit.fe_params, fit.bse_fe))
    if not (fit.converged and np.isfinite(errors).all() and (errors > 0).all()):
        return []
    freedom = (len(labels) - 1) * (len(scores) - 1)
    p = 2 * stats.t.sf(np.abs(effects / errors), freedom)
    levels = holm_levels(p)
    halves = stats.t.ppf(1 - levels / 2, freedom) * errors
    return [
        Effect(
            label, Estimate(*(float(unit * x) for x in (e, e - half, e + half))), float(own), float(adjusted)
        )
        for label, e, half, own, adjusted in zip(labels[1:], effects, halves, p, holm(p), strict=True)
    ]
