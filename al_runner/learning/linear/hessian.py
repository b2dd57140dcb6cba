"""The curvature of logistic regression."""

import torch
from torch import Tensor

from al_runner.learning.linear.logistic import Problems, probabilities

DIRECT = 3000
"""Coefficients of a problem up to which its Hessian is factorized; beyond, its products are enough."""
CG_TOLERANCE = 1e-8
"""Of the residual of a conjugate gradient, relative to where it began."""


class Hessian:
    """The Hessian of problems at some coefficients, without the direction that changes no probability.

    Args:
        problems: P of them.
        coefficients_PKR: where.
    """

    def __init__(self, problems: Problems, coefficients_PKR: Tensor) -> None:
        self.problems, self.points = problems, problems.points
        self.probs_PKN = probabilities(problems.logits(coefficients_PKR))
        self.penalties = problems.penalties

    def root(self, noise: Tensor) -> Tensor:
        """Λ^½ z, whose covariance is Λ, of standard normal z: [..., P, K, N].

        Of one output Λ is v p (1 − p); of several v (diag p − p pᵀ), with root √v (diag √p − p √pᵀ).
        """
        probs, weights = self.probs_PKN, self.problems.weights[:, None].sqrt()
        if probs.shape[1] == 1:
            return weights * (probs * (1 - probs)).sqrt() * noise
        spread = probs.sqrt() * noise
        return weights * (spread - probs * spread.sum(-2, keepdim=True))

    def times(self, vectors: Tensor) -> Tensor:
        """A v of [..., P, K, R]."""
        probs = self.probs_PKN
        logits = vectors @ self.points.T
        several = probs.shape[1] > 1
        mean = (probs * logits).sum(-2, keepdim=True) if several else probs * logits
        pulled = (self.problems.weights[:, None] * probs * (logits - mean)) @ self.points
        pulled += self.penalties * vectors
        if several:  # the same number added to all intercepts changes nothing, and has no other curvature
            pulled[..., -1] += vectors[..., -1].mean(-1, keepdim=True)
        return pulled

    def solve(self, vectors: Tensor) -> Tensor:
        """A⁻¹ v of [S, P, K, R]."""
        outputs, size = vectors.shape[2:]
        if not vectors.numel():
            return vectors
        return self.solve_directly(vectors) if outputs * size <= DIRECT else self.solve_by_products(vectors)

    def solve_directly(self, vectors: Tensor) -> Tensor:
        """By Cholesky's factorization of each problem's A."""
        found = torch.empty_like(vectors)
        for problem in range(vectors.shape[1]):
            factor = torch.linalg.cholesky(self.matrix(problem))
            flat = vectors[:, problem].flatten(1).T
            found[:, problem] = torch.cholesky_solve(flat, factor).T.view_as(found[:, problem])
        return found

    def matrix(self, problem: int) -> Tensor:
        """A of a problem: [K R, K R]."""
        probs_KN, weights_N = self.probs_PKN[problem], self.problems.weights[problem]
        outputs, size = len(probs_KN), self.points.shape[1]
        dense = probs_KN.new_empty(outputs, size, outputs, size)
        for k in range(outputs):
            for other in range(k, outputs):
                curvature_N = weights_N * probs_KN[k] * (float(k == other) - probs_KN[other])
                block = (self.points.T * curvature_N) @ self.points
                dense[k, :, other] = block
                dense[other, :, k] = block
        if outputs > 1:
            dense[:, -1, :, -1] += 1 / outputs
        matrix = dense.view(outputs * size, outputs * size)
        matrix.diagonal().add_(self.penalties[problem].expand(outputs, size).flatten())
        return matrix

    def solve_by_products(self, vectors: Tensor) -> Tensor:
        """By conjugate gradients, preconditioned with the diagonal."""
        probs = self.probs_PKN
        curvature = self.problems.weights[:, None] * probs * (1 - probs)
        inverse = (curvature @ self.points.square() + self.penalties).reciprocal()

        def dot(one: Tensor, other: Tensor) -> Tensor:
            return (one * other).sum((-2, -1), keepdim=True)

        found, rest = torch.zeros_like(vectors), vectors.clone()
        way = inverse * rest
        size = first = dot(rest, way)
        for _ in range(vectors[0, 0].numel()):
            ahead = self.times(way)
            length = size / dot(way, ahead).clamp(min=1e-300)
            found += length * way
            rest -= length * ahead
            better = inverse * rest
            before, size = size, dot(rest, better)
            if (size <= CG_TOLERANCE**2 * first).all():
                break
            way = better + size / before.clamp(min=1e-300) * way
        return found
