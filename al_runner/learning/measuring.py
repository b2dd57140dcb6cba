"""What predictions of a split are worth."""

from collections.abc import Iterator, Mapping, Sequence
from sys import intern

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics import MetricCollection

from al_runner.data.tasks import Task
from al_runner.data.tasks.bit_fields import planes
from al_runner.errors import InputError, instead
from al_runner.learning.inference import blocks
from al_runner.learning.intervals import intervals, of_dice
from al_runner.loop.protocols import Evaluation

SURE = 20.0
"""A logit that leaves no doubt."""


def measure(
    name: str,
    targets: Tensor,
    indices: Tensor,
    predictions: Iterator[Tensor],
    task: Task,
    metrics: MetricCollection,
    keep_predictions: bool = False,
    patients: Sequence[str] = (),
    owners: Sequence[str] = (),
) -> Evaluation:
    """The metrics of a split, whose predictions come in chunks.

    Args:
        name: of the split, for the names of results.
        targets: of the split, [N, ...].
        indices: int64 [n], the samples that are predicted.
        predictions: probabilities of them, chunk by chunk, in order.
        task: what is kept of a prediction.
        metrics: the task's, on the device of the predictions.
        keep_predictions: also return what the task keeps of each prediction, and but for masks the targets,
            and a number for each patient.
        patients: of the samples of a split that is a random sample, for intervals; empty = it is given.
        owners: the patients of the split's samples, where they are known; kept with predictions.
    """
    if not len(indices):  # there is no such split
        return Evaluation()
    seen = 0
    kept: list[Tensor] = []
    predicted: list[Tensor] = []
    metrics.reset()
    with torch.inference_mode():
        for probs in blocks(predictions):
            true = targets[indices[seen : seen + len(probs)]].to(probs.device)
            metrics.update(probs, true)
            seen += len(probs)
            if patients and not task.dense:
                predicted.append(probs.cpu())
            if keep_predictions:
                kept_as, part = task.kept(probs, true)
                kept.append(part.cpu())
        results = metrics.compute()
    shown = {key: value for key, value in results.items() if value.ndim == 0}
    scalars = {intern(f"{name}/{key}"): decimal(value) for key, value in shown.items()}  # kept for each round
    if patients:
        whose = [patients[index] for index in indices.tolist()]
        if task.dense:
            bounds = of_dice(results["dice_images"].cpu().numpy(), whose)
        else:
            bounds = intervals(torch.cat(predicted), targets[indices], whose)
        scalars |= {f"{name}/{key}": value for key, value in bounds.items()}
    arrays = {f"{key}_{name}": value.cpu().numpy() for key, value in results.items() if value.ndim}
    if kept:
        arrays[f"{kept_as}_{name}"] = torch.cat(kept).numpy()
        if not task.dense:
            arrays[f"targets_{name}"] = targets[indices].cpu().numpy()
        if owners:
            numbers = {owner: number for number, owner in enumerate(dict.fromkeys(owners))}
            arrays[f"patients_{name}"] = np.array([numbers[owners[index]] for index in indices.tolist()])
    return Evaluation(scalars, arrays)


def together(found: Sequence[Evaluation]) -> Evaluation:
    """Evaluations of several splits as one."""
    metrics = {key: value for each in found for key, value in each.metrics.items()}
    return Evaluation(metrics, {key: value for each in found for key, value in each.arrays.items()})


def check_decides(key: str, metric: str, task: Task, *validation: Tensor) -> None:
    """Refuse a validation metric that the task does not have, that is not better where it is higher, or
    that some validation split cannot tell: it is empty, or even perfect predictions would score nothing.

    Args:
        key: that asks for the metric.
        metric: `val/<metric>`.
        task: whose metrics there are.
        validation: the targets of each validation split that is measured.

    Raises:
        InputError: names the value and what there is.
    """
    known = [f"val/{name}" for name, each in task.metrics().items() if each.higher_is_better]
    if metric not in known:
        raise InputError(f"{key}={metric} is not measured here; {instead(metric, known)}")
    for targets in validation:
        if not len(targets):
            raise InputError(f"{key}={metric} needs a validation split, and these data have none")
        score = float(_of_perfect_predictions(task, targets)[metric.removeprefix("val/")])
        if not score > 0:
            counts = ", ".join(map(str, task.count(targets).tolist()))
            raise InputError(
                f"{key}={metric} means nothing on this validation split: perfect predictions would score "
                f"{score:g} ({len(targets)} samples, of each class: {counts}); choose another metric or split"
            )


def _of_perfect_predictions(task: Task, targets: Tensor) -> Mapping[str, Tensor]:
    """What the metrics make of predictions that are sure of the truth."""
    if task.dense:
        targets = _small_mask(task, targets)
    if task.dense and task.several:
        true = planes(targets, task.n_outputs)
    elif task.n_outputs > 1 and (task.dense or targets.ndim == 1):
        true = F.one_hot(targets.long(), task.n_outputs).movedim(-1, 1)
    else:
        true = targets.reshape(len(targets), task.n_outputs)
    metrics = task.metrics()
    metrics.update(task.probabilities(SURE * (2 * true.float() - 1)), targets)
    return metrics.compute()


def _small_mask(task: Task, targets: Tensor) -> Tensor:
    """One mask of few pixels that has every label which some mask has: the same metrics are defined."""
    labels = task.count(targets).nonzero().flatten()
    labels = (1 << labels if task.several else labels).to(targets.dtype)
    edge = len(labels) + 1
    mask = torch.zeros(1, *[edge] * (targets.ndim - 1), dtype=targets.dtype)
    for place, label in enumerate(labels):
        mask[0, place] = label
    return mask


def decimal(value: Tensor) -> float:
    """A float32 as the number that its seven significant digits spell, for readable records."""
    return float(f"{float(value):.7g}")
