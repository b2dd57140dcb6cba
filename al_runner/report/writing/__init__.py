"""What a report says: verdicts in words, tables, sections, and the page and terminal that show them.

Imports `figures`, `study`, `statistics` and `contents`; imported by `report.cli` alone.
"""
