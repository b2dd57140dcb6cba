"""Attacks al-runner in many ways, and counts what does not end as it should.

    python scripts/campaign.py                          # all of it: about an hour on two cores
    python scripts/campaign.py kills --count 1000       # a thousand kills
    python scripts/campaign.py disks --only masks       # full disks, of the runs with this in their names

- `kills`: each run of `attacks.matrix` is killed, at any time, or before, in or after one of the moments in
  which it changes a file; then the same command is given until the run has ended.
- `disks`: from such a moment on, or at that one alone, nothing finds room on the disk. The command has to say
  so in one line; with room, the same command goes on.
- `odd`: the run is started twice at once, or the clock is set back while it is stopped.
- `bytes`: a file of a run folder is edited, cut or removed. Who reads it finds that, or it has no effect.
- `files`: every loader gets damaged, contradictory and huge files: refused in one line, or read.
- `hostile`: pickles, paths, names and YAML of somebody who means harm, and secrets of the user.
- `orders`: sweeps, reports and labeling with wrong words: one line, exit code 2, nothing written.

In the first three, the record has to be that of a run that nothing happened to, to the bit. The exit code is
1 if anything was found.
"""

import argparse
import math
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path

from attacks import data, forks
from attacks.edits import Edit, edits, half_done, report
from attacks.edits import attempt as damage_it
from attacks.hostile import HARMS, Harm
from attacks.hostile import attempt as harm
from attacks.inputs import Case, cases
from attacks.inputs import attempt as read_it
from attacks.kills import DISKS, KILLS, Outcome, Plan, Reference, plans, undisturbed
from attacks.kills import attempt as disturb
from attacks.matrix import SUBJECTS
from attacks.odd import Odd, odds
from attacks.odd import attempt as at_odds
from attacks.orders import Order, orders
from attacks.orders import attempt as give
from attacks.orders import prepared as finished
from attacks.papers import Sheet, sheets
from attacks.papers import attempt as look_at_it

KINDS = {"kills": KILLS, "disks": DISKS}
COUNTS = {
    "kills": 1000,
    "disks": 400,
    "odd": 60,
    "bytes": 600,
    "files": 10_000,
    "hostile": 100,
    "orders": 1000,
}
"""Kills and trials, unless they are given; what there is, at most."""
PARTS = tuple(COUNTS)
ALL = "all"
COUNTED = {
    "kills": ("trials", "kills", "faults"),
    "disks": ("trials", "faults"),
    "odd": ("trials", "faults"),
    "bytes": ("trials", "faults"),
    "files": ("trials", "refused", "faults"),
    "hostile": ("trials", "faults"),
    "orders": ("trials", "refused", "faults"),
}
PER_TRIAL = 1.8
"""Kills, in the mean."""


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=PARTS, help=f"of {', '.join(PARTS)}; all")
    parser.add_argument("--count", type=int, help="kills, or trials of each part (an hour's in all)")
    parser.add_argument("--only", default="", help="runs with this in their names")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn; %(default)s")
    parser.add_argument("--jobs", type=int, default=2, help="trials at a time; %(default)s")
    return parser.parse_args(argv)


What = Plan | Edit | Odd | Case | Sheet | Harm | Order

ALONE: Mapping[str, Callable[[], Iterable[What]]] = {
    "files": lambda: (*cases(), *sheets()),
    "hostile": lambda: HARMS,
    "orders": orders,
}
"""Parts that are not about the runs of the matrix → their trials."""


