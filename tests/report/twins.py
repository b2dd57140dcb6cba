"""Slow twins of the statistics, written from their definitions."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, pairwise, permutations, product

from scipy import stats

Values = Sequence[float]
Interval = tuple[float, float]
Estimate = tuple[float, float, float]
Measured = tuple[Values, Sequence[Values]]  # labels [B], values [S][B]

# ------------------------------------------------------------------------------------------ learning curves


def at(labels: Values, values: Values, where: float) -> float:
    """A measured curve between its measurements, by the rule of three."""
    for (x0, x1), (y0, y1) in zip(_steps(labels), _steps(values), strict=True):
        if x0 <= where <= x1:
            return y0 + (y1 - y0) * (where - x0) / (x1 - x0)
    if where == labels[0]:
        return values[0]
    raise ValueError(f"{where} is not between {labels[0]} and {labels[-1]}")


def area(labels: Values, values: Values) -> float:
    """Mean height: the sum of trapezoids over the range."""
    if len(labels) == 1:
        return values[0]
    heights = [(y0 + y1) / 2 for y0, y1 in _steps(values)]
    widths = [x1 - x0 for x0, x1 in _steps(labels)]
    return math.fsum(h * w for h, w in zip(heights, widths, strict=True)) / (labels[-1] - labels[0])


def crossing(labels: Values, values: Values, target: float) -> float:
    """Where a piecewise linear curve is at or above a target for the first time."""
    if values[0] >= target:
        return labels[0]
    for (x0, x1), (y0, y1) in zip(_steps(labels), _steps(values), strict=True):
        if y1 >= target:
            return x0 + (x1 - x0) * (target - y0) / (y1 - y0)
    return math.inf


def common(
    rows: Mapping[int, Sequence[Mapping[str, float]]], metric: str
) -> tuple[list[float], list[list[float]]]:
    """Labels that every seed measured, and the values [S][B] of the seeds in ascending order."""
    tables = []
    for seed in sorted(rows):
        table = {}
        for row in rows[seed]:
            if metric in row and not math.isnan(row[metric]):
                table[row["n_labeled"]] = row[metric]
        tables.append(table)
    labels = sorted(x for x in tables[0] if all(x in table for table in tables))
    return labels, [[table[x] for x in labels] for table in tables]


def _steps(values: Values) -> list[tuple[float, float]]:
    return list(pairwise(values))


# ------------------------------------------------------------------------------------------------ intervals


def mean(values: Iterable[float]) -> float:
    values = list(values)
    return math.fsum(values) / len(values)


def deviation(values: Values) -> float:
    """n − 1; exactly 0 where all values are equal."""
    if len(set(values)) == 1:
        return 0.0
    m = mean(values)
    return math.sqrt(math.fsum((x - m) ** 2 for x in values) / (len(values) - 1))


def student(values: Values, level: float = 0.05) -> Interval:
    """m ± t(1 − level / 2, n − 1) · s / √n."""
    n = len(values)
    half = float(stats.t.ppf(1 - level / 2, n - 1)) * deviation(values) / math.sqrt(n)
    return mean(values) - half, mean(values) + half


def whole_labels(labels: Values) -> list[float]:
    first, last = math.ceil(labels[0]), math.floor(labels[-1])
    if last - first + 1 <= 401:
        return [float(n) for n in range(first, last + 1)]
    return [float(round(first + (last - first) * i / 400)) for i in range(401)]


def labels_needed(
    labels: Values, values: Sequence[Values], target: float | Values, level: float = 0.05
) -> Estimate:
    """Scan the whole numbers of labels: the first at which the mean is there, and those that are excluded."""
    value, excluded = scan(labels, values, target, level)
    if len(values) == 1:
        return value, math.nan, math.nan
    return value, *around(value, excluded)


def scan(
    labels: Values, values: Sequence[Values], target: float | Values, level: float
) -> tuple[float, list[float]]:
    """From which whole number of labels on the mean is there, and all at which it is told from the target.

    It is where the risen mean is there and the mean not told to be below, or, before that, where the mean has
    been since it is told to be: told at 5 %, whatever the level.
    """
    targets = [target] * len(values) if isinstance(target, float | int) else list(target)
    away = {
        n: [at(labels, row, n) - t for row, t in zip(values, targets, strict=True)]
        for n in whole_labels(labels)
    }
    risen = rising([mean(column) for column in zip(*values, strict=True)])
    excluded = [n for n in away if len(values) > 1 and told(away[n], level)]
    sure = {n: told(each, 0.05) if len(values) > 1 else 0 for n, each in away.items()}
    tried = list(away)
    for place, n in enumerate(tried):
        if at(labels, risen, n) >= mean(targets) - 1e-9 and sure[n] >= 0:
            return n, excluded
        if sure[n] > 0:  # it is there for sure: since when?
            while place and mean(away[tried[place - 1]]) >= -1e-9:
                place -= 1
            return tried[place], excluded
    return math.inf, excluded


def as_good_as(
    curve: Measured, reference: Measured, place: int, level: float
) -> tuple[Estimate, Estimate, Estimate]:
    """What a curve needs for the reference's score at one of its numbers of labels, the reference, the ratio.

    A ratio is too large where the reference is told to be below the score with n labels, and the curve to be
    there with m; m / n is too large, then. It is too small where the curve is below with m labels, and the
    reference there with n: told so, or because n is where it was measured.
    """
    targets = [row[place] for row in reference[1]]
    end = reference[0][place]
    value, excluded = scan(*curve, targets, level)
    own, ruled_out = scan(
        reference[0][: place + 1], [row[: place + 1] for row in reference[1]], targets, level
    )
    above, their_above = [n for n in excluded if n >= value], [n for n in ruled_out if n >= own]
    below, their_below = [n for n in excluded if n < value], [n for n in ruled_out if n < own]
    ratio = (
        value / own,
        max((m / n for m in below for n in (*their_above, end)), default=0.0),
        min((m / n for m in above for n in their_below), default=math.inf),
    )
    low, high = around(own, [*ruled_out, end])
    return (value, *around(value, excluded)), (own, low, min(high, end)), ratio


def around(value: float, excluded: Values) -> Interval:
    """The last excluded number below the value, and the first one from the value on."""
    below, above = [x for x in excluded if x < value], [x for x in excluded if x >= value]
    return (below[-1] if below else 0.0), (above[0] if above else math.inf)


def told(differences: Values, level: float) -> int:
    """1 where the sign-flip test shows the mean to be above 0, −1 where below, else 0; in floats."""
    total, scale, reached = sum(differences), sum(map(abs, differences)), 0
    for signs in product((1, -1), repeat=len(differences)):
        flipped = sum(sign * d for sign, d in zip(signs, differences, strict=True))
        reached += abs(flipped) >= abs(total) - 1e-12 * scale
    if reached / 2 ** len(differences) > level:
        return 0
    return 1 if total > 0 else -1


def rising(values: Values) -> list[float]:
    """Pool adjacent violators: where one falls below the one before, both become the mean of their block."""
    blocks: list[list[float]] = []
    for value in values:
        blocks.append([value])
        while len(blocks) > 1 and mean(blocks[-2]) >= mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    return [mean(block) for block in blocks for _ in block]


def exchange(curve: Measured, reference: Measured, level: float) -> list[Estimate]:
    """For each number of labels of the reference: where the curve is there, and what is not told."""
    means = [mean(column) for column in zip(*reference[1], strict=True)]
    found = []
    for place, risen in enumerate(rising(means)):
        value, excluded = scan(*curve, [row[place] + risen - means[place] for row in reference[1]], level)
        found.append((value, *around(value, excluded)))
    return found


def ratios(labels: Values, reference_labels: Values, tried: int = 301) -> list[float]:
    """Evenly spaced on a logarithmic scale around 1, as far as any ratio of measured labels."""
    span = max(labels[-1] / reference_labels[0], reference_labels[-1] / labels[0])
    return [span ** (2 * i / (tried - 1) - 1) for i in range(tried)]


def labels_ratio(curve: Measured, reference: Measured, target: float, level: float = 0.05) -> Estimate:
    """Scan the ratios r: is the curve at r·n like the reference at n, the mean of both being at the target?

    Nothing can be said where both are at the target from their first measurement on, or never.
    """
    (labels, values), (reference_labels, reference_values) = curve, reference
    ours, theirs = (
        there(labels, values, target),
        there(reference_labels, reference_values, target),
    )
    neither = math.isinf(ours) and math.isinf(theirs)
    both_at_once = ours == labels[0] and theirs == reference_labels[0]
    if neither or both_at_once:
        return math.nan, math.nan, math.nan
    value = 0.0 if math.isinf(theirs) else ours / theirs
    if len(values) == 1:
        return value, math.nan, math.nan
    excluded = []
    for ratio in ratios(labels, reference_labels):
        ours_away, theirs_away = sides(curve, reference, target, ratio)
        if told(ours_away, level) * told(theirs_away, level) < 0:
            excluded.append(ratio)
    least = min(ours, labels[-1]) / min(theirs, reference_labels[-1])
    low, high = around(least, excluded)
    return value, 0.0 if math.isinf(theirs) else low, math.inf if math.isinf(ours) else high


def there(labels: Values, values: Sequence[Values], target: float) -> float:
    """As `scan`, in fractions of labels."""
    means = [mean(column) for column in zip(*values, strict=True)]
    value = crossing(labels, rising(means), target)
    if len(values) == 1:
        return value
    doubt = False
    for n in whole_labels(labels):
        sure, is_risen = told([at(labels, row, n) - target for row in values], 0.05), n >= value - 1e-9
        if is_risen and sure >= 0:
            return n if doubt else value
        if not is_risen and sure > 0:
            grid = sorted({*(x for x in labels if x < n), n})
            below = [place for place, x in enumerate(grid) if at(labels, means, x) < target - 1e-9]
            last = below[-1] if below else 0
            return crossing(grid[last:], [at(labels, means, x) for x in grid[last:]], target)
        doubt = is_risen
    return math.inf


def sides(
    curve: Measured, reference: Measured, target: float, ratio: float
) -> tuple[list[float], list[float]]:
    """How far each is above the target by seed; where both are measured around it, above the other."""
    (labels, values), (reference_labels, reference_values) = curve, reference

    def there(n: float) -> list[float]:
        return [at(labels, row, _within(n * ratio, labels)) for row in values]

    def here(n: float) -> list[float]:
        return [at(reference_labels, row, _within(n, reference_labels)) for row in reference_values]

    first = max(labels[0] / ratio, reference_labels[0])
    last = max(first, min(labels[-1] / ratio, reference_labels[-1]))
    places = {first, last, *reference_labels, *(x / ratio for x in labels)}
    grid = sorted(x for x in places if first <= x <= last)
    both = [(mean(there(n)) + mean(here(n))) / 2 for n in grid]
    n = min(crossing(grid, both, target), last)
    ours, theirs = [y - target for y in there(n)], [y - target for y in here(n)]
    if both[0] >= target or both[-1] < target:
        return ours, theirs
    before, after = max(first, n / 1.5), min(last, n * 1.5)
    our_rise = mean(there(after)) - mean(there(before))
    their_rise = mean(here(after)) - mean(here(before))
    if our_rise > 0 and their_rise > 0:
        ours, theirs = [y * their_rise for y in ours], [y * our_rise for y in theirs]
    gap = [x - y for x, y in zip(ours, theirs, strict=True)]
    return gap, [-x for x in gap]


def _within(n: float, labels: Values) -> float:
    """Undo the rounding of x / r · r at the ends."""
    return min(max(n, labels[0]), labels[-1])


# -------------------------------------------------------------------------------------------------- testing


def sign_flip(differences: Values) -> float:
    """The share of the 2^S sums ± d that are at least as far from 0 as the sum of d, in exact arithmetic."""
    exact = [Fraction(d) for d in differences]
    scale = sum((abs(d) for d in exact), Fraction(0))
    observed, reached = abs(sum(exact, Fraction(0))), 0
    for signs in product((1, -1), repeat=len(exact)):
        total = abs(sum((sign * d for sign, d in zip(signs, exact, strict=True)), Fraction(0)))
        # 0.3 − 0.2 and 0.2 − 0.1 are meant to be equal.
        reached += total >= observed - scale * Fraction(1, 10**12)
    return reached / 2 ** len(exact)


def sign_flip_above(differences: Values) -> float:
    """The share of the 2^S sums ± d that are at least as large as the sum of d."""
    signs = list(product((1, -1), repeat=len(differences)))
    sums = [math.fsum(s * d for s, d in zip(each, differences, strict=True)) for each in signs]
    return sum(total >= sums[0] - 1e-12 for total in sums) / len(sums)


def wilcoxon(differences: Values) -> float:
    """Twice the share of the 2^S parts of 1 … S with a sum of at most the smaller number of Walsh averages on
    one side of 0, those at 0 counted on both sides.
    """
    exact = [Fraction(d) for d in differences]
    near = sum((abs(d) for d in exact), Fraction(0)) * Fraction(1, 2 * 10**12)
    averages = [(d + other) / 2 for i, d in enumerate(exact) for other in exact[i:]]
    fewer = min(sum(w <= near for w in averages), sum(w >= -near for w in averages))
    parts = product((0, 1), repeat=len(exact))
    reached = sum(sum(k * taken for k, taken in enumerate(part, 1)) <= fewer for part in parts)
    return min(1.0, 2 * reached / 2 ** len(exact))


def inverse(
    differences: Values, test: Callable[[Values], float], level: float, places: Values
) -> list[tuple[float, bool]]:
    """Each of some θ, and whether the test of the differences − θ leaves it: brute force."""
    exact = [Fraction(d) for d in differences]
    return [(theta, test([float(d - Fraction(theta)) for d in exact]) > level) for theta in places]


def holm(p: Values) -> list[float]:
    """Step down at a level: the adjusted p of a hypothesis is the least level at which it is rejected."""
    levels = sorted({min(1.0, x * m) for x in p for m in range(1, len(p) + 1)} | {1.0})
    return [next(level for level in levels if level == 1 or i in _rejected(p, level)) for i in range(len(p))]


def holm_levels(p: Values, level: float) -> list[float]:
    """Step down, and note the level of each step; that of the step that fails is all the others'."""
    left, found = sorted(range(len(p)), key=lambda i: p[i]), dict[int, float]()
    while left:
        step, tied = level / len(left), [i for i in left if p[i] == p[left[0]]]
        if p[left[0]] > step:
            found |= dict.fromkeys(left, step)
            break
        found |= dict.fromkeys(tied, step)
        left = [i for i in left if i not in tied]
    return [found[i] for i in range(len(p))]


