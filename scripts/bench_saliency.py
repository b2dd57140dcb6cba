"""Time saliency maps against predictions of the same images.

    python scripts/bench_saliency.py                                      # Deep Taylor, every 2D network
    python scripts/bench_saliency.py --methods deep_taylor zennit --models vgg16 resnet18
    python scripts/bench_saliency.py --edge 64 --samples 200 --device gpu

A turn is `learner.predict` and then the maps of the same noise images by `learner.saliency`, each as a
strategy calls it, by a network with batch norms like those of a trained one. `factor` is the median over the
turns of the maps' time divided by that of the predictions in the same turn, beside the extremes; `ms` are of
the clock, for one image. `zennit` makes Deep Taylor maps with zennit's z⁺ and z^B rules and canonizers, for
the networks that it has some for, in the same chunks.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from al_runner.data.dataset import BLACK, WHITE, Dataset, Split
from al_runner.data.tasks import Binary
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.machine import Machine
from al_runner.learning.optimizer import Optimizer
from al_runner.loop.seeding import Streams
from al_runner.models import vision
from al_runner.models.alda import alda_cnn
from al_runner.models.saliency import DeepTaylor, Explained, GradCam, Gradient, IntegratedGradients, Saliency

MODELS: dict[str, Callable[..., nn.Module]] = {
    "alda_cnn": partial(alda_cnn, width=16),
    "resnet18": partial(vision.resnet, name="resnet18"),
    "resnet18_small": partial(vision.resnet, name="resnet18", base_width=16, stem="imagenet"),
    "resnet50": partial(vision.resnet, name="resnet50"),
    "densenet121": partial(vision.densenet, name="densenet121"),
    "vgg16": partial(vision.vgg, name="vgg16"),
}


class Zennit:
    """Deep Taylor maps by zennit."""

    def __call__(self, network: nn.Module, images: Tensor, explained: Explained) -> Tensor:
        """As every method."""
        from zennit.attribution import Gradient as Attribution
        from zennit.composites import SpecialFirstLayerMapComposite, layer_map_base
        from zennit.rules import ZBox, ZPlus
        from zennit.torchvision import ResNetCanonizer, VGGCanonizer
        from zennit.types import Convolution, Linear

        canonizer = ResNetCanonizer() if hasattr(network, "layer4") else VGGCanonizer()
        composite = SpecialFirstLayerMapComposite(
            [*layer_map_base(), ((Convolution, Linear), ZPlus(zero_params="bias"))],
            [((Convolution,), ZBox(BLACK, WHITE, zero_params="bias"))],
            canonizers=[canonizer],
        )
        with torch.inference_mode(False), Attribution(network, composite) as attribute:
            _, relevance = attribute(images.clone(), lambda outputs: outputs * explained(outputs))
        return relevance.sum(1)


METHODS: dict[str, Saliency] = {
    "deep_taylor": DeepTaylor(),
    "grad_cam": GradCam(),
    "gradient": Gradient(),
    "integrated_gradients": IntegratedGradients(),
    "zennit": Zennit(),
}
HAS_CANONIZER = ("resnet18", "resnet50", "vgg16")


def learner_of(build: Callable[..., nn.Module], options: argparse.Namespace) -> NetworkLearner:
    """An untrained network with batch norms of some training."""
    images = torch.randint(256, (options.samples, 1, options.edge, options.edge)).to(torch.uint8)
    split = Split(images, torch.arange(options.samples) % 2)
    dataset = Dataset("noise", dict.fromkeys(("train", "val", "test"), split), Binary(), "none")
    machine = Machine.detect(options.device, "32", options.threads)
    recipe = Optimizer(torch.optim.AdamW, lr=1e-3, batch_size=16)
    learner = NetworkLearner(dataset, build, recipe, machine, Streams(0))
    for module in learner.network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return learner


def seconds(machine: Machine, work: Callable[[], Any]) -> float:
    """Of the clock."""
    start = time.perf_counter()
    work()
    if machine.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def compare(name: str, options: argparse.Namespace) -> list[str]:
    """A line of the table for each method."""
    learner = learner_of(MODELS[name], options)
    indices = torch.arange(options.samples)
    methods = [each for each in options.methods if each != "zennit" or name in HAS_CANONIZER]
    works = [partial(learner.predict, indices)]
    works += [partial(learner.saliency, indices, METHODS[each]) for each in methods]
    for work in works:
        work()
    turns = [[seconds(learner.machine, work) for work in works] for _ in range(options.repeats)]
    lines = []
    for place, method in enumerate(methods, 1):
        factors = sorted(turn[place] / turn[0] for turn in turns)
        ms = [1000 * median(turn[k] for turn in turns) / options.samples for k in (0, place)]
        lines.append(
            f"{name:<15} {method:<21} {median(factors):>7.2f} {factors[0]:>7.2f} {factors[-1]:>7.2f}"
            f" {ms[0]:>11.3f} {ms[1]:>8.3f}"
        )
    return lines


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options; ends the program where they are wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["deep_taylor"])
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    counts = {
        "samples": (500, "images"),
        "edge": (28, "of an image, in pixels"),
        "repeats": (5, "turns"),
        "threads": (1, "of PyTorch"),
    }
    for name, (default, what) in counts.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{what}; %(default)s")
    options = parser.parse_args(argv)
    if min(getattr(options, name) for name in counts) < 1 or options.samples < 2 or options.edge < 28:
        parser.error("counts must be at least 1, --samples at least 2 and --edge at least 28")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    options = parse(argv)
    print(
        f"{options.samples} images of {options.edge}×{options.edge}, {options.device}, {options.threads} "
        f"threads, PyTorch {torch.__version__}\n"
    )
    columns = f"{'factor':>7} {'lowest':>7} {'highest':>7} {'predict_ms':>11} {'map_ms':>8}"
    print(f"{'network':<15} {'method':<21} {columns}")
    for name in options.models:
        print("\n".join(compare(name, options)), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
