"""Slow twins, written straight from the papers: one sample at a time, in plain Python."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


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


def uncertainty_released(p: Sequence[float]) -> float:
    """1 − max over the network's outputs, of which there is one, the sigmoid (technion's released code)."""
    outputs = [p[1]]
    return 1 - max(outputs)


def entropy_released(p: Sequence[float]) -> float:
    """−Σ p log p over the network's outputs, of which there is one (technion's released code)."""
    outputs = [p[1]]
    return -sum(x * math.log(x) for x in outputs if x > 0)


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


def k_center(embeddings: Any, labeled: Any, size: int) -> list[int]:
    """The sample farthest from its nearest center, `size` times (Sener & Savarese, 2018, alg. 1)."""
    centers, taken = [*labeled], []
    for _ in range(size):
        left = [u for u in range(len(embeddings)) if u not in taken]
        far = max(left, key=lambda u: min(math.dist(embeddings[u], center) for center in centers))
        taken.append(far)
        centers.append(embeddings[far])
    return taken


def gradient_embeddings(probs: Any, embeddings: Any) -> Any:
    """(p − onehot(ŷ)) ⊗ h of every sample, written out (Ash et al., 2020, section 3)."""
    rows = []
    for p, h in zip(probs, embeddings, strict=True):
        likeliest = max(range(len(p)), key=lambda c: p[c])
        rows.append([(x - (c == likeliest)) * y for c, x in enumerate(p) for y in h])
    return np.array(rows)


def k_means_plus_plus(points: Any, first: int, size: int) -> dict[tuple[int, ...], float]:
    """The probability of every sequence that D² sampling draws (Arthur & Vassilvitskii, 2007)."""
    sequences = {(first,): 1.0}
    for _ in range(size - 1):
        longer: dict[tuple[int, ...], float] = {}
        for taken, probability in sequences.items():
            squared = [min(math.dist(x, points[j]) ** 2 for j in taken) for x in points]
            for i, weight in enumerate(squared):
                if weight:
                    longer[(*taken, i)] = probability * weight / sum(squared)
        sequences = longer
    return sequences


def representatives(points: Any, clusters: Sequence[int]) -> set[int]:
    """The sample nearest to the mean of each cluster."""
    found = set()
    for cluster in set(clusters):
        members = [i for i, c in enumerate(clusters) if c == cluster]
        center = np.mean([points[i] for i in members], axis=0)
        found.add(min(members, key=lambda i: math.dist(points[i], center)))
    return found


def typicality(points: Any, neighbors: int) -> list[float]:
    """1 / the mean distance to the nearest others (Hacohen et al., 2022, eq. 1; 1e-5 as in their code)."""
    scores = []
    for i, x in enumerate(points):
        nearest = sorted(math.dist(x, y) for j, y in enumerate(points) if j != i)[:neighbors]
        scores.append(1 / (sum(nearest) / len(nearest) + 1e-5) if nearest else 0.0)
    return scores


def most_typical(points: Any, clusters: list[int], size: int, neighbors: int, smallest: int) -> list[int]:
    """The authors' loop (Hacohen et al., 2022, section 3): clusters by labels, then by size, in turns."""
    sizes = {c: clusters.count(c) for c in set(clusters)}
    labels = {c: clusters[len(points) :].count(c) for c in sizes}
    turns = sorted((c for c in sizes if sizes[c] > smallest), key=lambda c: (labels[c], -sizes[c]))
    left = dict(enumerate(clusters[: len(points)]))
    taken: list[int] = []
    for turn in range(size):
        members = [i for i, c in left.items() if c == turns[turn % len(turns)]]
        scores = typicality([points[i] for i in members], min(neighbors, max(1, len(members) // 2)))
        taken.append(members[int(np.argmax(scores))])
        del left[taken[-1]]
    return taken


def coverage_gains(
    similarity: Any, candidates: Sequence[int], covered: list[float], taken: Sequence[int]
) -> list[tuple[float, float]]:
    """What each of `taken` added to the mean best similarity of the rows, and the most that any could add."""
    steps = []
    for at in taken:
        gains = {
            c: sum(max(0, row[c] - best) for row, best in zip(similarity, covered, strict=True))
            / len(covered)
            for c in candidates
        }
        steps.append((gains[at], max(gains.values())))
        covered = [max(row[at], best) for row, best in zip(similarity, covered, strict=True)]
    return steps


def prob_cover(points: Any, labeled: Any, size: int, radius: float) -> list[int]:
    """How many uncovered samples each one covered, when the best was taken (Yehuda et al., 2022, alg. 1)."""
    edges = {(i, j) for i, x in enumerate(points) for j, y in enumerate(points) if math.dist(x, y) <= radius}
    covered = {j for j, x in enumerate(points) for y in labeled if math.dist(x, y) <= radius}
    degrees: list[int] = []
    for _ in range(size):
        edges = {(i, j) for i, j in edges if j not in covered}
        out = [sum(i == x for i, _ in edges) for x in range(len(points))]
        degrees.append(max(out))
        covered |= {j for i, j in edges if i == int(np.argmax(out))}
    return degrees


def purity(points: Any, clusters: Sequence[int], radius: float) -> float:
    """The share of balls whose samples are all of the center's cluster (Yehuda et al., 2022, section 3.3)."""
    pure = 0
    for x, cluster in zip(points, clusters, strict=True):
        ball = [c for y, c in zip(points, clusters, strict=True) if math.dist(x, y) <= radius]
        pure += all(c == cluster for c in ball)
    return pure / len(points)


def information_density(uncertainty: Sequence[float], points: Any, beta: float) -> list[float]:
    """φ(x) (1/U Σ_u cos(x, u))^β (Settles & Craven, 2008, eq. 13)."""

    def cosine(x: Any, y: Any) -> float:
        return sum(a * b for a, b in zip(x, y, strict=True)) / math.hypot(*x) / math.hypot(*y)

    densities = [sum(cosine(x, y) for y in points) / len(points) for x in points]
    return [u * max(0, d) ** beta for u, d in zip(uncertainty, densities, strict=True)]


def contrast(probs: Any, points: Any, labeled_probs: Any, labeled: Any, neighbors: int) -> list[float]:
    """1/k Σ KL(p of a labeled neighbor ‖ p) (Margatina et al., 2021, alg. 1)."""
    scores = []
    for p, x in zip(probs, points, strict=True):
        near = sorted(range(len(labeled)), key=lambda j: math.dist(x, labeled[j]))[:neighbors]
        divergences = [
            sum(a * math.log(a / b) for a, b in zip(labeled_probs[j], p, strict=True) if a > 0) for j in near
        ]
        scores.append(sum(divergences) / len(near))
    return scores


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


# ---- Outlined regions: images and masks are lists of voxels. ----


def bin_of(x: float, image: Sequence[float], bins: int) -> int:
    """Of `bins` of equal width between the lowest and the highest intensity of the image."""
    low, high = min(image), max(image)
    if low == high:
        low, high = low - 0.5, high + 0.5
    width = (high - low) / bins
    return max(k for k in range(bins) if k * width + low <= x)


def normalized_mutual_information(
    image: Sequence[int],
    mask: Sequence[int],
    other: Sequence[int],
    other_mask: Sequence[int],
    label: int,
    bins: int,
    pairing: str,
    measure: str = "normalized",
) -> float | None:
    """(H(A) + H(B)) / H(A, B) of a label's intensities (warren, eq. 4); None = an image lacks the label.

    `plain`: Σ p(a, b) log(p(a, b) / (p(a) p(b))) (eq. 3), in nats.
    """
    a = [bin_of(x, image, bins) for x in image]
    b = [bin_of(x, other, bins) for x in other]
    if label not in mask or label not in other_mask:
        return None
    if pairing == "spatial":
        pairs = [(x, y) for x, y, *k in zip(a, b, mask, other_mask, strict=True) if label in k]
    else:
        first = sorted(x for x, k in zip(a, mask, strict=True) if k == label)
        second = sorted(y for y, k in zip(b, other_mask, strict=True) if k == label)
        # Each voxel as often as the other region has voxels: then there are equally many.
        pairs = list(
            zip(
                [x for x in first for _ in second],
                [y for y in second for _ in first],
                strict=True,
            )
        )

    def h(values: Sequence[Any]) -> float:
        return entropy([values.count(v) / len(values) for v in set(values)])

    if measure == "plain":
        n, firsts, seconds = len(pairs), [x for x, _ in pairs], [y for _, y in pairs]
        return sum(
            pairs.count(pair)
            / n
            * math.log(pairs.count(pair) * n / (firsts.count(pair[0]) * seconds.count(pair[1])))
            for pair in set(pairs)
        )
    joint = h(pairs)
    return (h([x for x, _ in pairs]) + h([y for _, y in pairs])) / joint if joint else 2.0


def mean_information(table: Sequence[Sequence[float | None]]) -> float | None:
    """Rows are labeled images, columns labels: the mean over images, then over labels, of what there is."""
    columns = [[x for x in column if x is not None] for column in zip(*table, strict=True)]
    means = [sum(column) / len(column) for column in columns if column]
    return sum(means) / len(means) if means else None


def nmi_entropy(
    entropies: Sequence[float], information: Sequence[float | None], alpha: float, beta: float
) -> list[float]:
    """α H(x) − β NMI(x, labeled), each min–max normalized over the pool (warren, eq. 5)."""

    def normalized(values: Sequence[float | None]) -> list[float]:
        there = [x for x in values if x is not None]
        low, high = min(there, default=0), max(there, default=0)
        return [0.0 if x is None or low == high else (x - low) / (high - low) for x in values]

    return [
        alpha * h - beta * nmi for h, nmi in zip(normalized(entropies), normalized(information), strict=True)
    ]


def bins_of(values: Sequence[float], width: float) -> list[int]:
    """X_b = ⌊X / W⌋ − ⌊min(X) / W⌋ + 1 (PyRadiomics, fixed bin width)."""
    return [math.floor(x / width) - math.floor(min(values) / width) + 1 for x in values]


def entropy_of_levels(shares: Sequence[float]) -> float:
    """−Σ p log₂ p."""
    return -sum(p * math.log2(p) for p in shares if p > 0)


def moment_ratio(values: Sequence[float], power: int) -> float:
    """μ_k / σ^k; 0 of a flat region (PyRadiomics, kurtosis with k = 4, skewness with k = 3)."""
    if len(set(values)) == 1:
        return 0.0
    mean = math.fsum(values) / len(values)
    variance = math.fsum((x - mean) ** 2 for x in values) / len(values)
    return math.fsum((x - mean) ** power for x in values) / len(values) / variance ** (power / 2)


def histogram_kurtosis(image: Any, n_bins: int, of: str) -> float:
    """k(H(S)): of the pixels, each at its bin, or of its counts (Mahapatra et al., 2021, eq. 1)."""
    values = np.asarray(image, dtype=float).ravel()
    if values.min() == values.max():
        return 0.0
    counts = np.histogram(values, n_bins, (values.min(), values.max()))[0]
    if of == "counts":
        return moment_ratio([float(n) for n in counts], 4)
    return moment_ratio([float(b) for b, n in enumerate(counts) for _ in range(n)], 4)


def first_order(image: Any, width: float, shift: float = 0) -> list[float]:
    """Kurtosis, skewness, entropy, total energy with pixels of area 1 (PyRadiomics, first order)."""
    values = [float(x) for row in image for x in row]
    bins = bins_of(values, width)
    shares = [bins.count(b) / len(bins) for b in sorted(set(bins))]
    energy = sum((x + shift) ** 2 for x in values)
    return [moment_ratio(values, 4), moment_ratio(values, 3), entropy_of_levels(shares), energy]


def glcm(image: Any, width: float) -> list[float]:
    """Sum entropy, Idn, difference entropy, MCC: the mean over four directions (PyRadiomics, GLCM)."""
    rows, columns = len(image), len(image[0])
    flat = bins_of([float(x) for row in image for x in row], width)
    level = {(y, x): flat[y * columns + x] for y in range(rows) for x in range(columns)}
    levels, highest = sorted(set(flat)), max(flat)
    found = []
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        pairs = [(a, level[y + dy, x + dx]) for (y, x), a in level.items() if (y + dy, x + dx) in level]
        if not pairs:
            continue
        pairs += [(b, a) for a, b in pairs]
        p = {(i, j): pairs.count((i, j)) / len(pairs) for i in levels for j in levels}
        p_x = {i: sum(p[i, j] for j in levels) for i in levels}
        sums = [sum(v for (i, j), v in p.items() if i + j == k) for k in range(2, 2 * highest + 1)]
        differences = [sum(v for (i, j), v in p.items() if abs(i - j) == k) for k in range(highest)]
        q = [
            [
                sum(p[i, k] * p[j, k] / (p_x[i] * p_x[k]) for k in levels if p_x[i] * p_x[k] > 0)
                for j in levels
            ]
            for i in levels
        ]
        eigenvalues = sorted(np.linalg.eigvals(np.array(q)).real)
        idn = sum(v / (1 + k / highest) for k, v in enumerate(differences))
        correlation = 1.0 if len(levels) == 1 else math.sqrt(max(0.0, eigenvalues[-2]))
        found.append([entropy_of_levels(sums), idn, entropy_of_levels(differences), correlation])
    return [float(x) for x in np.mean(found, 0)]


def shape2d(region: Any) -> list[float]:
    """Sphericity, spherical disproportion, elongation (PyRadiomics, shape 2D).

    The outline goes halfway between pixels: each square of four pixels adds the lines that cut off its
    corners, the region on one side of them.
    """
    inside = np.pad(np.asarray(region, dtype=bool), 1)
    if not inside.any():
        return [0.0, float(np.size(region)), 0.0]
    area = perimeter = 0.0
    for y in range(inside.shape[0] - 1):
        for x in range(inside.shape[1] - 1):
            corners = [(y, x), (y, x + 1), (y + 1, x + 1), (y + 1, x)]
            ring = [bool(inside[c]) for c in corners]
            middle = [np.add(corners[k], corners[(k + 1) % 4]) / 2 for k in range(4)]
            for k in range(4):  # runs of corners that are in: a line from before the first to after the last
                if ring[k] and not ring[k - 1]:
                    last = k
                    while ring[(last + 1) % 4]:
                        last += 1
                    start, end = middle[k - 1], middle[last % 4]
                    perimeter += math.dist(start, end)
                    area += (start[0] * end[1] - start[1] * end[0]) / 2
    sphericity = 2 * math.sqrt(math.pi * abs(area)) / perimeter
    points = np.argwhere(inside).astype(float)
    points -= points.mean(0)
    smallest, largest = np.linalg.eigvalsh(points.T @ points / len(points))
    elongation = 1.0 if largest < 1e-12 else math.sqrt(max(0.0, smallest) / largest)
    return [sphericity, 1 / sphericity, elongation]


def otsu(values: Sequence[int], n_bins: int) -> int:
    """The bin up to which one class lies that has the largest between-class variance (Otsu, 1979)."""

    def between(edge: int) -> float:
        below, rest = [v for v in values if v <= edge], [v for v in values if v > edge]
        if not below or not rest:
            return 0.0
        return len(below) * len(rest) * (sum(below) / len(below) - sum(rest) / len(rest)) ** 2

    return max(range(n_bins), key=lambda edge: (round(between(edge), 6), -edge))


def borda(features: Any, directions: Sequence[int]) -> list[float]:
    """A point for each sample and feature that a sample is above, half a one for each that it ties with."""
    signed = [[x * sign for x, sign in zip(row, directions, strict=True)] for row in features]
    return [
        sum(
            (mine > theirs) + (mine == theirs) / 2
            for j, other in enumerate(signed)
            if j != i
            for mine, theirs in zip(row, other, strict=True)
        )
        for i, row in enumerate(signed)
    ]


def fully_connected(layers: Sequence[tuple[Any, Any]], x: Any) -> list[float]:
    """Linear layers with ReLU between them, of one sample."""
    for k, (weights, biases) in enumerate(layers):
        x = [
            sum(w * v for w, v in zip(row, x, strict=True)) + b
            for row, b in zip(weights, biases, strict=True)
        ]
        if k < len(layers) - 1:
            x = [max(0.0, v) for v in x]
    return list(x)


def adam_autoencoder(start: Any, maps: Any, steps: int, rate: float) -> list[Any]:
    """Encoder and decoder after steps of Adam (Kingma and Ba, 2015) on the mean squared error."""
    parts = [len(part) for part in start]
    values = [array.copy() for part in start for layer in part for array in layer]
    moments = [(np.zeros_like(value), np.zeros_like(value)) for value in values]
    last = sum(parts) - 1
    for t in range(1, steps + 1):
        inputs, x = [], maps
        for k in range(last + 1):
            inputs.append(x)
            x = x @ values[2 * k].T + values[2 * k + 1]
            if k not in (parts[0] - 1, last):
                x = np.maximum(x, 0)
        gradient = 2 * (x - maps) / maps.size
        found = [np.zeros(0)] * len(values)
        for k in reversed(range(last + 1)):
            found[2 * k], found[2 * k + 1] = gradient.T @ inputs[k], gradient.sum(0)
            gradient = gradient @ values[2 * k]
            if k - 1 != parts[0] - 1:
                gradient = gradient * (inputs[k] > 0)
        for value, (first, second), g in zip(values, moments, found, strict=True):
            first += 0.1 * (g - first)
            second += 0.001 * (g * g - second)
            value -= rate * (first / (1 - 0.9**t)) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)
    pairs = list(zip(values[::2], values[1::2], strict=True))
    return [pairs[: parts[0]], pairs[parts[0] :]]


def levels(values: Sequence[float]) -> list[int]:
    """How many are higher, plus 1."""
    return [1 + sum(other > value for other in values) for value in values]


def expected_informativeness(trees: Sequence[tuple[Any, Sequence[int], int]], features: Any) -> float:
    """Mean over trees (tree, levels of its shares, K) of Σ share · (K − level) / (K − 1)."""
    found = []
    for tree, tree_levels, n_levels in trees:
        shares = tree.predict_proba([features])[0]
        found.append(
            sum(p * (n_levels - k) / (n_levels - 1) for p, k in zip(shares, tree_levels, strict=True))
        )
    return sum(found) / len(found)
