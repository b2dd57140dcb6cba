"""The configs of a sweep's jobs: composed once in a process, and to the byte what Hydra composes."""

from collections.abc import Iterator
from typing import Any

import pytest
from hydra import initialize_config_module
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from al_runner.config import resolvers  # noqa: F401
from al_runner.runs.sweeps import composing
from al_runner.runs.sweeps.composing import JobLoader
from al_runner.runs.sweeps.texts import yaml_of

COMMAND = ["dataset=npz", "dataset.path=a.npz", "seed=range(3)", "+hydra.job.env_set={A: b}"]
JOBS = [
    ["dataset=npz", "dataset.path=a.npz", "seed=1"],
    ["seed=2", "dataset.path='x: y'", "dataset=npz"],
    ["strategy=margin", "+a.b=1", "schedule.budget=40", "schedule.query_size=[1,2]"],
    ["~seed", "++x=3", "strategy={_target_: a.b}", "+schedule.x=1e-3"],
    ["+model@proxy.model=resnet18", "dataset=phantom", "name=${seed}"],
    ["model.width=3", "model=convnet", "~logger=wandb", "schedule.epochs='12'"],
    ["experiment=people", "hydra.sweep.subdir=x"],
]
REFUSED = ["nope=1", "schedule.nope=1", "dataset=nope", "+experiment=people", "seed=1,2", "a b", "~nope"]


@pytest.fixture(scope="module")
def hydras() -> Iterator[tuple[ConfigLoaderImpl, DictConfig]]:
    """Hydra's own loader, and the config of a sweep."""
    with initialize_config_module("al_runner.conf", version_base="1.3"):
        loader: Any = GlobalHydra.instance().config_loader()
        yield loader, loader.load_configuration("config", COMMAND, RunMode.MULTIRUN)


def nodes(node: Any, path: str = "") -> Iterator[tuple[Any, ...]]:
    """What OmegaConf knows of each node."""
    meta = node._metadata
    yield path, type(node), meta.flags, meta.ref_type, meta.object_type, meta.optional
    if OmegaConf.is_config(node) and not node._is_none() and not node._is_interpolation():
        for key in node if OmegaConf.is_dict(node) else range(len(node)):
            yield from nodes(node._get_node(key), f"{path}.{key}")


@pytest.mark.parametrize("job", JOBS, ids=" ".join)
def test_jobs_get_what_hydra_composes(
    hydras: tuple[ConfigLoaderImpl, DictConfig], job: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loader, master = hydras
    expected = loader.load_sweep_config(master, job)
    quick = JobLoader(loader.get_search_path())
    quick.load_sweep_config(master, job)
    monkeypatch.setattr(ConfigLoaderImpl, "load_sweep_config", None)  # nothing is composed again
    for _ in range(2):
        found = quick.load_sweep_config(master, job)
        assert OmegaConf.to_yaml(found) == OmegaConf.to_yaml(expected)
        assert list(nodes(found)) == list(nodes(expected))
        found.hydra.job.num = 5  # of a copy


def test_the_oldest_is_forgotten(
    hydras: tuple[ConfigLoaderImpl, DictConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    loader, master = hydras
    monkeypatch.setattr(composing, "MOST", 2)
    monkeypatch.setattr(composing, "_composed", {})
    quick = JobLoader(loader.get_search_path())
    for job in [*JOBS[2:5], *JOBS[2:5]]:
        expected = loader.load_sweep_config(master, job)
        assert OmegaConf.to_yaml(quick.load_sweep_config(master, job)) == OmegaConf.to_yaml(expected)
        assert len(composing._composed) <= 2


@pytest.mark.parametrize("word", REFUSED)
def test_a_word_is_refused_as_hydra_does(hydras: tuple[ConfigLoaderImpl, DictConfig], word: str) -> None:
    loader, master = hydras
    quick = JobLoader(loader.get_search_path())
    with pytest.raises(HydraException) as expected:
        loader.load_sweep_config(master, [word])
    with pytest.raises(type(expected.value)) as found:
        quick.load_sweep_config(master, [word])
    assert str(found.value) == str(expected.value)


@pytest.mark.parametrize("job", JOBS, ids=" ".join)
def test_a_config_is_written_as_ever(hydras: tuple[ConfigLoaderImpl, DictConfig], job: list[str]) -> None:
    loader, master = hydras
    config = loader.load_sweep_config(master, job)
    for _ in range(2):
        assert yaml_of(config.hydra, "hydra") == OmegaConf.to_yaml(OmegaConf.create({"hydra": config.hydra}))
        assert yaml_of(config) == OmegaConf.to_yaml(config)
