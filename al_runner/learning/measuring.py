"""What predictions of a split are worth."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torchmetrics import MetricCollection

from al_runner.errors import InputError, instead
from al_runner.learning.inference import blocks
from al_runner.loop.protocols import Evaluation
from al_runner.tasks import Task


def measure(
    name: str,
    targets: Tensor,
    indices: Tensor,
    predictions: Iterator[Tensor],
    task: Task,
    metrics: MetricCollection,
    keep_predictions: bool = False,
) -> Evaluation:
    """The metrics of a split, whose predictions come in chunks.

    Args:
        name: of the split, for the names of results.
        targets: of the split, [N, ...].
        indices: int64 [n], the samples that are predicted.
        predictions: probabilities of them, chunk by chunk, in order.
        task: what is kept of a prediction.
        metrics: the task's, on the device of the predictions.
        keep_predictions: also return what the task keeps of each prediction.
    """
    seen = 0
    kept: list[Tensor] = []
    metrics.reset()
    with torch.inference_mode():
        for probs in blocks(predictions):
            true = targets[indices[seen : seen + len(probs)]].to(probs.device)
            metrics.update(probs, true)
            seen += len(probs)
            if keep_predictions:
                kept_as, part = task.kept(probs, true)
                kept.append(part.cpu())
        results = metrics.compute()
    scalars = {f"{name}/{key}": decimal(value) for key, value in results.items() if value.ndim == 0}
    arrays = {f"{key}_{name}": value.cpu().numpy() for key, value in results.items() if value.ndim}
    if kept:
        arrays[f"{kept_as}_{name}"] = torch.cat(kept).numpy()
    return Evaluation(scalars, arrays)


def check_decides(key: str, metric: str, task: Task) -> None:
    """Refuse a validation metric that the task does not have, or that is not better where it is higher.

    Raises:
        InputError: names the value and what there is.
    """
    known = [f"val/{name}" for name, each in task.metrics().items() if each.higher_is_better]
    if metric not in known:
        raise InputError(f"{key}={metric} is not measured here; {instead(metric, known)}")


def decimal(value: Tensor) -> float:
    """A float32 as the number that its seven significant digits spell, for readable records."""
    return float(f"{float(value):.7g}")
