"""al-runner: active-learning experiments for medical imaging.

Nothing heavy is imported here: `al-run --help` must answer at once.
"""

__version__ = "0.1.0"
