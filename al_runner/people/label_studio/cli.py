"""What a run asks goes to Label Studio, and what people answer there comes back."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from al_runner.config.commands import one_line, refusing
from al_runner.errors import InputError
from al_runner.files import replace
from al_runner.people.answers import Answers
from al_runner.people.asked import Asked
from al_runner.people.label_studio import annotations, tasks
from al_runner.people.label_studio.server import KEY, Server, token
from al_runner.people.waiting import waits

PROG = "python -m al_runner.people.label_studio"


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: exit code 0, or 2 for bad input."""
    with refusing(PROG):
        options = parser().parse_args(arguments)
        print(options.act(options))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = one_line(argparse.ArgumentParser(PROG, description=__doc__), PROG)
    actions = result.add_subparsers(required=True, metavar="export | import | push | pull")

    def action(name: str, what: str) -> argparse.ArgumentParser:
        made = one_line(actions.add_parser(name, help=what, description=what), f"{PROG} {name}")
        made.add_argument("run", type=Path, metavar="RUN", help="run folder that waits for labels")
        made.set_defaults(act=ACTIONS[name])
        return made

    out = action("export", "write the questions as a file for Label Studio")
    out.add_argument("--out", type=Path, metavar="JSON", help="the file (RUN/tasks.json)")
    back = action("import", "add the annotations of a file from Label Studio to labels.csv")
    back.add_argument("file", type=Path, metavar="JSON", help="exported as JSON or JSON-MIN")
    push = action("push", f"add the questions to a project of a running Label Studio (token: {KEY})")
    push.add_argument("--project", type=int, metavar="N", help="number of the project (a new one)")
    pull = action("pull", f"add the annotations of its project to labels.csv (token: {KEY})")
    pull.add_argument("--project", type=int, metavar="N", required=True, help="number of the project")
    for each in (push, pull):
        each.add_argument("--url", required=True, help="its address, such as http://127.0.0.1:8080")
    add_images(out, "--image-url", "--url")
    add_images(push, "--image-url")
    return result


def add_images(to: argparse._ActionsContainer, *url: str) -> None:
    """Options that say where Label Studio finds the images, and what it shows of the model."""
    where = to.add_mutually_exclusive_group()
    where.add_argument(
        "--document-root",
        type=Path,
        metavar="DIR",
        help="folder from which Label Studio serves local files (the one above the images)",
    )
    where.add_argument(*url, dest="image_url", metavar="PREFIX", help="address of the images' folder instead")
    to.add_argument("--guess", action="store_true", help="show the model's guess, which biases who sees it")


def export(options: argparse.Namespace) -> str:
    """Write the tasks, and the labeling interface beside them."""
    asked = waiting(options.run)
    out: Path = options.out or options.run / "tasks.json"
    content = json.dumps(tasks.tasks(asked, address(options, asked), options.guess), indent=1)
    interface = out.with_suffix(".xml")
    try:
        replace(interface, tasks.interface(asked.words).encode())
        replace(out, content.encode())
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror or error}") from error
    return f"{len(asked.questions)} tasks in {out}, the labeling interface in {interface}"


def import_(options: argparse.Namespace) -> str:
    """Add the answers of a file."""
    return _add(options.run, annotations.read(options.file), str(options.file))


def push(options: argparse.Namespace) -> str:
    """Add the tasks that a project does not have yet."""
    asked = waiting(options.run)
    wanted = tasks.tasks(asked, address(options, asked), options.guess)
    server = Server(options.url, token())
    number = options.project
    if number is not None:
        there = {each["data"].get(tasks.SAMPLE) for each in server.tasks(number, everything=True)}
        wanted = [each for each in wanted if each["data"][tasks.SAMPLE] not in there]
        _fill(server, number, asked, wanted, options)
    else:
        number = server.create(f"al-runner {options.run.resolve().name}"[:50], tasks.interface(asked.words))
        try:
            _fill(server, number, asked, wanted, options)
        except InputError:
            server.remove(number)
            raise
    return f"{len(wanted)} tasks added to project {number}: {server.shown}/projects/{number}"


def pull(options: argparse.Namespace) -> str:
    """Add the answers of a project."""
    waiting(options.run)
    server = Server(options.url, token())
    return _add(options.run, server.tasks(options.project), f"{server.shown}/projects/{options.project}")


ACTIONS = {"export": export, "import": import_, "push": push, "pull": pull}


def waiting(run: Path) -> Asked:
    """What a run asks.

    Raises:
        InputError: nothing.
    """
    if (asked := Asked.read(run)) is None:
        why = "asks people nothing" if run.is_dir() else "is no folder; al-run prints it as its last line"
        raise InputError(f"{run} {why}")
    if asked.masks is not None:
        raise InputError(f"{run} asks for outlines, which do not come by Label Studio; it is {waits(run)}")
    return asked


def address(options: argparse.Namespace, asked: Asked) -> tasks.Address:
    """Where Label Studio finds the images."""
    if options.image_url is not None:
        return tasks.at_url(options.image_url)
    return tasks.local(asked, tasks.folder(asked, options.document_root))


def _fill(
    server: Server, project: int, asked: Asked, wanted: list[dict[str, object]], options: argparse.Namespace
) -> None:
    """Add tasks, once their images can be seen."""
    if options.image_url is None:
        server.serve(project, asked.root)
    if wanted:
        server.add(project, wanted)


def _add(run: Path, told: object, source: str) -> str:
    """Add the answers that are new; what is still to be done."""
    asked, answers = waiting(run), Answers(run)
    new, known = annotations.new(told, source, asked, answers), answers.of_readers()
    again = sum(each.by in known.get(each.sample, {}) for each in new)
    if new:
        answers.add(new)
    still = len({each.sample for each in asked.questions} - answers.counting().keys())
    after = f"{still} of {len(asked.questions)} questions are open"
    corrects = f", {again} of them in place of earlier ones" if again else ""
    added = f"{len(new)} answers added to {answers.path}{corrects}"
    return f"{added}; {after if still else 'give the same al-run again'}"