def _rejected(p: Values, level: float) -> set[int]:
    """Holm (1979): from the least p on, reject while p ≤ α over the number of hypotheses that are left."""
    left, rejected = sorted(range(len(p)), key=lambda i: p[i]), set()
    while left and p[left[0]] * len(left) <= level:
        rejected.add(left.pop(0))
    return rejected


Family = dict[tuple[int, int], list[tuple[float, float]]]


def penalties(
    curves: Sequence[Mapping[int, Mapping[float, float]]], test: Callable[[Values], float]
) -> tuple[list[list[float]], list[list[float]], int]:
    """Curves by seed by labels → the shares of budgets at which row beats column, raw and by Holm, and tests.

    A pair has what both have measured in all of the seeds that they share.
    """
    size = len(curves)
    found: Family = {}
    for i, j in combinations(range(size), 2):
        seeds = sorted(set(curves[i]) & set(curves[j]))
        if len(seeds) < 2:
            continue
        labels = sorted(set.intersection(*(set(curve[s]) for curve in (curves[i], curves[j]) for s in curve)))
        found[i, j] = []
        for n in labels:
            differences = [curves[i][s][n] - curves[j][s][n] for s in seeds]
            found[i, j].append((mean(differences), test(differences)))
    family = [p for cells in found.values() for _, p in cells]
    adjusted = iter(holm(family))
    strict = {pair: [(m, next(adjusted)) for m, _ in cells] for pair, cells in found.items()}
    return _shares(size, found), _shares(size, strict), len(family)


