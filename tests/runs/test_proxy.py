"""Runs with a proxy: who is asked, who is measured, what is refused; GlaS in its official layout."""

import json
import time
from pathlib import Path

import pytest
import torch
from torch import Tensor

from al_runner.config.identity import data_source, identity
from al_runner.config.parts import Parts
from al_runner.config.schema import to_dict, validate
from al_runner.data.dataset import Dataset, Split
from al_runner.data.tasks import Binary
from al_runner.errors import InputError
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.posterior import McDropout, Point
from al_runner.learning.proxied import ProxiedLearner
from al_runner.loop.experiment import Experiment
from al_runner.loop.pool import Pool, Query
from al_runner.loop.protocols import Memory
from al_runner.runs.build import build, prepare
from al_runner.runs.last_model import last_model
from al_runner.runs.predictions import of_pool
from al_runner.runs.proxy import check_same_samples
from al_runner.strategies.proxied import OfProxy
from al_runner.strategies.wrappers import ClassBalanced
from tests.commands import Command
from tests.composing import composed
from tests.data.nifti_files import write_glas
from tests.loop.test_loop import Notes
from tests.strategies.fake import FakeLearner
from tests.test_cli import refused, rows

PROXY = ["proxy=glas_grades", "model@proxy.model=alda_cnn", "proxy.model.width=2", "proxy.epochs=2",
         "proxy.dataset.shape=[16,16]"]  # fmt: skip


@pytest.fixture
def glands(tmp_path: Path) -> list[str]:
    """Arguments of a run on small images of glands."""
    write_glas(tmp_path / "glas", {"train": 24, "testA": 4, "testB": 4})
    return ["dataset=glas", f"data_dir={tmp_path}", f"dataset.cache_dir={tmp_path}/cache",
            "dataset.shape=[16,24]", "model=unet", "model.width=2", "model.depth=1", "trainer=cpu",
            "schedule.initial_size=5", "schedule.query_size=3", "schedule.budget=11", "schedule.epochs=2",
            "logger=none"]  # fmt: skip


def experiment(*overrides: str) -> Experiment:
    config = composed(*overrides)
    typed, parts = validate(config), Parts(config)
    return build(prepare(typed, parts), typed, parts, lambda _done, _all: None)


def run(*overrides: str) -> Notes:
    notes = Notes()
    assert experiment(*overrides).run(notes)
    return notes


def of_main(metrics: dict[str, float]) -> dict[str, float]:
    return {key: value for key, value in metrics.items() if not key.startswith("proxy_")}


@pytest.mark.parametrize("changed", [[], ["augmentation=post_query", "image_noise.sigma=0.1"]])
def test_chance_segments_as_it_would_without_a_proxy(glands: list[str], changed: list[str]) -> None:
    arguments = [*glands, *changed, "transforms=ideal", "strategy=random", "schedule.reset={every: 2}"]
    alone, beside = run(*arguments), run(*arguments, *PROXY)
    for (number, bought, metrics), (_, same, found) in zip(alone.rounds, beside.rounds, strict=True):
        assert bought == same
        assert metrics == of_main(dict(found)), number
        assert {"proxy_train/loss", "proxy_val/auroc", "proxy_test/accuracy"} <= set(found)
    assert alone.arrays[-1].keys() < beside.arrays[-1].keys()


