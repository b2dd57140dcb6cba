"""More that the command refuses, before it loads data and with data: see also `test_cli.py`."""

import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import DictConfig

from al_runner.config.parts import Parts
from al_runner.config.schema import Config, validate
from al_runner.errors import InputError
from tests.commands import COMMAND, Command
from tests.composing import composed
from tests.test_cli import refused

BEFORE_LOADING = {
    "name=../../x": "name: '../../x' is no folder below output_dir",
    "name=/tmp/x": "name: '/tmp/x' is no folder below output_dir",
    "name=..": "name: '..' is no folder",
    "name=a/../b": "name: 'a/../b' is no folder",
    "name=a/../../b": "name: 'a/../../b' is no folder",
    "name=": "name: '' is no folder",
    "name=sweeps": "name: 'sweeps' is where sweeps keep",
    "name='a\tb'": "name: 'a\\tb' is no folder",
    "dataset.name=../x": "name: '../x' is no folder",
    "output_dir=": "output_dir: must be given",
    "report.arm=../x": "report.arm=../x must be a name of letters and digits",
    "seed=4294967296": "seed=4294967296 must be at most 4294967295",
    "seed=true": "seed=true must be a whole number",
    "seed=1.0": "seed=1.0 must be a whole number",
    "dataset.seed=4294967296": "dataset.seed=4294967296 must be at most 4294967295",
    "dataset.seed=true": "dataset.seed=true must be a whole number",
    "dataset.seed=[]": "dataset.seed=[] must be a whole number",
    "dataset=glas dataset.split_seed=-1": "dataset.split_seed=-1 must be at least 0",
    "dataset=npz dataset.path=3": "dataset.path=3 is a number: with quotes",
    "dataset=image_folder dataset.root=x dataset.channels=true": "dataset.channels=true must be 1 or 3",
    "strategy=typiclust strategy.neighbors=1.5": "strategy.neighbors=1.5 must be a whole number",
    "strategy=cluster_margin strategy.candidates=nan": "strategy.candidates=nan must be a number",
    "strategy.reduction=meen": "strategy.reduction=meen: did you mean mean?",
    "strategy.reduction={top:.1}": "strategy.reduction: its key top must be 'top_fraction'",
    "strategy.reduction={top_fraction:2}": "strategy.reduction.top_fraction=2 must be at most 1",
    "~strategy.acquisition": "strategy.acquisition must be given",
    "+strategy._partial_=3": "strategy._partial_=3 must be true or false",
    "oracle=noisy oracle.confusion=[]": "oracle.confusion=[] must be a list of at least 2 items",
    "oracle=noisy oracle.confusion=[[1,0],[0,a]]": "oracle.confusion=a must be a number",
    "optimizer=sgd optimizer.algorithm.nesterov=abc": "nesterov=abc must be true or false",
    "optimizer=sgd optimizer.algorithm.momentum=0": "optimizer: Nesterov momentum requires a momentum",
    "optimizer.algorithm.fused=abc": "optimizer.algorithm.fused=abc must be true or false",
    "+optimizer.algorithm.betas=[2,3]": "optimizer: Invalid beta parameter at index 0: 2",
    "optimizer.gamma=nan": "optimizer.gamma=nan must be a number, not infinite",
    "model.width=true": "model.width=true must be a whole number",
    "model=resnet18 model.name=resnt18": "model.name=resnt18: did you mean resnet18?",
    "model=resnet18 model.name=[3]": "model.name=[3] must be 'resnet18', 'resnet34'",
    "encoder=simclr encoder.views=3": "encoder.views=3 must be a part's node",
    "encoder=simclr encoder.views.flip=yes": "encoder.views.flip=yes must be a number",
    "augmentation=post_query transforms.rotation.p=abc": "transforms.rotation.p=abc must be a number",
    "logger=wandb logger.mode=offlin": "logger.mode=offlin: did you mean offline?",
    "schedule.budget=true": "schedule.budget=true must be a whole number or a share such as 10% or 'all'",
    "schedule.target.value=nan": "schedule.target.value=nan must be a number, not infinite",
    "schedule.target.value=true": "schedule.target.value=true must be a number",
    "schedule.plateau.rise=inf": "schedule.plateau.rise=inf must be a number, not infinite",
    "schedule.stable.kappa=true": "schedule.stable.kappa=true must be a number",
    "patches.foreground=true": "patches.foreground=true must be a number",
    "image_noise.sigma=true": "image_noise.sigma=true must be a number",
    "trainer.precision=16": "trainer.precision=16 must be 'auto', '32', 'tf32' or 'bf16'",
    "trainer.precision=true": "trainer.precision=true must be 'auto', '32', 'tf32' or 'bf16'",
    "keep_pool=3": "keep_pool=3 must be true or false",
    "data_dir=null": "data_dir=null must be a folder",
    "~strategy._target_": "strategy: needs a _target_",
}


