"""Tasks: what a label means, the loss, the probabilities, the metrics.

Imports `errors` alone. Imported by the rest of `data`, `learning` and `runs`.
"""

from al_runner.data.tasks.base import Loss, Task
from al_runner.data.tasks.classification import Binary, MultiClass, MultiLabel, one_of
from al_runner.data.tasks.overlapping import Overlapping
from al_runner.data.tasks.segmentation import Segmentation
from al_runner.data.tasks.training_loss import TrainingLoss

__all__ = [
    "Binary",
    "Loss",
    "MultiClass",
    "MultiLabel",
    "Overlapping",
    "Segmentation",
    "Task",
    "TrainingLoss",
    "one_of",
]
