"""`al-predict`: what a run's last model says of images that are not labeled, the least sure ones first."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from al_runner import __version__
from al_runner.config.commands import one_line, refusing
from al_runner.errors import InputError
from al_runner.files import csv_text, replace

if TYPE_CHECKING:
    from torch import Tensor

    from al_runner.runs.predictions import Predictions

NAME = "predictions.csv"


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `al-predict`: exit code 0, or 2 for bad input."""
    with refusing("al-predict"):
        options = parser().parse_args(arguments)
        print(_predict(options.run, options.out or options.run / NAME))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = one_line(argparse.ArgumentParser("al-predict", description=__doc__), "al-predict")
    add = result.add_argument
    add("--version", action="version", version=f"al-predict {__version__}")
    add("run", type=Path, metavar="RUN", help="a run folder with at least one complete round")
    add("--out", type=Path, metavar="FILE", help=f"the table (RUN/{NAME})")
    return result


def _predict(run: Path, out: Path) -> Path:
    """Write the table; returns where."""
    from al_runner.runs.deferred import defer
    from al_runner.runs.record import read_manifest

    if not read_manifest(run):
        raise InputError(f"{run} is no run folder: al-run prints the folder of a run as its last line")
    defer()
    from al_runner.runs.predictions import of_run

    found = of_run(run)
    try:
        replace(out, _table(found).encode())
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror or error}") from error
    print(f"al-predict: {found.summary}", file=sys.stderr)
    return out


def _table(found: "Predictions") -> str:
    """A row for each image, the least sure ones first."""
    columns = [f"p({name})" for name in found.classes]
    rows = [_row(found, columns, place) for place in found.order]
    return csv_text(["file", "index", "prediction", "sure", *columns], rows)


def _row(found: "Predictions", columns: Sequence[str], place: int) -> dict[str, object]:
    probs: Tensor = found.present[place]
    return {
        "file": found.names[place] if found.names else "",
        "index": found.indices[place],
        "prediction": found.words[place],
        "sure": f"{found.sure[place]:.4f}",
        **{column: f"{value:.4f}" for column, value in zip(columns, probs.tolist(), strict=True)},
    }
