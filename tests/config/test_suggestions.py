"""What a typing error is answered with: one line that names what was meant."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from al_runner import cli
from al_runner.config.keys import nearest_key, no_key
from al_runner.config.parts import Parts
from al_runner.config.schema import known_keys, validate
from al_runner.errors import InputError, instead, nearest
from tests.composing import composed

Refused = Callable[..., str]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Refused:
    """The one line that `al-run` says to words that cannot be composed; nothing is loaded for it."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["al-run", *words])
        monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
        monkeypatch.delenv("AL_RUN_TRACEBACK", raising=False)
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        assert end.value.code == 2
        assert not said.out
        lines = said.err.splitlines()
        assert len(lines) == 1, said.err
        assert lines[0].startswith("al-run: ")
        return lines[0].removeprefix("al-run: ")

    return run


MEANT = {
    "schedule.budgett=3": "schedule.budgett is no key; did you mean schedule.budget?",
    "shedule.budget=3": "shedule.budget is no key; did you mean schedule.budget?",
    "bugdet=3": "bugdet is no key; did you mean schedule.budget?",
    "budget=3": "budget is no key; did you mean schedule.budget?",
    "lr=3": "lr is no key; did you mean optimizer.lr?",
    "model.widht=4": "model.widht is no key; did you mean model.width?",
    "schedule.kappa=.9": "schedule.kappa is no key; did you mean schedule.stable.kappa?",
    "schedule.stable={kapa: 1}": "schedule.stable.kapa is no key; did you mean schedule.stable.kappa?",
    "dataste=phantom": "dataste is no key; did you mean dataset=phantom?",
    "stratgy=entropi": "stratgy is no key; did you mean strategy=entropy?",
    "strategy=entorpy": "there is no strategy=entorpy; did you mean strategy=entropy?",
    "strategy=K-Centre": "there is no strategy=K-Centre; did you mean strategy=k_center?",
    "experiment=alda/4_activ": "there is no experiment=alda/4_activ; did you mean experiment=alda/4_active?",
    "experiment=4_active": "there is no experiment=4_active; did you mean experiment=alda/4_active?",
    "+strategy@schedule.initial=k_centre": "did you mean +strategy@schedule.initial=k_center?",
    "+stratgy@schedule.initial=k_center": "stratgy is no group; did you mean strategy?",
    "strategy=reversed strategy@strategy.strategy=margni": "did you mean strategy@strategy.strategy=margin?",
    "-m seed=1,2 strategy=random,entorpy": "there is no strategy=entorpy; did you mean strategy=entropy?",
    "-m seed=1,2 hydra/launcher=jobilb": "did you mean hydra/launcher=joblib?",
    "hydra/luncher=joblib": "hydra/luncher is no key; did you mean hydra/launcher=joblib?",
    "--cfgg": "--cfgg is no option; did you mean --cfg?",
    "--cfg jobs": "--cfg jobs: did you mean job?",
    "-m logger='csv',none +seed=3": "seed is there already: seed=3 changes it",
    "-m logger=null,csv": "such as logger=none; al-run --help lists them",
    "logger=false": "options, such as logger=none; al-run --help lists them",
    "seed='3'": "seed='3' is text, not a number: without quotes it is one; an environment variable's is "
    "${oc.decode:${oc.env:NAME}}",
    "name=123": "name=123 is a number: with quotes, \"name='…'\", it is a name",
    "output_dir=1_000": "output_dir=1000 is a number: with quotes, \"output_dir='…'\", it is a name",
    "~strateg": "~strateg: strateg is no key; did you mean strategy?",
}


@pytest.mark.parametrize("words", MEANT)
def test_names_what_was_meant(refused: Refused, words: str) -> None:
    asked = [words] if "{" in words else words.split()
    assert refused(*asked).endswith(MEANT[words])


NOT_NEAR = {
    "strategy=zzzzz": "there is no strategy=zzzzz; al-run --help lists them",
    "trainer=zzzzz": "there is no trainer=zzzzz; there are auto, cpu, gpu",
    "experiment=warren": "there are warren/hippocampus, warren/hippocampus_one_shot, warren/phantom_ct",
    "model.zzzzz=1": "model.zzzzz is no key; model has width",
    "zzzzz=1": "zzzzz is no key (al-run --help lists them)",
    "seed": "seed: what is to be set is written as key=value",
    "seed=[1": "seed=[1 cannot be read: no viable alternative at input '[1'; a value with spaces or brackets",
    "+seed=3": "seed is there already: seed=3 changes it",
    "strategy=null": "strategy=null: a group takes the name of one of its options",
    "++strategy=margin": "a group's option is chosen without +: strategy=margin",
    "--config-dir=/no/such/folder": "--config-dir: Additional config directory '/no/such/folder' not found",
    "--config-name=mine": "Cannot find primary config 'mine'",
    "--resolve": "The --resolve flag can only be used in conjunction with --cfg or --help",
}


@pytest.mark.parametrize("word", NOT_NEAR)
def test_says_what_there_is_where_nothing_is_near(refused: Refused, word: str) -> None:
    assert NOT_NEAR[word] in refused(word)


FILES = {
    "defaults: [/strategy@strategy: entorpy]": "mine.yaml: there is no strategy=entorpy; did you mean ent",
    "defaults: [/stratgy@strategy: entropy]": "mine.yaml: stratgy is no group; did you mean strategy?",
    "_target_: [": "mine.yaml, line 1, column 12: expected the node content, but found '<stream end>'",
    "\t_target_: x": "mine.yaml, line 1, column 1: found character '\\t' that cannot start any token",
}


