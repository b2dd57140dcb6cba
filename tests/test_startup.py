"""What a run imports before it trains, and that the rest comes when somebody asks for it.

One process tells everything: a run whose optimizer, code of the user's, looks around after its first step.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.commands import Command
from tests.conftest import layout, tiny_run

SELDOM_NEEDED = {
    "captum": "integrated gradients",
    "joblib": "scikit-learn",
    "kornia": "augmentation",
    "matplotlib": "torchmetrics' plots, reports",
    "medmnist.dataset": "the package's own loaders; its table of data sets is what is read",
    "monai": "its networks, patches",
    "nibabel": "NIfTI files",
    "pandas": "scikit-learn, medmnist",
    "requests": "downloads, W&B",
    "scipy": "torchmetrics' audio, Hausdorff distances, radiomics, clustering",
    "sklearn": "clustering, forests",
    "sympy": "torch's compiler",
    "tensorboard": "its logger",
    "torch._dynamo.utils": "torch's compiler",
    "torch._inductor": "torch's compiler",
    "torchmetrics.detection": "nothing here",
    "torchmetrics.functional.image": "nothing here",
    "torchvision": "its networks, downloads",
    "wandb": "its logger",
}
"""Module → what it is imported for."""

USER_CODE = '''
import json, sys
import torch

class Optimizer(torch.optim.AdamW):
    seen = None

    def step(self):
        super().step()
        if Optimizer.seen is None:
            Optimizer.seen = {"before": sorted(sys.modules), **look_around(self)}
            with open("seen.json", "w") as file:
                json.dump(Optimizer.seen, file)

def look_around(optimizer):
    """Use what waits, in the ways in which libraries and people do."""
    from lightning_fabric.wrappers import _unwrap_compiled
    from torchmetrics.classification import BinaryConfusionMatrix

    linear = torch.nn.Linear(2, 2)
    disabled = torch.compiler.disable(lambda x: x + 1)
    named = torch._dynamo.disable(fn=lambda x: x + 2)(1)
    early = disabled(1)
    import torch._dynamo.config as config
    compiled = torch.compile(linear, backend="eager")
    compiled(torch.zeros(1, 2)).sum().backward()
    own = torch.optim.SGD(linear.parameters(), lr=0.1)

    @torch.compile(backend="eager")
    def train():
        own.step()
        own.zero_grad()
        return disabled(torch.ones(1))

    late = train()
    import matplotlib
    matplotlib.use("agg")
    metric = BinaryConfusionMatrix()
    metric.update(torch.tensor([0, 1]), torch.tensor([1, 1]))
    figure, _ = metric.plot()

    import cloudpickle
    import medmnist
    import torchmetrics
    from torchmetrics.detection import MeanAveragePrecision
    from torchmetrics.functional.image import structural_similarity_index_measure

    return {
        "disabled": [early, named, late.item()],
        "one config": config is torch._dynamo.config is sys.modules["torch._dynamo.config"],
        "unwrapped": _unwrap_compiled(compiled)[0] is linear and _unwrap_compiled(linear)[0] is linear,
        "a plot": type(figure).__module__,
        "names": [
            medmnist.PathMNIST.flag,
            MeanAveragePrecision.__name__,
            torchmetrics.Accuracy.__name__,
            torchmetrics.functional.accuracy.__name__,
        ],
        "one class": torchmetrics.Metric is torchmetrics.metric.Metric,
        "pickled": cloudpickle.loads(cloudpickle.dumps(torchmetrics)) is torchmetrics,
        "kinds": sorted({type(module).__name__ for name, module in list(sys.modules.items())
                         if name.startswith(("torch._dynamo", "torchmetrics", "medmnist"))}),
    }
'''


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the optimizer of a small run found."""
    folder: Path = tmp_path_factory.mktemp("startup")
    np.savez(folder / "small.npz", **layout())
    (folder / "user_code.py").write_text(USER_CODE)
    done = Command(folder).truly(
        *tiny_run(folder / "small.npz"), "optimizer.algorithm._target_=user_code.Optimizer"
    )
    assert done.returncode == 0, done.stderr
    assert "leaked" not in done.stderr, "what was compiled goes in peace"
    return json.loads((folder / "seen.json").read_text())


@pytest.mark.slow
def test_a_run_imports_what_it_needs(seen: dict[str, Any]) -> None:
    before = set(seen["before"])
    assert {"torch", "pytorch_lightning", "torchmetrics.classification"} <= before, "it is a run"
    assert sorted(before & set(SELDOM_NEEDED)) == []


def test_what_waits_is_there_for_those_who_use_it(seen: dict[str, Any]) -> None:
    assert seen["disabled"] == [2, 3, 2]
    assert seen["one config"], "a module inside the compiler is imported once"
    assert seen["unwrapped"], "Lightning knows a compiled network from another"
    assert seen["a plot"] == "matplotlib.figure"
    assert seen["names"] == ["pathmnist", "MeanAveragePrecision", "Accuracy", "accuracy"]
    assert seen["one class"]
    assert seen["pickled"]
    assert "DeferredModule" not in seen["kinds"], "all were used"
