"""Commands that ask for what cannot be: sweeps, reports and labeling with wrong words."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from attacks.forks import command, done, last, may_sweep
from attacks.kills import Outcome
from attacks.matrix import NPZ, run_folder

SWEEPS = tuple(NPZ[1:])
NO_SWEEPS = (
    "range(", "range()", "range(a)", "range(2,1)", "range(0)", "range(1,2,0)", "range(1,inf)", "range(-2,0)",
    "range(0,1,0.5)", "range(1e3)", "choice()", "choice(a,b)", "interval(0,1)", "glob(*)", "sort(2,a)", "1,",
    ",1", "1,,2", "1,x", "1,-1", "1,true", "1,null", "1,1.5", "[1,2],3", "shuffle(range())",
    "4294967296,0", "int(a),1", "tag(x)", "{a:1},2",
)  # fmt: skip
"""Of a seed."""
NO_SWEEPS_ELSE = (
    ("strategy=random,nope",), ("strategy=", "seed=0,1"), ("strategy=random,random.x",),
    ("strategy=glob(nope*)",),
    ("seed=0,1", "+seed=2"), ("seed=0,1", "~seed"), ("seed=0,1", "nope=1,2"),
    ("seed=0,1", "strategy.nope=1"), ("schedule.budget=10,wrong",), ("schedule.budget=10,-1",),
    ("model=alda_cnn,nope",), ("+x=1,2",), ("name=a,../b",), ("name=a,sweeps",),
    ("output_dir=,outputs",), ("output_dir=data/labels.csv", "seed=0,1"),
    ("output_dir=data/labels.csv/x", "seed=0,1"), ("schedule.query_size=4,[]",), ("trainer.threads=1,0",),
    ("keep_pool=true,wrong",),
    ("loss.class_weights=null,[a]",), ("report.arm=../x,a",), ("objective=val/accuracy,accuracy",),
    ("experiment=nope,alda/nope",), ("dataset=npz,nope",), ("seed=0,1", "hydra/launcher=nope"),
    ("seed=0,1", "hydra/sweeper=nope"), ("seed=0,1", "hydra.launcher.n_jobs=2"),
    *(
        ("seed=0,1", "hydra/launcher=joblib", f"{word}")
        for word in (
            "hydra.launcher.n_jobs=wrong", "hydra.launcher.n_jobs=0", "hydra.launcher.n_jobs=1.5",
            "hydra.launcher.n_jobs=null", "hydra.launcher.n_jobs=[]", "hydra.launcher.nope=1",
            "hydra.launcher.timeout=wrong", "hydra.launcher.batch_size=wrong",
        )
    ),
    ("seed=0,1", "hydra.sweep.dir=data/labels.csv"), ("seed=0,1", "hydra.sweep.dir=data/labels.csv/x"),
    ("seed=0,1", "hydra.sweep.dir="), ("seed=0,1", "hydra.sweep.nope=1"), ("seed=0,1", "hydra.mode=wrong"),
    ("seed=0,1", "hydra.sweeper.max_batch_size=wrong"), ("seed=0,1", "hydra.sweeper.max_batch_size=0"),
    ("seed=0,1", "hydra.sweeper.max_batch_size=-1"), ("seed=0,1", "+hydra.sweeper.params.seed=2,3"),
    ("seed=0,1", "hydra.sweeper.params=3"), ("hydra.launcher=3", "seed=0,1"), ("hydra.sweeper=3", "seed=0,1"),
)  # fmt: skip
RUN, EMPTY, FILE, NONE = "outputs", "data/masks", "data/labels.csv", "nowhere"
"""Where there are runs, a folder without any, a file, nothing."""
NUMBERS = ("", "wrong", "nan", "inf", "-1", "0", "1e999", "[1]", "1,5")
REPORTS = (
    (), (NONE,), (FILE,), (EMPTY,), (RUN, NONE), (RUN, FILE), ("", ), (f"{RUN}/nope",), (RUN, "--nope"),
    (RUN, "--out", FILE), (RUN, "--out", f"{FILE}/x"), (RUN, "--out"), (RUN, "--out", ""),
    (RUN, "--baseline", "nope"),
    (RUN, "--baseline", ""), (RUN, "--metric", "nope"), (RUN, "--metric", ""), (RUN, "--metric", "test/loss"),
    (RUN, "--also", "nope"), (RUN, "--also", ""), (RUN, "--over", "nope"), (RUN, "--over", "cost"),
    (RUN, "--over", "minutes"), (RUN, "--test", "nope"), (RUN, "--test", ""), (RUN, "--effect", "0.1"),
    (RUN, "--where", "nope"), (RUN, "--where", "nope=1"), (RUN, "--where", "seed=wrong"),
    (RUN, "--where", "seed="), (RUN, "--where", "="), (RUN, "--where", "=1"), (RUN, "--where", ""),
    (RUN, "--reference", ""),
    (RUN, "--where", "strategy=nope"), (RUN, "--reference", NONE), (RUN, "--reference", EMPTY),
    (RUN, "--reference", "data/classes.npz"), (RUN, "--reference", FILE), (RUN, "--reference-as", "a=b"),
    (RUN, "--reference", FILE, "--reference-as", "a"), (RUN, "--reference", FILE, "--reference-as", "=b"),
    (RUN, "--plan", "--effect", "0.1"), (RUN, "--budget", "5"),
    *((RUN, option, value) for option, value in product(("--margin", "--effect"), NUMBERS)),
    *((RUN, "--target", value) for value in ("", "wrong", "nan", "inf", "1e999", "[1]", "1,5")),
    *((RUN, "--budget", value) for value in (*NUMBERS, "1.5", "²")),
)  # fmt: skip
LABELS = (
    (), (NONE,), (FILE,), (EMPTY,), ("RUN",), ("RUN", "--nope"), ("RUN", "--stop"), (EMPTY, "--stop"),
    (NONE, "--stop"), ("RUN", "more"), ("RUN", "--by"), ("RUN", "--by", "<b>"), ("RUN", "--by", "x" * 17),
    ("RUN", "--stop", "--by", "<b>"), ("RUN", "--host", "nowhere.invalid"), ("RUN", "--host", ""),
    ("RUN", "--export", "nope"), ("RUN", "--import", "nope"), ("RUN", "--export", "label-studio"),
    ("RUN", "--import", "label-studio"), ("RUN", "--import", "label-studio", "--file", NONE),
    ("RUN", "--import", "label-studio", "--file", FILE), ("RUN", "--import", "label-studio", "--file", EMPTY),
    ("RUN", "--export", "label-studio", "--import", "label-studio"), ("RUN", "--file", FILE),
    ("RUN", "--url", "http://localhost:1"), ("RUN", "--project", "1"), ("RUN", "--project", "x"),
    ("RUN", "--export", "label-studio", "--url", "nope"), ("RUN", "--export", "label-studio", "--url", ""),
    ("RUN", "--export", "label-studio", "--url", "http://localhost:1", "--file", FILE),
    ("RUN", "--export", "label-studio", "--project", "1"),
    *(("RUN", "--twice", value) for value in ("", "wrong", "nan", "inf", "-0.1", "1.1", "20%")),
    *(("RUN", "--port", value) for value in ("", "wrong", "0", "-1", "65536", "1.5", "²")),
)  # fmt: skip
SECONDS = 120
"""That a command may take to refuse."""


@dataclass(frozen=True)
class Order:
    """A command that has to be refused.

    Attributes:
        subject: what it is about.
        words: as they are typed.
    """

    subject: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.words)


def orders() -> Iterator[Order]:
    """All of them."""
    for value in NO_SWEEPS:
        yield Order("sweeps", ("al-run", "-m", *SWEEPS, f"seed={value}"))
    for words in NO_SWEEPS_ELSE:
        yield Order("sweeps", ("al-run", "-m", *SWEEPS, *words))
    for words in REPORTS:
        yield Order("reports", ("al-report", *words))
    for words in LABELS:
        yield Order("labeling", ("al-label", *words))


def prepared(place: Path, data: Path) -> None:
    """A run that is finished, beside the data."""
    place.mkdir()
    (place / "data").symlink_to(data)
    done(place, *NPZ)


def attempt(order: Order, data: Path, finished: Path, place: Path) -> Outcome:
    """Give it beside data and a finished run: one line, exit code 2, and all is there that was, and no more.

    Args:
        order: the command.
        data: small data sets.
        finished: where a run is finished, of which others get a copy.
        place: for it alone.
    """
    place.mkdir(parents=True)
    (place / "data").symlink_to(data)
    if order.subject != "sweeps":
        shutil.copytree(finished / "outputs", place / "outputs")
    run = run_folder(place)
    words = [str(run.relative_to(place)) if word == "RUN" and run else word for word in order.words]
    before = _there(place)
    try:
        ended = command(words, place, may_sweep, limit=SECONDS)
        found = list(_wrong(words[0], ended.code, ended.err))
    except TimeoutError as error:
        found = [str(error)]
    if left := sorted(_there(place) ^ before):
        found.append(f"wrote {left[:5]}")
    shutil.rmtree(place)
    return Outcome(0, found, refused=not found)


def _wrong(name: str, code: int, said: str) -> Iterator[str]:
    """What is wrong with how a command ended."""
    lines = said.splitlines()
    if code != 2 or len(lines) != 1 or not lines[0].startswith(f"{name}: "):
        yield f"ended with {code}, {len(lines)} lines: {last(said) if said else 'nothing'}"


def _there(place: Path) -> set[str]:
    """The files and folders of a place, but for its caches."""
    found = (path.relative_to(place) for path in place.rglob("*"))
    return {str(path) for path in found if path.parts[0] not in ("cache",)}
