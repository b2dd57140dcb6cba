"""One contract for every file of every config group: composed, instantiated; strategies are also run."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from al_runner.config.identity import identity
from al_runner.config.parts import Parts
from al_runner.config.schema import Config, to_dict, validate
from al_runner.data.dataset import Dataset
from al_runner.errors import InputError
from al_runner.loop.oracle import Simulated
from al_runner.loop.pool import Pool, Query
from al_runner.people.oracle import People
from tests.composing import composed
from tests.data.layout_files import write_raw, write_structures
from tests.data.nifti_files import write_decathlon, write_glas
from tests.data.test_image_folder import write_tree
from tests.data.test_mask_folder import write as write_picture
from tests.data.test_medmnist import official_like
from tests.data.xray_files import write_chexpert, write_nih
from tests.strategies.fake import FakeLearner

CONF = Path(__file__).parents[2] / "conf"
ALL = sorted(str(path.relative_to(CONF).with_suffix("")) for path in CONF.rglob("*/*.yaml"))
SALIENCY = [name.split("/", 1)[1] for name in ALL if name.startswith("saliency/")]
FILES = [name for name in ALL if not name.startswith("saliency/")]  # they are values of strategies
STRATEGIES = [name.split("/", 1)[1] for name in FILES if name.startswith("strategy/")]
ONE_SITE = ["batchbald"]
"""Strategies for one label a sample."""
TWO_CLASSES = ["technion_entropy_released", "technion_uncertainty_released"]
"""Strategies for two classes."""
MANY_SITES = ["foreground_random", "nmi_entropy", "nmi_entropy_coarse"]
"""Strategies for samples with more."""
ONE_CLASS_SEEN = ["ideal_deep_features", "ideal_first_order", "ideal_glcm", "ideal_kurtosis", "ideal_shape2d"]
"""Strategies for what a classification looks at."""
EXPERIMENTS = [name.split("/", 1)[1] for name in FILES if name.startswith("experiment/")]
GIVEN = {
    "dataset/npz": ["dataset.path={tmp}/any.npz"],
    "dataset/medmnist": ["dataset.flag=breastmnist"],
    "dataset/image_folder": ["dataset.root={tmp}/scans"],
    "dataset/table": ["dataset.root={tmp}/scans"],
    "dataset/decathlon": ["dataset.folder=Task99_Boxes"],
    "dataset/unlabeled": ["dataset.root={tmp}/scans", "dataset.classes=[NORMAL,PNEUMONIA]", "oracle=people"],
    "experiment/people": ["dataset.root={tmp}/scans", "dataset.classes=[NORMAL,PNEUMONIA]"],
    "encoder/features": ["encoder.path=any.npz"],
    "encoder/monai": ["encoder.file=any.pt"],
    "encoder/state_file": ["encoder.file=any.pt"],
    "encoder/torchscript": ["encoder.file=any.pt"],
    "proxy/glas_grades": ["dataset=glas", "model=unet"],
    "dataset/nifti_folder": ["dataset.root={tmp}/scans", "dataset.labels=[background,front,back]"],
    "dataset/nnunet": ["dataset.root={tmp}/scans"],
    "dataset/totalsegmentator": ["dataset.root={tmp}/scans", "dataset.classes=[liver,spleen]"],
    "dataset/mask_folder": ["dataset.root={tmp}/scans", "dataset.labels={{0:background,255:lesion}}"],
}
"""What a user has to give with a file that does not stand alone."""


def config_of(name: str, tmp: Path) -> DictConfig:
    """The config with a file in it, and what has to be given with it."""
    group, option = name.split("/", 1)
    config = composed(f"{group}={option}", *(text.format(tmp=tmp) for text in GIVEN.get(name, [])))
    config.data_dir = str(tmp)
    return config


def test_finds_the_files() -> None:
    groups = {name.split("/")[0] for name in FILES}
    assert groups >= {"dataset", "model", "strategy", "schedule", "oracle", "optimizer", "trainer", "logger"}
    assert len(FILES) > 40
    assert EXPERIMENTS


@pytest.mark.parametrize("name", FILES)
def test_composes_and_instantiates(name: str, tmp_path: Path) -> None:
    config = config_of(name, tmp_path)
    typed = validate(config)
    assert isinstance(typed, Config)
    typed.schedule.build().plan(100_000)
    provide_data(config, tmp_path)
    if "pretrained" in config.model:
        config.model.pretrained = False  # the weights are in no test's reach
    parts = Parts(config)
    dataset = parts("dataset")
    assert isinstance(dataset, Dataset)
    network_of(parts, dataset)
    optimizer = parts("optimizer").build(torch.nn.Linear(2, 1))
    assert isinstance(optimizer, torch.optim.Optimizer)
    targets = dataset.train.targets
    oracle = parts("oracle")(targets=targets, n_classes=dataset.task.n_classes, generator=torch.Generator())
    assert isinstance(oracle, Simulated | People)
    assert callable(parts("strategy"))
    assert hasattr(parts("logger"), "log_round")
    if typed.encoder:
        assert callable(parts("encoder").encode)
    assert parts("head")


@pytest.mark.parametrize("name", SALIENCY)
def test_a_strategy_may_be_given_a_saliency_method(name: str) -> None:
    config = composed(f"+saliency@strategy.saliency={name}")
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten())
    maps = Parts(config)("strategy.saliency")(network, torch.zeros(2, 1, 5, 5), torch.ones_like)
    assert maps.shape == (2, 5, 5)


def provide_data(config: DictConfig, tmp: Path) -> None:
    """Small files in place of the official ones; a small phantom."""
    if "flag" in config.dataset:
        suffix = "" if config.dataset.size == 28 else f"_{config.dataset.size}"
        (tmp / "medmnist").mkdir()
        path = tmp / "medmnist" / f"{config.dataset.flag}{suffix}.npz"
        config.dataset.md5 = official_like(path, config.dataset.flag, config.dataset.size)
    elif "root" in config.dataset:
        config.dataset.cache_dir = str(tmp / "cache")
        if "tables" in config.dataset:
            config.dataset.positives = 12
            write = write_chexpert if config.dataset.name == "chexpert" else write_nih
            write(Path(config.dataset.root))
        elif config.dataset.get("name") in ("glas", "glas_grades"):
            write_glas(Path(config.dataset.root))
        elif "masks" in config.dataset or "decathlon" in config.dataset._target_:
            write_ten_cases(Path(config.dataset.root), "mask_folder" in config.dataset._target_)
            config.dataset.split = [0.6, 0.2, 0.2]
        elif "official_test" in config.dataset and "window" in config.dataset:
            write_raw(Path(config.dataset.root))
            config.dataset.shape = [8, 8, 8]
        elif "official_split" in config.dataset:
            write_structures(Path(config.dataset.root))
            config.dataset.shape = [8, 8, 8]
        elif "label_column" in config.dataset:
            write_listed(Path(config.dataset.root))
        else:
            write_classes(config.dataset, tmp)
    elif "path" in config.dataset:
        official_like(Path(config.dataset.path), "bloodmnist")
    else:
        config.dataset.n_train, config.dataset.n_val, config.dataset.n_test = 60, 30, 30


def write_classes(dataset: DictConfig, tmp: Path) -> None:
    """Images in folders, and a table of known labels where one is named."""
    root = Path(dataset.root)
    write_tree(root, classes=("NORMAL", "PNEUMONIA"))
    if "test_size" in dataset:
        dataset.test_size = 10
        if dataset.labels:
            dataset.labels = str(Path(tmp, dataset.labels))
            first = next(root.rglob("*.png")).relative_to(root)
            Path(dataset.labels).write_text(f"file,label\n{first.as_posix()},NORMAL\n")
    elif dataset.per_class != "all":
        dataset.per_class = 30


def write_listed(root: Path) -> None:
    """Images and a table that has every kind of column."""
    write_tree(root, classes=("normal", "sick"))
    rows = ["image,label,effusion,mass,patient,split"]
    for i, path in enumerate(sorted(root.rglob("*.png"))):
        below = path.relative_to(root)
        rows.append(f"{below.as_posix()},{below.parts[1]},{i % 2},{i % 3 % 2},p{i},{below.parts[0]}")
    (root / "labels.csv").write_text("\n".join(rows))


def write_ten_cases(root: Path, pictures: bool) -> None:
    """Images and masks, as pictures or as volumes."""
    if not pictures:
        write_decathlon(root)
        return
    for k in range(10):
        write_picture(root, f"p{k}")


def network_of(parts: Parts, dataset: Dataset) -> None:
    """The network takes the data's images, or volumes where it is made for volumes."""
    three_d = "volumes" in str(parts.composed.model._target_)
    channels, size = (1, (28, 28, 28)) if three_d else (dataset.channels, dataset.image_size)
    n_outputs = dataset.task.n_outputs
    with torch.device("meta"):  # shapes without numbers
        network = parts("model")(channels, n_outputs, size).eval()
        output = network(torch.zeros(2, channels, *size))
    assert output.shape in ((2, n_outputs), (2, n_outputs, *size))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiments_say_what_they_are(name: str) -> None:
    text = (CONF / "experiment" / f"{name}.yaml").read_text()
    assert text.startswith("# @package _global_\n# al-run experiment=" + name)