def _shares(size: int, found: Family) -> list[list[float]]:
    shares = [[0.0 if i == j else math.nan for j in range(size)] for i in range(size)]
    for (i, j), cells in found.items():
        shares[i][j] = sum(m > 0 and p <= 0.05 for m, p in cells) / len(cells)
        shares[j][i] = sum(m < 0 and p <= 0.05 for m, p in cells) / len(cells)
    return shares


# -------------------------------------------------------------------------------------- ranks and agreement


def row_ranks(scores: Values) -> list[float]:
    """1 = the highest; equal ones share the mean of their places."""
    return [sum(y > x for y in scores) + (list(scores).count(x) + 1) / 2 for x in map(float, scores)]


def friedman(scores: Sequence[Values]) -> tuple[list[float], float]:
    """Mean rank of each column, and the share of all tables of permuted rows with rank sums as far apart."""
    ranks = [row_ranks(row) for row in scores]

    def squares(rows: Iterable[Values]) -> float:
        return sum(sum(column) ** 2 for column in zip(*rows, strict=True))

    observed = squares(ranks)
    found = [squares(table) for table in product(*(permutations(row) for row in ranks))]
    return [mean(c) for c in zip(*ranks, strict=True)], sum(x >= observed for x in found) / len(found)


def iman_davenport(scores: Sequence[Values]) -> float:
    """Demšar (2006): F = (N − 1) χ² / (N (k − 1) − χ²), by the F distribution; for scores without ties."""
    n, k = len(scores), len(scores[0])
    means = [mean(column) for column in zip(*map(row_ranks, scores), strict=True)]
    chi2 = 12 * n / (k * (k + 1)) * (sum(r * r for r in means) - k * (k + 1) ** 2 / 4)
    f = (n - 1) * chi2 / (n * (k - 1) - chi2)
    return float(stats.f.sf(f, k - 1, (k - 1) * (n - 1)))