@pytest.mark.parametrize("words", BEFORE_LOADING)
def test_refused_before_data_are_read(words: str) -> None:
    config = composed(*([words] if "'" in words else words.split()))
    with pytest.raises(InputError) as error:
        check(config)
    assert BEFORE_LOADING[words] in str(error.value)


def check(config: DictConfig) -> None:
    """What a job does before it reads anything."""
    validate(config)
    Parts(config).check()


def test_what_is_as_good_as_what_is_documented() -> None:
    for word in ("name=study/phantom", "name='Überblick 1'", "seed=4294967295", "trainer.precision=32"):
        assert isinstance(validate(composed(word)), Config)
    assert validate(composed("trainer.precision=32")).trainer.precision == "32"


def test_a_strategy_outside_its_folder(al_run: Command, tmp_path: Path) -> None:
    """A strategy's file names a folder, too."""
    (tmp_path / "mine" / "strategy").mkdir(parents=True)
    random = Path(__file__).parents[1] / "conf" / "strategy" / "random.yaml"
    (tmp_path / "mine" / "other.yaml").write_text(random.read_text())
    done = al_run("--config-dir", str(tmp_path / "mine"), "strategy=../other")
    refused(done, "strategy: '../other' is no folder below output_dir")
    assert list(al_run.folder.iterdir()) == []


WITH_DATA = {
    "logger=wandb logger.mode=offlin": ["logger.mode=offlin: did you mean offline?"],
    "optimizer.batch_size=true": ["optimizer.batch_size=true must be a whole number"],
    "schedule.best_epoch_by=val/acuracy": ["is not measured here; did you mean val/accuracy?"],
    "strategy=epsilon_random strategy.strategy=entropy": ["strategy.strategy=entropy must be a part's node"],
}


@pytest.mark.parametrize("override", WITH_DATA)
def test_refused_before_anything_is_written(al_run: Command, tiny: list[str], override: str) -> None:
    refused(al_run(*tiny, *override.split()), *WITH_DATA[override])
    assert list(al_run.folder.iterdir()) == []


@pytest.mark.parametrize("words", [["--help"], ["--cfg", "job"]])
def test_a_reader_that_goes_away(tmp_path: Path, words: list[str]) -> None:
    with subprocess.Popen(
        [COMMAND, *words], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        command.stdout.close()
        assert command.stderr.read() == ""
    assert command.returncode == 141, "as any command that SIGPIPE ends"


def test_results_that_cannot_be_written(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [COMMAND, "--help"], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith("al-run: cannot write to standard output: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_broken_pipe_of_the_users_code_is_an_error(
    al_run: Command, tiny: list[str], tmp_path: Path
) -> None:
    (tmp_path / "mine" / "strategy").mkdir(parents=True)
    (tmp_path / "mine" / "torn.py").write_text(
        "def torn(*_):\n    raise BrokenPipeError(32, 'Broken pipe')\n"
    )
    yaml = "_target_: torn.torn\n_partial_: true\n"
    (tmp_path / "mine" / "strategy" / "torn.yaml").write_text(yaml)
    done = al_run("--config-dir", str(tmp_path / "mine"), "strategy=torn", *tiny)
    assert done.returncode == 1
    assert "BrokenPipeError: [Errno 32] Broken pipe" in done.stderr


def test_a_flag_among_values(al_run: Command) -> None:
    refused(al_run("strategy=entropy", "-m", "seed=1,2"), "seed=1,2 is cut off", "flags come first or last")


@pytest.mark.parametrize("module", ["al_runner", "al_runner.report.cli"])
def test_versions_are_light(module: str, tmp_path: Path) -> None:
    """`--version` imports neither torch nor NumPy nor Pydantic."""
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['x', '--version']\n"
        "try:\n"
        f"    runpy.run_module({module!r}, run_name='__main__')\n"
        "finally:\n"
        "    print([m for m in ('torch', 'numpy', 'pydantic') if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said, loaded = done.stdout.splitlines()
    assert said.split()[0] in ("al-run", "al-report")
    assert said.split()[1][0].isdigit()
    assert loaded == "[]"
