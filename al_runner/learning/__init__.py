"""The learner: a network, its training and its predictions, by index.

Imports `models`, `data`, `loop`, `files` and `errors`. Imported by `runs`; strategies ask a learner
by the protocol in `loop`, and import nothing from here.
"""
