"""Pure functions on tensors: probabilities → scores or positions, scores → indices.

`uncertainty` scores one prediction of a sample, `bayesian` many; `batchbald` chooses samples whose labels
say most together (over the configurations of `joint`); `stochastic` perturbs scores; `selection` takes the
highest.
"""