@pytest.mark.parametrize("text", FILES)
def test_a_file_that_cannot_be_composed(refused: Refused, tmp_path: Path, text: str) -> None:
    (tmp_path / "strategy").mkdir()
    (tmp_path / "strategy" / "mine.yaml").write_text(text)
    assert FILES[text] in refused("--config-dir", str(tmp_path), "strategy=mine")


def test_a_package_that_brings_an_option(refused: Refused) -> None:
    try:
        import hydra_plugins.hydra_optuna_sweeper  # noqa: F401
    except ModuleNotFoundError:
        line = refused("-m", "hydra/sweeper=optuna", "seed=1,2")
        assert line == "hydra/sweeper=optuna is not installed: pip install hydra-optuna-sweeper"


BY_THE_SCHEMA = {
    "+schedule.stable.round=3": "schedule.stable.round is no key; did you mean schedule.stable.rounds?",
    "+schedule.epoch=3": "schedule.epoch is no key; did you mean schedule.epochs?",
    "+colour=red": "colour is no key (al-run --help lists them)",
    "keep_checkpoints=lst": "keep_checkpoints=lst: did you mean last?",
    "schedule.initial=k_centre": "schedule.initial=k_centre: did you mean k_center?",
    "seed=${schedule.bugdet}": "seed: schedule.bugdet is no key; did you mean schedule.budget?",
}


@pytest.mark.parametrize("override", BY_THE_SCHEMA)
def test_keys_and_words_that_the_schema_refuses(override: str) -> None:
    with pytest.raises(InputError) as error:
        validate(composed(override))
    assert str(error.value) == BY_THE_SCHEMA[override]


PARTS = {
    "model +model.widht=3": "no argument of al_runner.models.alda.alda_cnn; did you mean width?",
    "model +model.zzzzz=3": "no argument of al_runner.models.alda.alda_cnn; it takes width",
    "oracle +oracle.filp=3": "no argument of al_runner.loop.oracle.Simulated; it takes cost",
    "logger logger=none +logger.mode=3": "NoLogger; it takes none",
    "optimizer +optimizer.algorithm.weight_deacy=3": "of torch.optim.AdamW; did you mean weight_decay?",
    "strategy +strategy.acquisition.bas=3": "uncertainty.entropy; did you mean base?",
    "strategy strategy._target_=al_runner.strategies.hybrid.Bagde": "has no Bagde; did you mean Badge?",
    "strategy strategy._target_=al_runner.strategys.hybrid.Badge": "did you mean strategies?",
    "strategy strategy._target_=al_runner.phantom.load": "did you mean al_runner.data.sets.phantom?",
    "strategy strategy._target_=al_runner.saliency.GradCamm": "al_runner.models.saliency has no GradCamm",
    "strategy strategy._target_=no_such_module.Mine": "there is no module no_such_module in this folder",
    "strategy strategy._target_=Mine": "a dotted name is needed, such as my_module.MyStrategy",
    "strategy strategy._target_=al_runner.strategies.hybrid": "is a module, not what is in it",
    "strategy strategy.acquisition=entropy": "must be a part's node, with a _target_",
    "strategy strategy.reduction=3": "'foreground' or 'per_foreground' or {key: value, …}",
    "strategy strategy=contrastive strategy.neighbors=true": "strategy.neighbors=true must be a whole number",
    "strategy strategy=class_balanced strategy.candidates=nan": "strategy.candidates=nan must be a number",
    "strategy strategy=badge strategy.first=lagrest": "strategy.first=lagrest: did you mean largest?",
    "strategy strategy=pca_kmeans strategy.components=x": "strategy.components=x must be a whole number",
    "model model.width=null": "model.width=null must be a whole number",
    "optimizer optimizer.lr=inf": "optimizer.lr=inf must be a number",
    "optimizer optimizer.milestones=[a]": "optimizer.milestones=a must be a number",
}


@pytest.mark.parametrize("case", PARTS)
def test_what_a_part_does_not_take(case: str) -> None:
    part, *overrides = case.split()
    with pytest.raises(InputError) as error:
        Parts(composed(*overrides))(part)
    assert PARTS[case] in str(error.value)
    assert str(error.value).startswith(f"{part}.")


def test_what_a_users_module_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "needs_more.py").write_text("import no_such_library\n")
    (tmp_path / "half_written.py").write_text("def strategy(:\n")
    for module, why in (("needs_more", "No module named 'no_such_library'"), ("half_written", "SyntaxError")):
        with pytest.raises(InputError, match=f"{module} cannot be imported: {why}"):
            Parts(composed(f"strategy._target_={module}.strategy"))("strategy")


def test_nearest() -> None:
    assert nearest("ENTROPI", ["margin", "entropy"]) == "entropy"
    assert nearest("zzz", ["margin", "entropy"]) is None
    assert nearest("zzz", []) is None
    assert instead("zzz", ["a", "b"]) == "there are a, b"
    many = [f"option_{k}" for k in range(50)]
    assert instead("zzz", many, "see --help") == "see --help"
    assert instead("option_7", many, "see --help") == "did you mean option_7?"


def test_a_key_is_compared_with_its_neighbors_first() -> None:
    keys = list(known_keys())
    assert nearest_key("schedule.plateau.round", keys) == "schedule.plateau.rounds"
    assert nearest_key("schedule.stable.round", keys) == "schedule.stable.rounds"
    assert nearest_key("model.dataset", ["model", "model.width", "dataset"]) == "dataset"
    assert no_key("audit.sample", keys) == "audit.sample is no key; did you mean audit.samples?"
