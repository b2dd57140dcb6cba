"""What a logger is, and a guard around every one."""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from al_runner.data.dataset import Split


@dataclass(frozen=True)
class RunInfo:
    """What a logger may want to know of a run.

    Attributes:
        identity: the hash of the run's science; the same run has the same one when it is resumed.
        name: such as `phantom/entropy/seed-0`.
        group: what repetitions with other seeds share.
        config: the composed config.
        folder: the run folder.
        train: the training split, to show what was queried.
        history: the rows of the rounds that are complete already.
    """

    identity: str
    name: str
    group: str
    config: Mapping[str, Any]
    folder: Path
    train: Split
    history: list[Mapping[str, float]]


def as_logged(row: Mapping[str, object]) -> dict[str, object]:
    """A row of `rounds.csv` for a curve over labels: the metrics of a final model are called `final/…`.

    It is another network with as many labels as the loop's last one.
    """
    if row["n_queried"]:
        return dict(row)
    return {f"final/{key}" if "/" in key else key: value for key, value in row.items()}


class RunLogger(Protocol):
    """Shows a run somewhere."""

    def start(self, run: RunInfo) -> None:
        """A run starts or resumes."""

    def log_round(self, row: Mapping[str, object], queries: Sequence[Mapping[str, object]]) -> None:
        """A round is complete: its rows of `rounds.csv` and `queries.csv`."""

    def finish(self, status: str) -> None:
        """The run ends with a status."""


class NoLogger:
    """Shows nothing: the record is enough."""

    def start(self, run: RunInfo) -> None:
        """Nothing to do."""

    def log_round(self, row: Mapping[str, object], queries: Sequence[Mapping[str, object]]) -> None:
        """Nothing to do."""

    def finish(self, status: str) -> None:
        """Nothing to do."""


class Guarded:
    """A logger that never stops a run: at its first failure it is given up with a warning.

    Args:
        logger: the logger to guard.
    """

    def __init__(self, logger: RunLogger) -> None:
        self.logger: RunLogger = logger

    def start(self, run: RunInfo) -> None:
        """A run starts or resumes."""
        self._try(lambda: self.logger.start(run))

    def log_round(self, row: Mapping[str, object], queries: Sequence[Mapping[str, object]]) -> None:
        """A round is complete."""
        self._try(lambda: self.logger.log_round(row, queries))

    def finish(self, status: str) -> None:
        """The run ends."""
        self._try(lambda: self.logger.finish(status))

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # whatever a logging service does, the run and its record go on
            cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
            reason = str(cause).strip().splitlines() or [type(cause).__name__]
            print(
                f"al-run: {type(self.logger).__name__} failed and is off for the rest of the run "
                f"({reason[0]}); the record is complete without it",
                file=sys.stderr,
            )
            failed, self.logger = self.logger, NoLogger()
            with suppress(Exception):  # what it has open must not be taken for the next run's
                failed.finish("failed")
