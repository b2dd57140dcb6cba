"""From run folders to the numbers of a study: which runs, compared with which (`grouping`, `ways`, `named`),
and what each arm and each experiment gives (`analysis`, `outcomes`, `scored`, `audited`, `over_cost`).

Imports `statistics`, `contents`, `runs.record` and `errors`; imported by `figures` and `writing`.
"""
