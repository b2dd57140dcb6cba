"""`al-predict`: what a run's last model says of images, the least sure ones first."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from al_runner import __version__
from al_runner.config.commands import one_line, refusing
from al_runner.errors import InputError
from al_runner.files import csv_text, no_formula, replace
from al_runner.runs.refusals import refuse

if TYPE_CHECKING:
    from torch import Tensor

    from al_runner.runs.last_model import LastModel
    from al_runner.runs.predictions import Predictions

NAME, OTHERS = "predictions.csv", "predictions_of_images.csv"


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `al-predict`: exit code 0, or 2 for bad input."""
    with refusing("al-predict"):
        options = parser().parse_intermixed_args(arguments)
        for path in _asked(options):
            print(path)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = one_line(argparse.ArgumentParser("al-predict", description=__doc__), "al-predict")
    add = result.add_argument
    add("--version", action="version", version=f"al-predict {__version__}")
    add("run", type=Path, metavar="RUN", help="a run folder with at least one complete round")
    add(
        "images",
        nargs="*",
        default=[],
        type=Path,
        metavar="IMAGES",
        help="files, folders of them, or a table with a column file (those of the run that are not labeled)",
    )
    add(
        "--out",
        type=Path,
        metavar="PATH",
        help=f"the table (RUN/{NAME}, or RUN/{OTHERS} of IMAGES); of a run on masks, the folder for them "
        "(RUN/predicted_masks)",
    )
    add(
        "--export",
        type=Path,
        metavar="FILE",
        help="write the network as a file that loads without al-runner (.pt2 or .onnx), and beside it the "
        "code that reads images and asks it",
    )
    add("--skip", action="store_true", help="leave out files of IMAGES that cannot be read")
    return result


def _asked(options: argparse.Namespace) -> Iterator[Path]:
    """Do what is asked; the files that were written."""
    run: Path = options.run
    refuse(options)
    from al_runner.runs.deferred import defer

    defer()
    from al_runner.runs.last_model import last_model
    from al_runner.runs.predictions import of_files, of_pool

    model = last_model(run)
    if model.dataset.task.dense:
        yield from _draw(model, options)
    elif options.images:
        yield _write(of_files(model, options.images, options.skip), options.out or run / OTHERS)
    elif options.export is None:
        yield _write(of_pool(model), options.out or run / NAME)
    if options.export is not None:  # last: it takes the model to the CPU
        from al_runner.runs.exported import export

        exported = export(model, options.export)
        print(f"al-predict: {exported.summary}", file=sys.stderr)
        yield exported.network
        yield exported.code


def _draw(model: "LastModel", options: argparse.Namespace) -> Iterator[Path]:
    """Write masks; returns where."""
    if options.export is not None and not options.images:
        return
    from al_runner.runs.predicted_masks import FOLDER, write_masks

    folder = options.out or options.run / FOLDER
    print(f"al-predict: {write_masks(model, options.images, folder, options.skip)}", file=sys.stderr)
    yield folder


def _write(found: "Predictions", out: Path) -> Path:
    """Write the table; returns where."""
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
        "file": no_formula(found.names[place] if found.names else ""),
        "index": found.indices[place],
        "prediction": no_formula(found.words[place]),
        "sure": f"{found.sure[place]:.4f}",
        **{column: f"{value:.4f}" for column, value in zip(columns, probs.tolist(), strict=True)},
    }
