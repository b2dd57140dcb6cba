"""What `al-predict` refuses before it imports anything slow: a wrong word is no reason to wait."""

import argparse
import os
import re
from pathlib import Path
from typing import Any

from al_runner.errors import InputError
from al_runner.runs.networks import kind_of
from al_runner.runs.record import read_manifest
from al_runner.runs.rounds import CHECKPOINT


def refuse(options: argparse.Namespace) -> None:
    """Refuse what cannot be done, as far as files tell.

    Raises:
        InputError: the run has no model, a place is not there, or options that do not go together.
    """
    _check_options(options)
    manifest = _check_run(options.run)
    if options.export is not None:
        kind_of(options.export)
        _check_place("--export", options.export)
        if not options.export.parent.is_dir():
            raise InputError(f"--export {options.export}: there is no folder {options.export.parent}")
    if options.out is not None:
        _check_place("--out", options.out)
    if options.images:
        _check_images(options.images, manifest)


def _check_options(options: argparse.Namespace) -> None:
    if options.skip and not options.images:
        raise InputError("--skip leaves out files of IMAGES, and none are named")
    if options.out is not None and options.export is not None and not options.images:
        raise InputError("--export alone writes no table: leave out --out, or name IMAGES")


def _check_run(run: Path) -> dict[str, Any]:
    """The manifest of a run that has a model."""
    manifest = read_manifest(run)
    if not manifest:
        raise InputError(f"{run} is no run folder: al-run prints the folder of a run as its last line")
    if not (run / ".hydra" / "config.yaml").is_file():
        raise InputError(
            f"{run / '.hydra' / 'config.yaml'} cannot be read: al-predict needs the run's config"
        )
    numbers = [int(found[1]) for path in run.iterdir() if (found := re.fullmatch(r"round_(\d+)", path.name))]
    if not numbers:
        raise InputError(f"{run} has no model yet: it has no complete round with labels to learn from")
    if not (run / f"round_{max(numbers)}" / CHECKPOINT).is_file():
        raise InputError(f"{run} kept no checkpoint: keep_checkpoints=last keeps the last round's")
    return manifest


def _check_place(option: str, path: Path) -> None:
    """Whether something can be written there; a folder of masks is made with those above it."""
    if option == "--export" and path.is_dir():
        raise InputError(f"{option} {path} is a folder: name a file")
    there = next((each for each in (path, *path.absolute().parents) if each.exists()), path)
    if there != path and not there.is_dir():
        raise InputError(f"{option} {path}: {there} is no folder")
    if not os.access(there, os.W_OK):
        raise InputError(f"{option} {path}: cannot write {there}: Permission denied")


def _check_images(places: list[Path], manifest: dict[str, Any]) -> None:
    """Whether they are there, and files of the run's kind, if it says which that is."""
    from al_runner.data.layouts.given import Given, Named

    if lost := next((place for place in places if not place.exists()), None):
        raise InputError(f"there is no file or folder {lost}")
    files = (manifest.get("dataset") or {}).get("files")
    if files:
        Given.found(places, Named(tuple(files["suffixes"])), files["shape"])
