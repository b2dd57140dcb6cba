"""al-runner: active-learning experiments for medical imaging.

`cli` is the door of `al-run`, `report.cli` that of `al-report`; `docs/design.md` shows the rooms behind
them. Nothing heavy is imported here: `al-run --help` must answer at once.
"""

from al_runner import moved

__version__ = "0.2.0"

moved.install()
