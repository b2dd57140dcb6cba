"""DINO: a network learns from the mean of its own past."""

import copy
import math
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor

from al_runner.learning.encoders.base import needed
from al_runner.learning.encoders.features import Features
from al_runner.learning.encoders.method import Method
from al_runner.learning.encoders.selfsupervised import SelfSupervised
from al_runner.learning.encoders.views import Views, joined
from al_runner.values import Natural, Positive, Several, Share

SMALLEST = 0.05
"""Share of an image that local views show, at least."""
FROZEN = 0.02
"""Share of the training in which the head's last layer stays as it was."""


@dataclass(frozen=True, kw_only=True)
class DINO(SelfSupervised):
    """DINO (Caron, Touvron, Misra, Jégou, Mairal, Bojanowski and Joulin, 2021), by lightly's loss and head.

    The student's softmax over `prototypes` of every view is to be that of a teacher for two global views. The
    teacher's weights are a moving mean of the student's; its outputs are centered, so that they do not
    collapse. The teacher is what is kept.

    Args:
        views: of both; `crop` is that of global views, local ones show 5 % up to its lower bound.
        local_views: small views that the student alone sees, of half the edges if its network takes them.
        momentum: of the teacher at the start; it rises to 1 along a cosine.
        teacher_temperature, student_temperature: of their softmax.
        hidden: units of the head's hidden layers.
        prototypes: its outputs.
    """

    views: Views = field(default_factory=Views)
    local_views: Natural = 4
    momentum: Share = 0.99
    teacher_temperature: Positive = 0.04
    student_temperature: Positive = 0.1
    hidden: Annotated[int, Ge(4)] = 256
    prototypes: Several = 1024

    name: ClassVar[str] = "dino"

    def method(self, features: Features) -> Method:
        """Student and teacher."""
        return _DINO(features, self)


class _DINO(Method):
    def __init__(self, features: Features, options: DINO) -> None:
        super().__init__(features)
        heads = needed("lightly.models.modules.heads", "encoder=dino", "encoders")
        losses = needed("lightly.loss.dino_loss", "encoder=dino", "encoders")
        self.options = options
        least = options.views.crop[0]
        self.local, self.small = replace(options.views, crop=(min(SMALLEST, least), least)), _half(features)
        size = (features.size, options.hidden, options.hidden // 4, options.prototypes)
        self.teacher: Features = copy.deepcopy(features)
        self.head: Any
        self.head, self.teacher_head = (heads.DINOProjectionHead(*size, batch_norm=True) for _ in range(2))
        self.teacher_head.load_state_dict(self.head.state_dict())
        for each in (*self.teacher.parameters(), *self.teacher_head.parameters()):
            each.requires_grad_(False)
        self.criterion: Any = losses.DINOLoss(
            options.prototypes,
            teacher_temp=options.teacher_temperature,
            student_temp=options.student_temperature,
        )

    def loss(self, images: Tensor, draws: torch.Generator, done: float) -> Tensor:
        """The student's cross-entropy with the teacher, over pairs of different views."""
        self.head.last_layer.weight_v.requires_grad_(done >= FROZEN)
        whole = [self.options.views(images, draws) for _ in range(2)]
        parts = [self.local(images, draws, self.small) for _ in range(self.options.local_views)]
        with torch.no_grad():
            taught = self.teacher_head(self.teacher(joined(whole))).float().chunk(2)
        said = [*self.head(self.features(joined(whole))).float().chunk(2)]
        if parts:
            said += self.head(self.features(joined(parts))).float().chunk(len(parts))
        return self.criterion(list(taught), said)

    def stepped(self, done: float) -> None:
        """The teacher follows."""
        keep = 1 - (1 - self.options.momentum) * (math.cos(math.pi * done) + 1) / 2
        pairs = ((self.features, self.teacher), (self.head, self.teacher_head))
        with torch.no_grad():
            for student, teacher in pairs:
                for new, old in zip(student.parameters(), teacher.parameters(), strict=True):
                    old.lerp_(new, 1 - keep)

    @property
    def learned(self) -> Features:
        """The teacher's."""
        return self.teacher


def _half(features: Features) -> list[int] | None:
    """Half the edges of the images, if the network takes such ones; None = the whole ones."""
    channels, *whole = features.shape
    edges = [max(1, edge // 2) for edge in whole]
    try:
        with torch.no_grad():
            copy.deepcopy(features).eval()(torch.zeros(1, channels, *edges))
    except (RuntimeError, ValueError):
        return None
    return edges
