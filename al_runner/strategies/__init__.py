"""Strategies: ask the learner for what an acquisition function needs, return a query.

Imports `acquisition`, `models.saliency`, `data`, `loop` and `errors`; neither tasks nor learners. Named by
`conf/strategy`, imported by `runs`.
"""
