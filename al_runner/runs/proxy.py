"""The proxy of a run: another task of the same samples, whose network says what to label.

So the ideal system chooses the images that are outlined: a segmentation has no saliency maps, a classifier
of the same images has (Mahapatra, Poellinger, Shao and Reyes, 2021, section III-C).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from al_runner.config.schema import Config, ProxyConfig
from al_runner.data.dataset import Dataset
from al_runner.data.noise import with_noise
from al_runner.data.transforms import Transforms, placed
from al_runner.errors import InputError, blaming, within
from al_runner.learning.inference import check_lone, check_output
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.machine import Machine
from al_runner.learning.measuring import check_decides
from al_runner.learning.posterior import Posterior
from al_runner.learning.proxied import ProxiedLearner
from al_runner.loop.protocols import Strategy
from al_runner.loop.seeding import Streams
from al_runner.strategies.proxied import OfProxy

KEY = "proxy"


@dataclass(frozen=True)
class Proxy:
    """What of a run's proxy there is before there is a model.

    Attributes:
        asked: what it is to be.
        dataset: the same training samples with labels of their own, as the run sees it.
        transforms: change its training batches; None = nothing does.
        streams: of their own, so that the run's network is trained as without a proxy.
    """

    asked: ProxyConfig
    dataset: Dataset
    transforms: Transforms | None
    streams: Streams

    @classmethod
    def prepared(
        cls, config: Config, parts: Callable[..., Any], machine: Machine, main: Dataset
    ) -> "Proxy | None":
        """The proxy that is asked for, if any; its images get the noise and the augmentation of the run's.

        Raises:
            InputError: it has other samples than the run, or something asked for cannot be done with it.
        """
        if config.proxy is None:
            return None
        if config.schedule.switch_dataset is not None:
            raise InputError("proxy knows the samples of one data set: leave out schedule.switch_dataset")
        with within(KEY):
            dataset: Dataset = parts(f"{KEY}.dataset")
        check_same_samples(main, dataset)
        if (metric := config.proxy.best_epoch_by) is not None:
            check_decides(f"{KEY}.best_epoch_by", metric, dataset.task, dataset.splits["val"].targets)
        noise, streams = config.image_noise, Streams(config.seed, branch=KEY)
        if noise.sigma:
            dataset = replace(dataset, splits=with_noise(dataset.splits, noise.sigma, noise.splits, streams))
        with within(KEY):
            dataset, transforms = placed(
                config.augmentation.placement, partial(parts, "transforms"), dataset, streams, machine.device
            )
        return cls(config.proxy, dataset, transforms, streams)

    def beside(
        self, main: NetworkLearner, parts: Callable[..., Any], posterior: Posterior, fewest: int
    ) -> ProxiedLearner:
        """The run's learner with a proxy that answers for it.

        Args:
            main: the learner that the run is about.
            parts: builds nodes by their names.
            posterior: what strategies sample the proxy over.
            fewest: labels of the smallest training.

        Raises:
            InputError: its network cannot be built, or is not for such data.
        """
        network, recipe = parts(f"{KEY}.model"), parts(f"{KEY}.optimizer")
        with within(KEY), blaming("model or optimizer"):
            proxy = NetworkLearner(
                self.dataset,
                build_network=network,
                recipe=recipe,
                machine=main.machine,
                streams=self.streams,
                posterior=posterior,
                transforms=self.transforms,
                best_epoch_by=self.asked.best_epoch_by,
                warm=main.warm,
                keep_predictions=main.keep_predictions,
                on_epoch=main.on_epoch,
            )
            check_output(proxy.network, self.dataset, main.machine)
            check_lone(proxy.network, self.dataset, main.machine, min(fewest, recipe.batch_size))
        return ProxiedLearner(main, proxy, self.asked.epochs)

    def seen_by(self, strategy: Strategy) -> Strategy:
        """The strategy, which sees the proxy's labels."""
        return OfProxy(strategy, self.dataset.train.targets)


def check_same_samples(main: Dataset, proxy: Dataset) -> None:
    """Refuse a proxy of other training samples, as far as can be told: by their number, and their names.

    Raises:
        InputError: says where they differ.
    """
    ours, theirs = main.train, proxy.train
    if len(ours) != len(theirs):
        raise InputError(
            f"proxy.dataset must have the training samples of dataset: {proxy.name} has {len(theirs)}, "
            f"{main.name} {len(ours)}"
        )
    pairs = zip(ours.names, theirs.names, strict=False)  # one may know no names
    other = next(((index, *pair) for index, pair in enumerate(pairs) if pair[0] != pair[1]), None)
    if other is not None:
        index, our, their = other
        raise InputError(
            f"proxy.dataset must have the training samples of dataset, in their order: sample {index} of "
            f"{proxy.name} is {their}, of {main.name} {our}"
        )
