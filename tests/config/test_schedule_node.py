"""What a schedule refuses of itself."""

import pytest

from al_runner.config.schema import validate
from al_runner.errors import InputError
from tests.composing import composed

WITH_VALIDATION = "schedule.train_on_validation=true"


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("schedule.best_epoch_by=val/accuracy", "best_epoch_by"),
        ("schedule.plateau.rounds=3", "plateau.rounds"),
        ("schedule.target.value=0.9", "target.value"),
    ],
)
def test_images_that_are_trained_on_decide_nothing(override: str, named: str) -> None:
    validate(composed(WITH_VALIDATION))
    validate(composed(override))
    with pytest.raises(InputError, match=rf"no validation images that could decide {named}"):
        validate(composed(WITH_VALIDATION, override))


def test_followed_samples_need_maps() -> None:
    validate(composed("audit=maps", "audit.follow=[3]"))
    for overrides in (["+audit.follow=[3]"], ["audit=maps", "audit.follow=[-1]"]):
        with pytest.raises(InputError, match=r"audit"):
            validate(composed(*overrides))