@pytest.mark.parametrize("strategy", ["entropy", "ideal_kurtosis", "ideal_deep_features", "k_center"])
def test_strategies_ask_the_proxy(glands: list[str], strategy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = experiment(*glands, *PROXY, f"strategy={strategy}", "schedule.initial_size=8")
    learner = subject.learner
    assert isinstance(learner, ProxiedLearner)
    for method in ("predict", "embed", "saliency", "images"):
        monkeypatch.setattr(learner.main, method, None)  # whoever asks it, fails
    notes = Notes()
    assert subject.run(notes)
    assert [len(bought) for _, bought, _ in notes.rounds] == [8, 3]
    assert isinstance(subject.memory, Memory) == (strategy == "ideal_deep_features")
    masks = learner.main.dataset.train.targets
    assert torch.equal(subject.pool.labels, masks[subject.pool.labeled]), "what is bought are masks"


def test_its_whole_order_is_kept_with_the_metrics_of_the_segmentation(glands: list[str]) -> None:
    notes = run(*glands, *PROXY, "strategy=ideal_kurtosis", "keep_pool=true")
    assert notes.arrays[0]["pool"][:3].tolist() == notes.rounds[1][1]
    assert notes.arrays[0]["dice_images_pool"].shape[0] == len(notes.arrays[0]["pool"])
    assert "pool/dice" in notes.rounds[0][2]


def test_the_posterior_is_the_proxys(glands: list[str]) -> None:
    learner = experiment(*glands, *PROXY, "strategy=bald", "posterior=mc_dropout").learner
    assert isinstance(learner, ProxiedLearner)
    assert isinstance(learner.proxy.posterior, McDropout)
    assert isinstance(learner.main.posterior, Point)


def test_a_first_query_is_balanced_by_grades(glands: list[str]) -> None:
    subject = experiment(*glands, *PROXY, "schedule.initial=class_balanced", "schedule.initial_size=8")
    learner = subject.learner
    assert isinstance(learner, ProxiedLearner)
    first = subject.query(subject.plan.rounds[0])
    grades = learner.proxy.dataset.train.targets[first.indices]
    assert grades.bincount().tolist() == [4, 4]


def test_what_a_run_leaves_is_not_the_proxy(glands: list[str], al_run: Command) -> None:
    kept = [word for word in glands if not word.startswith(("dataset=", "model"))]
    run = al_run.run_folder(*kept, "dataset=glas_grades", "model=alda_cnn", "model.width=4", *PROXY)
    model = last_model(run)
    assert isinstance(model.learner, NetworkLearner)
    probs = of_pool(model).probs
    whole = next(model.whole().predictions(model.dataset.train.images[model.pool.unlabeled], model.machine))
    assert (probs - whole).abs().max() < 1e-5


def test_strategies_see_the_proxys_labels() -> None:
    grades = (torch.arange(40) % 5 == 0).long()
    pool = Pool(40)
    pool.add(Query(torch.arange(0, 10)), torch.zeros(10, 4, 4), 0)
    seen: list[Tensor] = []

    def strategy(learner: object, pool: Pool, size: int, generator: torch.Generator) -> Query:
        seen.append(pool.labels)
        return Query(pool.unlabeled[:size])

    learner, generator = FakeLearner(40, classes=2), torch.Generator()
    assert OfProxy(strategy, grades)(learner, pool, 3, generator).indices.tolist() == [10, 11, 12]
    assert torch.equal(seen[0], grades[:10])
    assert pool.labels.shape == (10, 4, 4), "the pool keeps the oracle's"
    learner.probs = torch.eye(2)[grades]
    chosen = OfProxy(ClassBalanced(strategy), grades)(learner, pool, 2, generator).indices
    assert grades[chosen].tolist() == [1, 1], "two of ten labels are of this class"


def split(n: int, names: tuple[str, ...] = ()) -> Split:
    return Split(torch.zeros(n, 1, 2, 2, dtype=torch.uint8), torch.arange(n) % 2, names)


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        (split(3), split(3), None),
        (split(3, ("a", "b", "c")), split(3), None),
        (split(3, ("a", "b", "c")), split(3, ("a", "b", "c")), None),
        (split(3), split(4), "theirs has 4, ours 3"),
        (split(2, ("a", "b")), split(2, ("a", "c")), "sample 1 of theirs is c, of ours b"),
    ],
)
def test_samples_that_are_not_the_same_are_refused(ours: Split, theirs: Split, words: str | None) -> None:
    def named(name: str, train: Split) -> Dataset:
        return Dataset(name, {"train": train, "val": split(2), "test": split(2)}, Binary(), "none")

    if words is None:
        check_same_samples(named("ours", ours), named("theirs", theirs))
        return
    with pytest.raises(InputError, match=words):
        check_same_samples(named("ours", ours), named("theirs", theirs))