def kendall_w(scores: Sequence[Values]) -> float:
    """Kendall and Babington Smith (1939): from the mean of Spearman's ρ over all pairs of rows."""
    rows = [row_ranks(row) for row in scores]
    between = [correlation(x, y)[0] for x, y in combinations(rows, 2)]
    return (1 + (len(rows) - 1) * mean(between)) / len(rows)


def kendall_tau(x: Values, y: Values) -> float:
    """τ_b: concordant less discordant pairs, over the geometric mean of those not tied in x, and in y."""
    signs = [
        ((a > b) - (a < b), (c > d) - (c < d)) for (a, c), (b, d) in combinations(zip(x, y, strict=True), 2)
    ]
    return sum(a * b for a, b in signs) / math.sqrt(
        sum(a * a for a, _ in signs) * sum(b * b for _, b in signs)
    )


def ndcg(reference: Sequence[int], ranking: Sequence[int]) -> float:
    """Mahapatra et al. (IDEAL), eq. 4–5, with the relevance of place r = 0 … n − 1: 5.5 − ⌊10 r / n⌋ / 2."""

    def relevance(index: int) -> float:
        if index not in reference:
            return 0.0
        return 5.5 - (10 * list(reference).index(index) // len(reference)) / 2

    def gain(order: Sequence[int]) -> float:
        return sum((2 ** relevance(x) - 1) / math.log2(i + 1) for i, x in enumerate(order, 1))

    return gain(ranking) / gain(reference)


def ndcg_by_chance(n: int) -> float:
    """The mean over all orders of n samples."""
    orders = list(permutations(range(n)))
    return sum(ndcg(range(n), order) for order in orders) / len(orders)


# ---------------------------------------------------------------------------------------------- correlation


def correlation(x: Values, y: Values) -> tuple[float, float]:
    """Pearson's r, and the p value of t = r √((n − 2) / (1 − r²)) by Student's distribution."""
    n, mx, my = len(x), math.fsum(x) / len(x), math.fsum(y) / len(y)
    both = math.fsum((a - mx) * (b - my) for a, b in zip(x, y, strict=True))
    r = both / math.sqrt(math.fsum((a - mx) ** 2 for a in x) * math.fsum((b - my) ** 2 for b in y))
    if abs(r) >= 1:
        return r, 0.0
    t = abs(r) * math.sqrt((n - 2) / (1 - r * r))
    return r, 2 * float(stats.t.sf(t, n - 2))


def ranks(values: Values) -> list[float]:
    """1 = the least; equal values share the mean of their places."""
    return [sum(other < value for other in values) + (sum(other == value for other in values) + 1) / 2
            for value in values]  # fmt: skip
