"""The figures of a report, one module a topic.

Imports `study`, `statistics` and `contents`; imported by `writing`.
"""
