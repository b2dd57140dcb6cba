"""How many samples a size means: a number of them, or a share such as `10%`."""

from decimal import ROUND_HALF_UP, Decimal

from al_runner.errors import InputError


def samples(size: int | str, whole: int, key: str, of: str = "the pool") -> int:
    """A size in samples; a share is rounded to the nearest whole number, a half upwards.

    Args:
        size: samples, or a share of `whole` as it is written in a config, see `values.Size`.
        whole: samples that there are.
        key: that asks, for people.
        of: what a share is of, for people.

    Raises:
        InputError: a share that is rounded to no sample at all.

    >>> [samples(size, 13_932, "schedule.budget") for size in (200, "10%", "0.05%")]
    [200, 1393, 7]
    """
    if isinstance(size, int):
        return size
    count = int((Decimal(size.removesuffix("%")) * whole / 100).quantize(Decimal(1), ROUND_HALF_UP))
    if not count:
        raise InputError(f"{key}={size} is no sample: {of} has {whole:,}")
    return count
