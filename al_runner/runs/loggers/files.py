"""Lightning's TensorBoard and CSV loggers, one step a round, the number of labels as the step."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger
from pytorch_lightning.utilities import rank_zero_only

from al_runner.runs.loggers.base import RunInfo, as_logged


class _LightningLogger:
    """Logs the numbers of each round's row against `n_labeled`."""

    def __init__(self) -> None:
        self.logger: Any = None
        # Lightning takes SLURM_PROCID and RANK for one of several processes of a training, and lets only the
        # first one log. Here each process is a run of its own.
        rank_zero_only.rank = 0  # type: ignore[attr-defined]

    def log_round(self, row: Mapping[str, object], queries: Sequence[Mapping[str, object]]) -> None:  # noqa: ARG002
        """Log a round's numbers."""
        numbers = {key: value for key, value in as_logged(row).items() if isinstance(value, int | float)}
        self.logger.log_metrics(numbers, step=row["n_labeled"])
        self.logger.save()

    def finish(self, status: str) -> None:
        """Write what is buffered."""
        self.logger.finalize("success" if status == "finished" else status)


class TensorBoard(_LightningLogger):
    """Event files in `<run folder>/tensorboard`."""

    def start(self, run: RunInfo) -> None:
        """Open an event file; that of a resumed run has the complete rounds, in place of what was there.

        A kill may have come after a round was recorded, and before it was logged.
        """
        threading.excepthook = _told
        self.logger = TensorBoardLogger(
            run.folder, name="tensorboard", version="", purge_step=0 if run.history else None
        )
        for row in run.history:
            self.log_round(row, [])


def _told(error: threading.ExceptHookArgs) -> None:
    """The thread that writes events hands its error to the logger, which is given up: it prints none."""
    if type(error.thread).__name__ != "_AsyncWriterThread":
        threading.__excepthook__(error)


class Csv(_LightningLogger):
    """Lightning's `<run folder>/csv/metrics.csv`, for tools that read its form."""

    def start(self, run: RunInfo) -> None:
        """Begin the file anew, with the rounds that are complete already."""
        target = run.folder / "csv" / "metrics.csv"
        target.unlink(missing_ok=True)
        self.logger = CSVLogger(run.folder, name="csv", version="")
        for row in run.history:
            self.log_round(row, [])
