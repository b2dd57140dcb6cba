"""From a config to the parts of a run; nothing is written before all of them could be built."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from al_runner.config.schema import Config
from al_runner.data.dataset import Dataset, Split
from al_runner.data.joined import joined
from al_runner.data.noise import with_noise
from al_runner.data.tasks import TrainingLoss
from al_runner.data.transforms import Transforms, placed
from al_runner.errors import InputError, blaming, within
from al_runner.learning.inference import check_lone, check_output
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.linear import LinearLearner
from al_runner.learning.machine import Machine
from al_runner.learning.patches import Patches
from al_runner.learning.posterior import Posterior
from al_runner.learning.switching import SwitchingLearner
from al_runner.loop.experiment import Experiment
from al_runner.loop.pool import Pool
from al_runner.loop.protocols import Learner, Strategy
from al_runner.loop.schedule import Plan
from al_runner.loop.seeding import Streams
from al_runner.loop.switching import KEY as SWITCH
from al_runner.loop.switching import Switch
from al_runner.models import NetworkBuilder
from al_runner.runs.checks import check_fits, check_has_epochs, check_metrics, check_unlabeled
from al_runner.runs.encoding import Encoding
from al_runner.runs.people import Readers, readers
from al_runner.runs.proxy import Proxy
from al_runner.runs.review import Audit, Review
from al_runner.strategies.checks import check_maps, maps_of
from al_runner.strategies.initial import initial, known_first
from al_runner.strategies.memory import memory_of


class Parts(Protocol):
    """Builds a config node by its name."""

    def __call__(self, name: str, **arguments: Any) -> Any:
        """What the node `name` describes."""


@dataclass(frozen=True)
class Setting:
    """What a run is about, before there is a model.

    Attributes:
        machine: computes it.
        dataset: as the run sees it, so after an augmentation of the pool.
        plan: its rounds.
        training_loss: what a training minimizes.
        transforms: change training batches; None = nothing does.
        patches: what of an image networks see at once; None = all.
        switch: to a second data set, whose training samples follow those of the first; None = there is one.
        later: the splits that are measured after it.
        proxy: what strategies ask; None = the network that the run is about.
        encoding: features that strategies see and a head learns from; None = there is no encoder.
        readers: the people who label; None = nobody is asked.
    """

    machine: Machine
    dataset: Dataset
    plan: Plan
    training_loss: TrainingLoss
    transforms: Transforms | None
    patches: Patches | None
    switch: Switch | None
    later: Mapping[str, Split]
    proxy: Proxy | None = None
    encoding: Encoding | None = None
    readers: Readers | None = None


def prepare(config: Config, parts: Parts, folder: Path = Path(), command: str = "al-run") -> Setting:
    """The data, and what is to be done with them.

    Args:
        config: the typed config.
        parts: builds its nodes.
        folder: the run folder, where people's answers lie.
        command: what goes on with the run.

    Raises:
        InputError: something asked for cannot be done with these data or on this machine.
    """
    machine = Machine.detect(**config.trainer.model_dump())
    dataset, later, first = _data(config, parts)
    people = readers(dataset, parts("oracle"), folder, command)
    if people:
        check_unlabeled(config)
        dataset = people.told()
    training_loss = TrainingLoss(**config.loss.model_dump())
    dataset = replace(dataset, task=training_loss.task(dataset.task))
    plan = config.schedule.build().plan(len(dataset.train))
    switch = _switch(config, plan, first, len(dataset.train) - first)
    check_metrics(config, dataset, later)
    patches = Patches(**config.patches.model_dump()) if config.patches.size else None
    if patches:
        patches.check(dataset)
    encoding = Encoding.prepared(config, parts, machine, dataset)
    proxy = Proxy.prepared(config, parts, machine, dataset)
    dataset, transforms = placed(
        config.augmentation.placement,
        partial(parts, "transforms"),
        dataset,
        Streams(config.seed),
        machine.device,
    )
    return Setting(
        machine, dataset, plan, training_loss, transforms, patches, switch, later, proxy, encoding, people
    )


def _data(config: Config, parts: Parts) -> tuple[Dataset, Mapping[str, Split], int]:
    """What is learned from, what is measured after a switch, and the first data set's training samples."""
    dataset: Dataset = parts("dataset")
    first, later, switch = len(dataset.train), dict[str, Split](), config.schedule.switch_dataset
    if switch is not None:
        second: Dataset = parts(f"{SWITCH}.dataset")
        dataset = joined(dataset, second)
        if switch.measure == "second":
            later = {name: second.splits[name] for name in ("val", "test")}
    noise, streams = config.image_noise, Streams(config.seed)
    if noise.sigma:
        dataset = replace(dataset, splits=with_noise(dataset.splits, noise.sigma, noise.splits, streams))
        later = with_noise(later, noise.sigma, noise.splits, streams, part=1)
    return dataset, later, first


