"""Saliency: a network and images → where in them it sees what it says.

A method is an object that is called as `base.Saliency` says; `conf/saliency` has a file for each.
"""

from al_runner.saliency.base import Explained, Saliency
from al_runner.saliency.deep_taylor import DeepTaylor
from al_runner.saliency.grad_cam import GradCam
from al_runner.saliency.gradients import Gradient, IntegratedGradients

__all__ = ["DeepTaylor", "Explained", "GradCam", "Gradient", "IntegratedGradients", "Saliency"]
