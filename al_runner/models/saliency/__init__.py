"""Saliency: a network and images → where in them it sees what it says.

A method is an object that is called as `base.Saliency` says; `conf/saliency` has a file for each.

Imports `data.dataset` and `errors`. Imported by `learning`, `strategies` and `runs`.
"""

from al_runner.models.saliency.base import Explained, Saliency
from al_runner.models.saliency.deep_taylor import DeepTaylor
from al_runner.models.saliency.grad_cam import GradCam
from al_runner.models.saliency.gradients import Gradient, IntegratedGradients
from al_runner.models.saliency.innvestigate import DeepTaylorInnvestigate

__all__ = [
    "DeepTaylor",
    "DeepTaylorInnvestigate",
    "Explained",
    "GradCam",
    "Gradient",
    "IntegratedGradients",
    "Saliency",
]
