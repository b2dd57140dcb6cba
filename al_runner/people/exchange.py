"""Options of `al-label` for those who label in another program."""

import argparse
from pathlib import Path

from al_runner.errors import InputError

PROGRAMS = ("label-studio",)


def add_exchange(parser: argparse.ArgumentParser) -> None:
    """The options: what goes out, what comes back, and by which way."""
    from al_runner.people.label_studio.cli import add_images
    from al_runner.people.label_studio.server import KEY

    group = parser.add_argument_group("labeling in Label Studio")
    ways = group.add_mutually_exclusive_group()
    ways.add_argument("--export", choices=PROGRAMS, help="give it the questions, and serve no page")
    ways.add_argument(
        "--import", dest="take", choices=PROGRAMS, help="add its answers to labels.csv, and serve no page"
    )
    group.add_argument(
        "--file",
        type=Path,
        metavar="JSON",
        help="the file to write (RUN/tasks.json) or to read (exported as JSON or JSON-MIN)",
    )
    group.add_argument(
        "--url", help=f"address of a Label Studio that runs, in place of a file (its token: {KEY})"
    )
    group.add_argument("--project", type=int, metavar="N", help="number of its project (export: a new one)")
    add_images(group, "--image-url")


def exchange(options: argparse.Namespace) -> str | None:
    """Do what these options ask; what was done, or None: they ask nothing.

    Raises:
        InputError: options that do not go together, or what the ways themselves refuse.
    """
    from al_runner.people.label_studio import cli

    _check(options)
    options.out = options.file
    if options.export:
        return cli.push(options) if options.url else cli.export(options)
    if options.take:
        return cli.pull(options) if options.url else cli.import_(options)
    return None


def _check(options: argparse.Namespace) -> None:
    out, back, by_url = options.export, options.take, options.url is not None
    given = {
        "--file": options.file,
        "--url": options.url,
        "--project": options.project,
        "--document-root": options.document_root,
        "--image-url": options.image_url,
        "--guess": options.guess or None,
    }
    needless = next((name for name, value in given.items() if value is not None), None)
    if not (out or back) and needless:
        raise InputError(f"{needless} needs --export label-studio or --import label-studio")
    if by_url and options.file is not None:
        raise InputError("--file and --url are two ways: give one of them")
    if options.project is not None and not by_url:
        raise InputError("--project needs --url: a project is in a Label Studio that runs")
    if back and by_url and options.project is None:
        raise InputError("--import label-studio --url needs --project: its number, as --export printed it")
    if back and not by_url and options.file is None:
        raise InputError("--import label-studio needs --file JSON, or --url and --project")
    if back and (images := next((name for name in list(given)[3:] if given[name] is not None), None)):
        raise InputError(f"{images} is for --export")