@dataclass(frozen=True)
class Campaign:
    """What all parts have in common.

    Attributes:
        options: of the command line.
        scratch: a folder for everything.
    """

    options: argparse.Namespace
    scratch: Path

    @property
    def data(self) -> Path:
        """The folder of the data."""
        return self.scratch / "data"

    @cached_property
    def references(self) -> Mapping[str, Reference]:
        """Name → the run that nothing happens to."""
        subjects = [each for each in SUBJECTS if self.options.only in each.name] or list(SUBJECTS)
        found = {}
        for k, each in enumerate(subjects):
            found[each.name] = one = undisturbed(each, self.data, self.scratch / f"reference_{k}")
            moments = sum(map(len, one.moments))
            print(f"{each.name:<41} {moments:>6} moments {sum(one.seconds):>6.1f} s", flush=True)
        return found

    @cached_property
    def finished(self) -> Path:
        """Where a run is finished."""
        place = self.scratch / "finished"
        finished(place, self.data)
        return place

    @cached_property
    def halves(self) -> Mapping[str, Path]:
        """Name → where the same run is that was killed when it was half done."""
        for one in self.references.values():
            report(one.place)
        return {
            name: half_done(one, self.data, self.scratch / f"half_{k}")
            for k, (name, one) in enumerate(self.references.items())
        }

    def plans(self, part: str) -> list[What]:
        """What is to be done in a part, in any order."""
        rng, count = random.Random(self.options.seed), self.options.count or COUNTS[part]
        if part in ALONE:
            todo: list[What] = list(ALONE[part]())
            return todo if count >= len(todo) else rng.sample(todo, count)
        each = math.ceil(count / len(self.references) / (PER_TRIAL if part == "kills" else 1))
        todo = []
        for name, one in self.references.items():
            if part == "odd":
                todo += odds(one, each, rng)
            elif part == "bytes":
                todo += edits(one, self.halves[name], each, rng)
            else:
                todo += plans(one, each, rng, KINDS[part])
        rng.shuffle(todo)
        return todo

    def attempt(self, item: tuple[int, What]) -> tuple[What, Outcome]:
        """One trial, in a place of its own."""
        number, what = item
        place = self.scratch / f"trial_{number}"
        if isinstance(what, Case):
            return what, read_it(what, self.data, self.scratch)
        if isinstance(what, Sheet):
            return what, look_at_it(what, place)
        if isinstance(what, Harm):
            return what, harm(what, self.data, place)
        if isinstance(what, Order):
            return what, give(what, self.data, self.finished, place)
        one = self.references[what.subject]
        if isinstance(what, Odd):
            return what, at_odds(what, one, self.data, place)
        if isinstance(what, Plan):
            return what, disturb(what, one, self.data, place)
        return what, damage_it(what, one, self.halves[what.subject], self.data, place)

    def run(self, part: str) -> int:
        """Do a part, print a table; how many trials found something."""
        todo, began = self.plans(part), time.monotonic()
        if part == "orders":
            _ = self.finished  # once, before workers are forked
        counts: dict[str, Counter[str]] = {
            name: Counter() for name in (*sorted({each.subject for each in todo}), ALL)
        }
        with get_context("fork").Pool(self.options.jobs) as workers:
            for what, outcome in workers.imap_unordered(self.attempt, list(enumerate(todo))):
                for name in (what.subject, ALL):
                    counts[name].update(outcome.counts)
                if outcome.faults:
                    print(f"FAULT {what}: {'; '.join(outcome.faults)}", flush=True)
                if not counts[ALL]["trials"] % 20:
                    print(line(part, f"of {len(todo)}", counts[ALL]), flush=True)
        for name, count in counts.items():
            print(line(part, name, count))
        print(f"{part:<8} took {time.monotonic() - began:.0f} s", flush=True)
        return counts[ALL]["faults"]


def line(part: str, name: str, count: Mapping[str, int]) -> str:
    """Of the table."""
    return f"{part:<8} {name:<32} " + "  ".join(f"{count[what]:>6} {what}" for what in COUNTED[part])


def main(argv: Sequence[str] | None = None) -> int:
    """Do what is asked; 0 = nothing was found."""
    options = parse(argv)
    os.environ["WANDB_SILENT"] = "true"
    forks.preload()
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(options, Path(folder).resolve())
        data.write(campaign.data)
        found = sum(campaign.run(part) for part in options.parts)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
