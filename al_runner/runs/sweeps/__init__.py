"""Jobs: one for a run, many for a sweep. What became of each, the table at the end, signals, workers and
their threads.

Imports `config` and `runs`; imported by `cli` alone. A job imports nothing heavy until it has something to
compute.
"""
