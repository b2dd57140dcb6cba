"""Slow twins, written straight from the papers: one sample at a time, in plain Python."""

import math
from collections.abc import Sequence


def entropy(p: Sequence[float], base: float = 2) -> float:
    """H = −Σ p log p, 0 log 0 = 0 (alda, eq. 1)."""
    return -sum(x * math.log(x, base) for x in p if x > 0)


def least_confidence(p: Sequence[float]) -> float:
    """1 − p(ŷ), ŷ the likeliest class (Settles, 2009)."""
    return 1 - max(p)


def margin(p: Sequence[float]) -> float:
    """1 − (p(ŷ1) − p(ŷ2)), the two likeliest classes (Scheffer et al., 2001; higher = closer)."""
    first, second = sorted(p, reverse=True)[:2]
    return 1 - (first - second)


def top(scores: Sequence[float], size: int) -> set[frozenset[int]]:
    """Every set of positions that a top-`size` selection may return: all ways to break ties at the edge."""
    from itertools import combinations

    edge = sorted(scores, reverse=True)[size - 1]
    sure = [i for i, s in enumerate(scores) if s > edge]
    tied = [i for i, s in enumerate(scores) if s == edge]
    return {frozenset((*sure, *some)) for some in combinations(tied, size - len(sure))}


def schedule(initial: int, query: Sequence[int], budget: int) -> list[int]:
    """Labels after each round."""
    labeled = [initial]
    position = 0
    while labeled[-1] < budget:
        labeled.append(min(budget, labeled[-1] + query[min(position, len(query) - 1)]))
        position += 1
    return labeled


# ---- Many predictions of one sample: passes is a list of K distributions over C classes. ----


def mean_prediction(passes: Sequence[Sequence[float]]) -> list[float]:
    """p̄ = 1/K Σ p_k."""
    return [sum(column) / len(passes) for column in zip(*passes, strict=True)]


def mc_entropy(passes: Sequence[Sequence[float]], base: float = 2) -> float:
    """H(p̄) (Gal et al., 2017)."""
    return entropy(mean_prediction(passes), base)


def bald(passes: Sequence[Sequence[float]], base: float = 2) -> float:
    """H(p̄) − E_k H(p_k) (Houlsby et al., 2011)."""
    return mc_entropy(passes, base) - sum(entropy(p, base) for p in passes) / len(passes)


def vote_shares(passes: Sequence[Sequence[float]]) -> list[float]:
    """Share of passes whose likeliest class, the first of equals, is c."""
    votes = [list(p).index(max(p)) for p in passes]
    return [votes.count(c) / len(passes) for c in range(len(passes[0]))]


def variation_ratios(passes: Sequence[Sequence[float]]) -> float:
    """1 − share of the modal class (Freeman, 1965)."""
    return 1 - max(vote_shares(passes))


def mean_std(passes: Sequence[Sequence[float]]) -> float:
    """1/C Σ_c √(E[p_c²] − E[p_c]²) (Gal et al., 2017)."""
    variances = [sum(x * x for x in column) / len(column) - (sum(column) / len(column)) ** 2
                 for column in zip(*passes, strict=True)]  # fmt: skip
    return sum(math.sqrt(max(v, 0)) for v in variances) / len(variances)


def predictive_variance(outputs: Sequence[float], variances: Sequence[float]) -> float:
    """1/T Σ ŷ² − (1/T Σ ŷ)² + 1/T Σ σ̂² of one output (ideal, eq. 3)."""
    t = len(outputs)
    return sum(y * y for y in outputs) / t - (sum(outputs) / t) ** 2 + sum(variances) / t


def vote_entropy(passes: Sequence[Sequence[float]], base: float = 2) -> float:
    """Entropy of the votes (Dagan and Engelson, 1995)."""
    return entropy(vote_shares(passes), base)


def committee_kl(passes: Sequence[Sequence[float]], base: float = 2) -> float:
    """1/K Σ_k Σ_c p_kc log (p_kc / p̄_c) (McCallum and Nigam, 1998)."""
    mean = mean_prediction(passes)
    kl = [sum(x * math.log(x / m, base) for x, m in zip(p, mean, strict=True) if x > 0) for p in passes]
    return sum(kl) / len(kl)


def plackett_luce(weights: Sequence[float], order: Sequence[int]) -> float:
    """Probability that draws without replacement by weight come in this order (Plackett, 1975)."""
    probability, left = 1.0, sum(weights)
    for i in order:
        probability *= weights[i] / left
        left -= weights[i]
    return probability


def joint_information(samples: Sequence[Sequence[Sequence[float]]]) -> float:
    """I(y_1, …, y_n; ω) in bits, by every configuration of labels (Kirsch et al., 2019, eq. 8 to 11)."""
    from itertools import product

    if not samples:
        return 0.0
    passes, classes = len(samples[0]), len(samples[0][0])
    joint = [
        sum(math.prod(s[k][y] for s, y in zip(samples, labels, strict=True)) for k in range(passes)) / passes
        for labels in product(range(classes), repeat=len(samples))
    ]
    return entropy(joint) - sum(entropy(p) for s in samples for p in s) / passes


def batchbald(samples: Sequence[Sequence[Sequence[float]]], size: int) -> tuple[list[int], list[float]]:
    """Greedy: the sample that adds most joint information, again and again; its picks and what each adds."""
    from itertools import pairwise

    chosen: list[int] = []
    information = [0.0]
    for _ in range(size):
        joint = {
            i: joint_information([samples[j] for j in (*chosen, i)])
            for i in range(len(samples))
            if i not in chosen
        }
        chosen.append(max(joint, key=lambda i: joint[i]))
        information.append(joint[chosen[-1]])
    return chosen, [after - before for before, after in pairwise(information)]