def _switch(config: Config, plan: Plan, first: int, second: int) -> Switch | None:
    """The switch that is asked for, if any: after the first data set's training samples."""
    schedule = config.schedule
    if schedule.switch_dataset is None:
        return None
    if schedule.switch_dataset.measure == "second" and (
        schedule.target.value is not None or schedule.plateau.rounds is not None
    ):
        raise InputError(
            f"schedule.target and schedule.plateau follow one validation split, and {SWITCH} changes it: "
            f"leave them out, or set {SWITCH}.measure=first"
        )
    sizes = [step.size for step in plan.rounds]
    return Switch.planned(schedule.switch_dataset.at, sizes, first, second)


def build(setting: Setting, config: Config, parts: Parts, on_epoch: Callable[[int, int], None]) -> Experiment:
    """The experiment itself; `on_epoch` is told (epochs done, epochs in all) while a round trains.

    Raises:
        InputError: a part cannot be built from its config's values.
    """
    dataset, streams, proxy = setting.dataset, Streams(config.seed), setting.proxy
    seen = proxy.dataset if proxy else dataset
    posterior, first, strategy = _choosing(setting, config, parts)
    oracle = parts("oracle")
    own = learner_of(setting, config, parts, None if proxy else posterior, on_epoch)
    learner: Learner = own
    if proxy and isinstance(own, NetworkLearner):
        learner = proxy.beside(own, parts, posterior, setting.plan.rounds[0].size)
        first, strategy = proxy.seen_by(first), proxy.seen_by(strategy)
    asked = config.audit
    audit = Audit(asked.samples, parts("audit.saliency"), seen, asked.follow) if asked.samples else None
    methods = {"schedule.initial": maps_of(first), "strategy": maps_of(strategy)}
    with within("proxy") if proxy else nullcontext():
        check_maps(learner, {**methods, "audit": [audit.saliency] if audit else []})
    with blaming("oracle"):
        annotator = oracle(
            targets=dataset.train.labels if dataset.train.answers else dataset.train.targets,
            n_classes=dataset.task.n_classes,
            generator=streams.generator("oracle"),
        )
    if setting.readers:
        annotator = setting.readers.before(annotator, dataset)
        first = known_first(first, setting.readers.dataset.train)
    return Experiment(
        pool=Pool(len(dataset.train), setting.switch),
        learner=learner,
        oracle=annotator,
        initial=first,
        strategy=strategy,
        streams=streams,
        plan=setting.plan,
        review=Review(strategy, config.keep_pool, audit) if config.keep_pool or audit else None,
        memory=memory_of(strategy),
    )


def _choosing(setting: Setting, config: Config, parts: Parts) -> tuple[Posterior, Strategy, Strategy]:
    """The posterior, what chooses round 0's samples, and what chooses those of every later round."""
    posterior, strategy, proxy = parts("posterior"), parts("strategy"), setting.proxy
    seen = proxy.dataset if proxy else setting.dataset
    first = _first_query(config, seen, parts, strategy)
    with within("proxy") if proxy else nullcontext():
        for each in (first, strategy):
            check_fits(each, seen, posterior, setting.encoding)
    return posterior, first, strategy