def fake_learner(name: str, size: int, sites: int | None = None) -> FakeLearner:
    """A learner of as many classes as a strategy takes."""
    return FakeLearner(size, sites, classes=2 if name in TWO_CLASSES else 4)


def strategy(name: str) -> Any:
    """A new one of a file: a strategy may remember. What is built leaves the config as it was."""
    return Parts(composed(f"strategy={name}"))("strategy")


def refused(name: str, sites: int | None) -> bool:
    """Whether a strategy says that it is not for so many sites a sample."""
    return name in ([*ONE_SITE, *ONE_CLASS_SEEN] if sites else MANY_SITES)


def sites_of(name: str) -> int | None:
    """The sites that a strategy is tried with."""
    return 5 if name in MANY_SITES else None


def labeled_pool(size: int = 120, classes: int = 4, sites: int | None = None) -> Pool:
    pool = Pool(size)
    pool.add(Query(torch.arange(0, 60, 3)), labels_of(20, sites, classes), 0)
    return pool


def labels_of(n: int, sites: int | None, classes: int = 2) -> torch.Tensor:
    """One label for each sample, or a mask."""
    return torch.arange(n) % classes if sites is None else torch.arange(n * sites).view(n, 1, sites) % classes


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("sites", [None, 5])
@pytest.mark.parametrize("size", [1, 10, 100])
@pytest.mark.parametrize("name", STRATEGIES)
def test_strategy_contract(name: str, size: int, sites: int | None) -> None:
    if refused(name, sites):
        pytest.skip("refused, see test_catalogue.py")
    learner, pool = fake_learner(name, 120, sites), labeled_pool(sites=sites)
    fingerprint = digest(learner)
    query = strategy(name)(learner, pool, size, generator())
    pool.check(query, size)  # the right count, unlabeled only, no repeats
    again = strategy(name)(learner, pool, size, generator())
    assert again.indices.tolist() == query.indices.tolist(), "the same seed, the same query"
    assert digest(learner) == fingerprint, "the learner is unchanged"
    if query.scores is not None:
        assert len(query.scores) == size
        assert not query.scores.isnan().any()


