"""A paired difference in units of its spread over seeds. Pure functions."""

import numpy as np
from scipy import optimize, special, stats

from al_runner.report.statistics.curves import Array
from al_runner.report.statistics.intervals import NOTHING, Estimate

FARTHEST = 30.0
"""A t above which the noncentral distribution is no longer computed well; such an effect has no interval."""


def standardized(differences: Array, interval: Estimate) -> Estimate:
    """The standardized effect of paired differences, d_z (Cohen, 1988), with Hedges' correction.

    d_z = mean / standard deviation (n − 1), times J(n − 1) = Γ(ν/2) / (√(ν/2) Γ((ν − 1)/2)), ν = n − 1, which
    takes away its bias (Hedges, 1981).

    For normal differences t = √n · mean / s has the noncentral t distribution with parameter √n · δ. An end
    of the mean's interval that is c standard errors away from the mean excludes means with a probability of
    P(T > c), T having Student's distribution; the same end of the effect's interval excludes as much by the
    noncentral one. So it is the exact interval (Steiger and Fouladi, 1997) where the mean's is Student's, and
    it excludes 0 exactly where the mean's does, whatever test that comes from.

    Args:
        differences: [S] of S seeds.
        interval: their mean, with the interval of its test.

    Returns:
        NaN with one seed and where all differences are the same.
    """
    n, mean = len(differences), float(differences.mean())
    error = float(differences.std(ddof=1)) / np.sqrt(n) if n > 1 else 0.0
    if error <= 1e-12 * abs(mean) or error == 0:
        return NOTHING
    t, nu = mean / error, n - 1
    bias = np.exp(special.gammaln(nu / 2) - special.gammaln((nu - 1) / 2)) / np.sqrt(nu / 2) if n > 2 else 1.0
    if abs(t) > FARTHEST:
        return Estimate(bias * t / np.sqrt(n), np.nan, np.nan)
    low = _end(t, nu, (mean - interval.low) / error)
    high = -_end(-t, nu, (interval.high - mean) / error)
    return Estimate(bias * t / np.sqrt(n), low / np.sqrt(n), high / np.sqrt(n))


def _end(t: float, nu: int, away: float) -> float:
    """The noncentrality with which t or more is as probable as Student's t beyond what lies so far away."""
    if np.isinf(away):
        return -np.inf
    tail = stats.t.sf(away, nu)
    reach = abs(t) + 1.0
    while stats.nct.sf(t, nu, t - reach) > tail:
        reach *= 2
    return float(optimize.brentq(lambda shift: stats.nct.sf(t, nu, shift) - tail, t - reach, t + reach))
