"""Pure statistics: arrays in, numbers out. Curves, intervals, paired tests, corrections, ranks.

Imports nothing of ours. Every function has a slow twin in the tests.
"""