def encoder_is_awaited(setting: Setting, config: Config, parts: Parts) -> bool:
    """Whether people can label what models are measured on while an encoder has yet to learn.

    On a GPU that takes little time, and a run's precision is measured with the features.

    Raises:
        InputError: the run could not be built once it has learned.
    """
    readers, encoding = setting.readers, setting.encoding
    if not (readers and encoding and readers.sample_is_open(setting.dataset)):
        return False
    posterior, _, _ = _choosing(setting, config, parts)
    awaited = encoding.has_yet_to_learn(setting.training_loss, posterior)
    return awaited and setting.machine.device.type == "cpu"


def learner_of(
    setting: Setting,
    config: Config,
    parts: Parts,
    posterior: Posterior | None,
    on_epoch: Callable[[int, int], None],
) -> NetworkLearner | LinearLearner:
    """The learner that the run is about."""
    plan, streams, encoding = setting.plan, Streams(config.seed), setting.encoding
    shared: dict[str, Any] = {
        "machine": setting.machine,
        "streams": streams,
        "training_loss": setting.training_loss,
        "posterior": posterior,
        "keep_predictions": config.keep_predictions,
    }
    if encoding and (linear := encoding.linear(**shared)):
        check_has_epochs(config)
        return linear
    dataset, recipe = setting.dataset, parts("optimizer")
    make: Callable[..., NetworkLearner] = NetworkLearner
    if encoding:
        dataset, network, recipe, make = encoding.network(dataset, recipe)
    else:
        network = parts("model")
    if setting.switch is not None:
        make = partial(SwitchingLearner, switch=setting.switch, later=setting.later)
    final_model = _final_model(setting, streams, parts, recipe.batch_size) if plan.final_model else None
    with blaming("model or optimizer"):
        learner = make(
            dataset,
            build_network=network,
            recipe=recipe,
            build_final=final_model,
            patches=setting.patches,
            transforms=setting.transforms,
            best_epoch_by=config.schedule.best_epoch_by,
            keep_epochs=config.keep_epochs,
            train_on_validation=config.schedule.train_on_validation,
            warm=not all(step.reset for step in plan.rounds),
            on_epoch=on_epoch,
            **shared,
        )
    check_output(learner.network, dataset, setting.machine)
    fewest = min(plan.rounds[0].size, recipe.batch_size)
    size = setting.patches.size if setting.patches else None
    check_lone(learner.network, dataset, setting.machine, fewest, size)
    return learner


def _first_query(config: Config, dataset: Dataset, parts: Parts, strategy: Strategy) -> Strategy:
    """What chooses round 0's samples: one of the usual ways by its name, `strategy`, or any by its node."""
    key, how = "schedule.initial", config.schedule.initial
    chosen = strategy if how == "strategy" else how if isinstance(how, str) else parts(key)
    if not isinstance(chosen, str) and not callable(chosen):
        raise InputError(f"{key} needs a _target_: +strategy@{key}=max_herding takes one of conf/strategy")
    features = config.schedule.initial_features
    if config.encoder is not None and features == "images":  # as embeddings, the encoder's features of them
        features = "model"
    return initial(chosen, features, dataset.train)


def _final_model(setting: Setting, streams: Streams, parts: Parts, batch_size: int) -> NetworkBuilder:
    """The final model's builder, tried once: it is needed when everything else is done."""
    key = "schedule.final_model.model"
    build: NetworkBuilder = parts(key)
    if not callable(build):
        raise InputError(f"{key} needs a _target_: +model@{key}=alda_cnn takes one of conf/model")
    dataset, machine = setting.dataset, setting.machine
    with within("schedule.final_model"):
        with blaming(key), streams.as_global("model"):
            whole = setting.patches.build(build) if setting.patches else build
            network = whole(dataset.channels, dataset.task.n_outputs, dataset.image_size)
        check_output(network.to(machine.device), dataset, machine)
        check_lone(network, dataset, machine, batch_size, setting.patches.size if setting.patches else None)
    return build
