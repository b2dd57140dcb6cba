"""Slow twins of saliency methods, written neuron by neuron from their papers."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def z_plus(a: Array, weights: Array, relevance: Array) -> Array:
    """R_i = Σ_j a_i w_ij⁺ / Σ_i' a_i' w_i'j⁺ R_j, for one sample: a [I], weights [J, I], relevance [J]."""
    handed = np.zeros(len(a))
    for j, row in enumerate(weights):
        shares = np.array([a[i] * max(0.0, w) for i, w in enumerate(row)])
        if shares.sum() > 0:
            handed += shares / shares.sum() * relevance[j]
    return handed


def z_bounded(x: Array, weights: Array, relevance: Array, low: float, high: float) -> Array:
    """R_i = Σ_j (x_i w_ij − l w_ij⁺ − h w_ij⁻) / Σ_i' (the same) R_j: shapes as above."""
    handed = np.zeros(len(x))
    for j, row in enumerate(weights):
        shares = np.array([x[i] * w - low * max(0.0, w) - high * min(0.0, w) for i, w in enumerate(row)])
        handed += shares / shares.sum() * relevance[j]
    return handed


def alpha_beta(x: Array, weights: Array, bias: Array, relevance: Array, with_bias: bool) -> Array:
    """R_i = Σ_j (w_ij x_i)⁺ / (Σ_i' (w_i'j x_i')⁺ + b_j) R_j, α = 1 and β = 0; 0 / 0 is 0."""
    handed = np.zeros(len(x))
    for j, row in enumerate(weights):
        shares = np.array([max(0.0, x[i] * w) for i, w in enumerate(row)])
        total = shares.sum() + (bias[j] if with_bias else 0)
        if total != 0:
            handed += shares / total * relevance[j]
    return handed


def w_squared(weights: Array, relevance: Array) -> Array:
    """R_i = Σ_j w_ij² / Σ_i' w_i'j² R_j."""
    handed = np.zeros(weights.shape[1])
    for j, row in enumerate(weights):
        handed += row**2 / (row**2).sum() * relevance[j]
    return handed


def as_matrix(kernel: Array, edge: int) -> Array:
    """A 3×3 convolution [O, C, 3, 3] with stride 1 and zeros around: a matrix [O·edge², C·edge²]."""
    outputs, channels = kernel.shape[:2]
    matrix = np.zeros((outputs, edge, edge, channels, edge, edge))
    for row in range(edge):
        for column in range(edge):
            for i in range(3):
                for j in range(3):
                    y, x = row + i - 1, column + j - 1
                    if 0 <= y < edge and 0 <= x < edge:
                        matrix[:, row, column, :, y, x] = kernel[:, :, i, j]
    return matrix.reshape(outputs * edge**2, channels * edge**2)


def grad_cam(maps: Array, gradients: Array) -> Array:
    """max(0, Σ_k α_k A_k), α_k = 1/Z Σ_ij ∂f/∂A_kij, of one sample: [K, height, width] twice."""
    summed = np.zeros(maps.shape[1:])
    for feature, gradient in zip(maps, gradients, strict=True):
        summed += gradient.sum() / gradient.size * feature
    return np.maximum(summed, 0)