def left_out(root: Path) -> None:
    (root / "train_7_anno.bmp").write_text("no")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["proxy.dataset.val_share=0.5"], "must have the training samples of dataset: glas_grades has"),
        (["proxy.dataset.split_seed=2"], r"in their order: sample \d+ of glas_grades is train_"),
        (["proxy.dataset.shape=[9]"], r"proxy.dataset.shape=\[9\] must be a list of at least 2"),
        (["proxy.best_epoch_by=val/dice"], "best_epoch_by=val/dice is not measured here; there are val/"),
        (["strategy=nmi_entropy"], "in proxy: .* is for segmentation: .* here there are no masks"),
        (["strategy=bald", "posterior=none"], "in proxy: the strategy samples .* it needs posterior="),
        (["model@proxy.model=unet"], "in proxy: the model gives .* glas_grades needs 2, a number for each"),
        (["proxy.model.width=0"], "proxy.model.width=0 must be at least 1"),
        (["~proxy.dataset._target_"], "proxy.dataset needs a _target_"),
        (["+dataset@schedule.switch_dataset.dataset=glas", "+schedule.switch_dataset.at=0.5",
          "schedule.switch_dataset.dataset.cache_dir=${dataset.cache_dir}",
          "schedule.switch_dataset.dataset.shape=${dataset.shape}"],
         "proxy knows the samples of one data set: leave out schedule.switch_dataset"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(glands: list[str], wrong: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        experiment(*glands, *PROXY, *wrong)


def test_samples_that_one_of_both_left_out(glands: list[str], tmp_path: Path) -> None:
    left_out(tmp_path / "glas")
    with pytest.raises(InputError, match="must have the training samples of dataset: glas_grades has"):
        experiment(*glands, *PROXY, "dataset.on_error=skip")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["~proxy.optimizer", "proxy.epochs=0"],
         "proxy.optimizer must be given; proxy.epochs=0 must be at least 1"),
        (["+proxy.patches=3"], "proxy.patches is no key; did you mean patches?"),
        (["proxy.best_epoch_by=test/auroc"], "proxy.best_epoch_by=test/auroc must be a metric"),
        (["dataset=phantom"], "proxy.dataset.root: dataset.root is no key; dataset has name, seed"),
    ],
)  # fmt: skip
def test_bad_values(wrong: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        validate(composed("dataset=glas", *PROXY, *wrong))


def test_what_is_no_node() -> None:
    config = composed("dataset=glas")
    config.proxy = "glas_grades"
    with pytest.raises(InputError, match=r"proxy=glas_grades must be {dataset: …, model: …, optimizer: …"):
        validate(config)


def test_what_asks_for_nothing_is_no_part_of_the_identity() -> None:
    def of(*overrides: str) -> str:
        return identity(to_dict(composed("dataset=glas", *overrides)))

    plain = to_dict(composed("dataset=glas"))
    before = {key: value for key, value in plain.items() if key != "proxy"}
    assert of() == of("proxy=none") == identity(before)
    there = of(*PROXY)
    assert there == of(*PROXY, "proxy.dataset.root=/x", "proxy.dataset.cache_dir=/y")
    science = ["proxy.epochs=3", "proxy.model.width=3", "proxy.optimizer.lr=0.1",
               "proxy.dataset.shape=[8,8]", "proxy.best_epoch_by=val/auroc"]  # fmt: skip
    assert len({of(), there, *(of(*PROXY, each) for each in science)}) == 2 + len(science)


def test_its_data_count_where_a_run_is_finished_already(glands: list[str]) -> None:
    without, with_proxy = (data_source(to_dict(composed(*glands, *more))) for more in ([], PROXY))
    assert with_proxy == [*without, *without], "the same folder"


def without_times(folder: Path) -> list[dict[str, str]]:
    return [{key: row[key] for key in row if "seconds" not in key} for row in rows(folder / "rounds.csv")]


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_bit(al_run: Command, glands: list[str], tmp_path: Path) -> None:
    arguments = [*glands, *PROXY, "strategy=ideal_deep_features", "strategy.clusters=2", "strategy.epochs=2",
                 "strategy.trees=5", "schedule.budget=17", "schedule.reset={every: 2}"]  # fmt: skip
    whole = al_run.run_folder(*arguments, "output_dir=whole")
    process = al_run.start(*arguments)
    while not list(al_run.folder.glob("outputs/*/*/*/round_2")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    process.kill()
    process.communicate()
    folder = al_run.run_folder(*arguments)
    assert (folder / "queries.csv").read_bytes() == (whole / "queries.csv").read_bytes()
    assert without_times(folder) == without_times(whole)
    states = [torch.load(each / "round_4" / "checkpoint.pt", weights_only=True) for each in (folder, whole)]
    assert set(states[0]) == {"network", "optimizer", "proxy"}
    for key, values in states[0]["proxy"]["network"].items():
        assert torch.equal(values, states[1]["proxy"]["network"][key])
    told = json.loads((folder / "manifest.json").read_text())
    assert told["proxy"]["class_names"] == ["benign", "malignant"]
    assert told["proxy"]["sizes"] == told["dataset"]["sizes"]

    table = tmp_path / "glas" / "Grade.csv"
    table.write_bytes(table.read_bytes().replace(b"train_4,1, malignant", b"train_4,1, benign"))
    done = al_run(*arguments)
    assert done.returncode == 2
    assert "was begun with other data of the name glas_grades" in done.stderr.splitlines()[-1]


def test_bad_input_writes_nothing(al_run: Command, glands: list[str], tmp_path: Path) -> None:
    table = tmp_path / "glas" / "Grade.csv"
    names = [line.split(",")[0] for line in table.read_text().splitlines()[1:]]
    lines = [f"{name},{i}" for i, name in enumerate(names)]  # no two of one patient, which would be said, too
    table.write_text("\n".join(["name,patient ID", *lines]))
    prepare(validate(composed(*glands)), Parts(composed(*glands)))  # decodes the masks, which says so
    refused(al_run(*glands, *PROXY), "in proxy: ", "Grade.csv lacks the column grade (GlaS)")
    assert not (al_run.folder / "outputs").exists()


def test_grades_alone(glands: list[str]) -> None:
    options = [*glands[1:3], *glands[7:], "dataset.shape=[16,16]", "model.width=2"]
    notes = run("dataset=glas_grades", "strategy=ideal_kurtosis", *options)
    assert [len(bought) for _, bought, _ in notes.rounds] == [5, 3, 3]
    assert "val/auroc" in notes.rounds[-1][2]
