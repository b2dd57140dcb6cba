"""Attacks al-runner in many ways, and counts what does not end as it should.

    python scripts/campaign.py                          # all of it: about an hour on two cores
    python scripts/campaign.py kills --count 1000       # a thousand kills
    python scripts/campaign.py disks --only masks       # full disks, of the runs with this in their names

`kills`: each run of `attacks.matrix` is killed, at any time or before, in or after one of the moments in
which it changes a file; then the same command is given until the run has ended. `disks`: from such a moment
on, or for that one alone, nothing finds room on the disk; the command has to say so in one line, and with
room the same command goes on. The record has to be that of a run that nothing happened to. `bytes`: a file of
a run folder is edited, cut or removed; who reads it finds that, or it has no effect. The exit code is 1 if
anything was found.
"""

import argparse
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from attacks import data, forks
from attacks.edits import Edit, edits, half_done, report
from attacks.edits import attempt as damaged
from attacks.kills import DISKS, KILLS, Plan, Reference, attempt, plans, undisturbed
from attacks.matrix import SUBJECTS

KINDS = {"kills": KILLS, "disks": DISKS}
PARTS = (*KINDS, "bytes")


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=PARTS, help=f"of {', '.join(PARTS)}; all")
    parser.add_argument("--count", type=int, default=1000, help="trials of each part; %(default)s")
    parser.add_argument("--only", default="", help="runs with this in their names")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn; %(default)s")
    parser.add_argument("--jobs", type=int, default=2, help="trials at a time; %(default)s")
    return parser.parse_args(argv)


@dataclass(frozen=True)
class Campaign:
    """What all parts have in common.

    Attributes:
        options: of the command line.
        scratch: a folder for everything.
        references: name → the run that nothing happens to.
    """

    options: argparse.Namespace
    scratch: Path
    references: Mapping[str, Reference]

    @property
    def data(self) -> Path:
        """The folder of the data."""
        return self.scratch / "data"

    @property
    def each(self) -> int:
        """Trials of a run."""
        return -(-self.options.count // len(self.references))

    def plans(self, part: str) -> list[Plan | Edit]:
        """What is to be done in a part, in any order."""
        rng, todo = random.Random(self.options.seed), list[Plan | Edit]()
        for k, one in enumerate(self.references.values()):
            if part == "bytes":
                report(one.place)
                half = half_done(one, self.data, self.scratch / f"half_{k}")
                todo += edits(one, half, self.each, rng)
            else:
                todo += plans(one, self.each, rng, KINDS[part])
        rng.shuffle(todo)
        return todo

    def attempt(self, item: tuple[int, Plan | Edit]) -> tuple[Plan | Edit, list[str]]:
        """One trial, in a place of its own."""
        number, what = item
        one, place = self.references[what.subject], self.scratch / f"trial_{number}"
        if isinstance(what, Plan):
            return what, attempt(what, one, self.data, place)
        half = self.scratch / f"half_{list(self.references).index(what.subject)}"
        return what, damaged(what, one, half, self.data, place)

    def run(self, part: str) -> int:
        """Do a part, print a table; how many trials found something."""
        todo, began = self.plans(part), time.monotonic()
        done, faulty = Counter[str](), Counter[str]()
        with get_context("fork").Pool(self.options.jobs) as workers:
            for what, found in workers.imap_unordered(self.attempt, list(enumerate(todo))):
                done[what.subject] += 1
                faulty[what.subject] += bool(found)
                if found:
                    print(f"FAULT {what}: {'; '.join(found)}", flush=True)
                if not done.total() % 50:
                    print(f"{part}: {done.total()} of {len(todo)}, {faulty.total()} faults", flush=True)
        for name in self.references:
            print(f"{part:<8} {name:<32} {done[name]:>6} trials {faulty[name]:>4} faults")
        words = f"{done.total():>6} trials {faulty.total():>4} faults {time.monotonic() - began:>8.0f} s"
        print(f"{part:<8} {'all':<32} {words}", flush=True)
        return faulty.total()


def main(argv: Sequence[str] | None = None) -> int:
    """Do what is asked; 0 = nothing was found."""
    options = parse(argv)
    os.environ["WANDB_SILENT"] = "true"
    forks.preload()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder).resolve()
        data.write(scratch / "data")
        subjects = [each for each in SUBJECTS if options.only in each.name]
        references = {
            each.name: undisturbed(each, scratch / "data", scratch / f"reference_{k}")
            for k, each in enumerate(subjects)
        }
        for one in references.values():
            print(
                f"{one.subject.name:<32} {sum(map(len, one.moments)):>5} moments {sum(one.seconds):>6.1f} s",
                flush=True,
            )
        campaign = Campaign(options, scratch, references)
        found = sum(campaign.run(part) for part in options.parts)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
