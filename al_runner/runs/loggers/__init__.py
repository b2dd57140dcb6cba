"""Loggers: where a run is shown besides its own record.

Imports `data`. Named by `conf/logger`, imported by `runs`.
"""
