"""Pure functions on tensors: probabilities, embeddings or maps → scores or positions, scores → indices.

`uncertainty` and `technion` score one prediction of a sample, `bayesian` many; `mutual_information` compares
outlined images; `neighborhood` weighs scores by what lies around; `batchbald` (over the configurations of
`joint`), `badge`, `core_set`, `clustering`, `cluster_margin`, `typicality`, `balls`, `coverage` and `balance`
choose samples together; `radiomics` measures maps and `borda` makes one score of several; `stochastic`
perturbs scores; `selection` takes the highest.

Imports nothing of ours: the functions work on anybody's tensors. Imported by `strategies`.
"""