@pytest.mark.parametrize("name", STRATEGIES)
def test_strategy_does_not_depend_on_the_order_of_scores(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    learner, pool = fake_learner(name, 120, sites_of(name)), labeled_pool(sites=sites_of(name))
    learner.probs = (learner.probs * 3).round()  # many ties
    learner.probs[..., 0] += 1
    learner.probs /= learner.probs.sum(-1, keepdim=True)
    expected = strategy(name)(learner, pool, 15, generator()).indices.tolist()
    order = torch.randperm(100, generator=generator(5))
    monkeypatch.setattr(
        Pool, "unlabeled", property(lambda self: (self.acquired < 0).nonzero().squeeze(1)[order])
    )
    assert strategy(name)(learner, pool, 15, generator()).indices.tolist() == expected


@pytest.mark.parametrize("name", STRATEGIES)
def test_strategy_with_equal_predictions_falls_to_chance(name: str) -> None:
    learner, pool = fake_learner(name, 120, sites_of(name)), labeled_pool(sites=sites_of(name))
    learner.probs = torch.full_like(learner.probs, 0.25)
    learner.embeddings = torch.zeros_like(learner.embeddings)
    queries = {tuple(strategy(name)(learner, pool, 5, generator(seed)).indices.tolist()) for seed in range(5)}
    assert len(queries) == 5


def digest(learner: FakeLearner) -> str:
    arrays = learner.probs.numpy().tobytes() + learner.embeddings.numpy().tobytes()
    return hashlib.sha256(arrays).hexdigest()


def of(*overrides: str) -> str:
    """The identity of a run; values are set as Hydra sets them, in a config that is composed once."""
    values = [each for each in overrides if not re.match(r"[+~]", each) and not asks_for_a_file(each)]
    config = composed(*(each for each in overrides if each not in values))
    for override in OverridesParser.create().parse_overrides(values):
        OmegaConf.update(config, override.key_or_group, override.value())
    return identity(to_dict(config))


def asks_for_a_file(override: str) -> bool:
    return (CONF / re.split("[@=]", override)[0]).is_dir()


def test_identity_is_the_science() -> None:
    base = of()
    machine = ["trainer=cpu", "trainer.threads=1", "logger=none", "output_dir=/x", "data_dir=/y", "name=z",
               "keep_checkpoints=all", "keep_predictions=true", "keep_pool=true", "audit=maps"]  # fmt: skip
    assert {of(override) for override in machine} == {base}
    science = ["seed=1", "strategy=random", "model.width=9", "schedule.budget=100", "optimizer.lr=0.1",
               "oracle=noisy", "dataset.seed=1", "schedule.target.value=0.9"]  # fmt: skip
    assert len({base, *(of(override) for override in science)}) == 1 + len(science)
    assert of("optimizer.lr=0.001") == base, "a value that is the default changes nothing"
    assert of("schedule.query_size=[20]") == base, "another way to write the default"
    assert of("schedule.target.value=1") == of("schedule.target.value=1.0")


def test_identity_of_how_a_run_begins_and_ends(tmp_path: Path) -> None:
    """What is not asked for does not count, and a file of features counts by its content."""
    idle = [
        "schedule.plateau.rise=0.1",
        "schedule.stable.samples=9",
        "schedule.initial_features=model",
        "schedule.target.bound=low",
        "schedule.target.bound=value",
    ]
    assert {of(override) for override in idle} == {of()}
    asked = [
        "schedule.initial=k_center",
        "schedule.initial=class_balanced",
        "+strategy@schedule.initial=k_center",
        "schedule.plateau.rounds=3",
        "schedule.stable.kappa=0.99",
    ]
    assert len({of(), *(of(override) for override in asked)}) == 1 + len(asked)
    reached = ["schedule.target.value=0.9", "schedule.target.metric=test/auroc", "schedule.target.bound=low"]
    assert of(*reached) != of("schedule.target.value=0.9", "schedule.target.metric=val/auroc")
    for path, content in {"a/f.npy": "1", "b/f.npy": "1", "c/f.npy": "2"}.items():
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_text(content)
    features = ["images", "model", *(str(path) for path in sorted(tmp_path.glob("*/f.npy")))]
    found = [of("schedule.initial=k_center", f"schedule.initial_features={each}") for each in features]
    assert found[2] == found[3]
    assert len(set(found)) == 4


def test_identity_of_what_is_changed() -> None:
    """Transforms count where something is changed by them, and then their order does, too."""
    assert of("transforms=ideal") == of(*(f"~transforms.{step}" for step in ("rotation", "blur", "elastic")))
    changed = of("augmentation=post_query")
    others = [of(), of("augmentation=pre_query"), of("augmentation=post_query", "transforms=ideal")]
    assert len({changed, *others}) == 4
    rotation = "{_target_: kornia.augmentation.RandomRotation, degrees: 30.0, p: 0.5}"
    last = of("augmentation=post_query", "~transforms.rotation", f"+transforms.rotation={rotation}")
    assert last != changed
    assert of("augmentation=post_query", "transforms.rotation.degrees=30") == changed
    assert of("posterior=none") == of()
    assert of("posterior=ensemble") != of("posterior=mc_dropout") != of()
    assert of("posterior=mc_dropout", "~posterior.aleatoric") == of("posterior=mc_dropout"), "as ever"
    assert of("posterior=mc_dropout", "posterior.aleatoric=true") != of("posterior=mc_dropout")


def test_identity_of_what_came_later() -> None:
    """A key that asks for nothing leaves the folders of earlier runs as they were."""
    assert of() == EARLIER["phantom"]
    assert of("dataset=pneumoniamnist", "model=resnet18", "seed=3") == EARLIER["resnet18"]
    assert of("experiment=alda/6_post_query") == EARLIER["alda"]
    scans = ["dataset=decathlon", "dataset.folder=Task04_Hippocampus", "model=unet"]
    asked = [of(*scans, f"dataset.{key}") for key in ("hausdorff=true", "on_error=skip")]
    assert len({of(*scans), *asked}) == 3
    resnet = of("model=resnet18")
    assert of("model=resnet18", "model.stem=auto", "model.base_width=64", "loss.one_logit=false") == resnet
    deep = ["strategy=ideal_deep_features"]
    inner = "strategy@strategy.strategy=ideal_deep_features"
    assert of("strategy=epsilon_random", inner) == EARLIER["around"]
    assert of("+strategy@schedule.initial=ideal_deep_features") == EARLIER["first"]
    assert of(*deep, "~strategy.least_first") == of(*deep) != of(*deep, "strategy.least_first=true")
    scans = ["dataset=image_folder", "dataset.root=scans"]
    assert of(*scans, "~dataset.per_class", "~dataset.resplit") == of(*scans)
    assert len({of(*scans), *(of(*scans, f"dataset.{key}") for key in ("per_class=9", "resplit=true"))}) == 3
    final = ["+model@schedule.final_model.model=resnet18", "+schedule.final_model.epochs=2"]
    assert of(*final, "schedule.final_model.model.base_width=64") == of(*final)
    chest = of("dataset=chestmnist")
    assert chest == EARLIER["chestmnist"]
    assert of("dataset=chestmnist", "dataset.finding=mass") != chest
    science = ["model.stem=small", "model.base_width=32", "loss.one_logit=true",
               "loss.class_weights=balanced",
               "loss.class_weights=[1,2]", "loss.balanced_batches=true"]  # fmt: skip
    assert len({resnet, *(of("model=resnet18", override) for override in science)}) == 1 + len(science)
    assert of("loss.class_weights=[1,2]") == of("loss.class_weights=[1.0,2.0]")


EARLIER = {
    "phantom": "b3a32cb6",
    "resnet18": "ac00f099",
    "alda": "b4750caf",
    "chestmnist": "880de287",
    "around": "4db8c287",
    "first": "9d8fbdd6",
}
"""Hashes of runs from before there were such keys."""


def test_identity_of_a_file_is_its_name_not_its_folder() -> None:
    def of(*overrides: str) -> str:
        return identity(to_dict(composed("dataset=npz", *overrides)))

    assert of("dataset.path=/a/x.npz") == of("dataset.path=/b/x.npz")
    assert of("dataset.path=/a/x.npz") != of("dataset.path=/a/y.npz")


def test_a_mistyped_key_in_a_file_is_refused() -> None:
    from al_runner.errors import InputError

    for overrides, words in (
        ("+schedule.epoch=3", "schedule.epoch"),
        ("+trainer.device=3", "trainer.device"),
        ("+colour=red", "colour"),
    ):
        with pytest.raises(InputError, match=words):
            validate(composed(overrides))
    for part, key in (("model", "widht"), ("strategy", "reductoin"), ("optimizer", "learning_rate")):
        with pytest.raises(InputError, match=key):
            Parts(composed(f"+{part}.{key}=1"))(part)


@pytest.mark.parametrize("spelled", ["study/a", "study/a/", "./study//a"])
def test_a_name_is_a_folder_however_it_is_spelled(spelled: str) -> None:
    assert validate(composed(f"name={spelled}")).name == "study/a"


def test_numbers_may_come_as_text_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGMA", "0.1")
    assert validate(composed("image_noise.sigma=${oc.env:SIGMA}")).image_noise.sigma == 0.1
    with pytest.raises(InputError, match=r"image_noise\.sigma=true must be a number"):
        validate(composed("image_noise.sigma=true"))
