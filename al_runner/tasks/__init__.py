"""Tasks: what a label means, the loss, the probabilities, the metrics."""

from al_runner.tasks.base import Task
from al_runner.tasks.classification import Binary, MultiClass, MultiLabel
from al_runner.tasks.segmentation import Segmentation

__all__ = ["Binary", "MultiClass", "MultiLabel", "Segmentation", "Task"]
