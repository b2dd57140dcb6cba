"""Lets Hydra's `glob` and shell completion see the options in a group's folders: `experiment=glob(alda/*)`.

Hydra lists a group's own files only, so such a glob would match nothing. The command imports this before
Hydra starts.
"""

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.object_type import ObjectType

_own_options = ConfigLoaderImpl.get_group_options


def options(
    loader: ConfigLoaderImpl,
    group_name: str,
    results_filter: ObjectType | None = ObjectType.CONFIG,
    config_name: str | None = None,
    overrides: list[str] | None = None,
) -> list[str]:
    """The options of a group, those in its folders as `folder/option`; folders are no options."""
    found = _own_options(loader, group_name, results_filter, config_name, overrides)
    if results_filter is not ObjectType.CONFIG:
        return found
    for folder in _own_options(loader, group_name, ObjectType.GROUP, config_name, overrides):
        below = options(loader, f"{group_name}/{folder}", results_filter, config_name, overrides)
        found += [f"{folder}/{option}" for option in below]
    return sorted(found)


ConfigLoaderImpl.get_group_options = options  # type: ignore[assignment, method-assign]
