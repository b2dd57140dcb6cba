"""Modules of libraries whose code waits until something of it is used, which few runs do.

The first optimizer of a process imports PyTorch's compiler, and Lightning imports torchmetrics with all its
plots, audio and detection: with what these draw in, that takes longer than everything else a run imports,
torch included. A deferred module is the module itself, found but empty. A few of its names are answered
without it (`ANSWERS`); asked for any other, it runs its code in place and is an ordinary module from then on.
So code of the user's that compiles a network, plots a metric or detects objects finds what it always finds,
and a version of a library that asks for other names starts slowly, and no worse. It is
`importlib.util.LazyLoader` with answers.
"""

import functools
import inspect
import logging
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from threading import RLock
from types import ModuleType
from typing import Any

COMPILER = "torch._dynamo"
METRICS = "torchmetrics"
PLOTS = f"{METRICS}.utilities.plot"
_RUNNING = RLock()


def defer() -> None:
    """Let the modules of `ANSWERS` wait, those that are not imported yet."""
    if not any(isinstance(finder, DeferringFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, DeferringFinder())


class DeferredModule(ModuleType):
    """A module whose code has not run to its end."""

    def __getattr__(self, name: str) -> Any:
        """An answer, or what the module's code makes of the name."""
        if name in (answers := ANSWERS[self.__name__]):
            return answers[name]()
        if name != "__path__":  # the import system asks every module whether it is a package
            run(self)
        return ModuleType.__getattribute__(self, name)

    def __reduce__(self) -> tuple[Callable[[str], ModuleType], tuple[str]]:
        return import_module, (self.__name__,)  # cloudpickle knows modules by their exact class


def waits(name: str) -> bool:
    """Whether a module of this name is there, and its code has not run."""
    return isinstance(sys.modules.get(name), DeferredModule)


def run(module: ModuleType) -> None:
    """Run the code of a module that waits; while it runs, its thread finds what is there already."""
    with _RUNNING:
        if not isinstance(module, DeferredModule) or "_begun" in vars(module):
            return
        vars(module)["_begun"] = True
        try:
            module.__spec__.loader.exec_module(module)  # type: ignore[union-attr]
            module.__class__ = ModuleType  # type: ignore[assignment]
        finally:
            del vars(module)["_begun"]


class DeferringFinder(MetaPathFinder):
    """Finds what is deferred. What is inside the compiler is imported after the compiler's own code."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """A spec for names of `ANSWERS`, and for modules that came with the compiler."""
        if fullname in ANSWERS:
            spec = PathFinder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _Deferring(spec.loader)
            return spec
        if fullname.startswith(f"{COMPILER}.") and waits(COMPILER):
            run(sys.modules[COMPILER])
            return ModuleSpec(fullname, _Existing()) if fullname in sys.modules else None
        return None


class _Deferring(Loader):
    """Makes a module, and leaves the rest to the loader that it would have had."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = module.__loader__ = self.loader
        module.__class__ = DeferredModule
        if module.__name__ == METRICS:
            import_module(f"{METRICS}.utilities")  # its circle of imports has to be entered here


class _Existing(Loader):
    """Of a module that came while its package ran."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = sys.modules[spec.name]
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__ = module.__spec__.loader_state


def _disable(fn: Any = None, *args: Any, **options: Any) -> Any:
    """`torch._dynamo.disable`: code that is compiled calls the function as it is; before, there is none."""

    @functools.cache
    def disabled() -> Any:
        run(sys.modules[COMPILER])
        return sys.modules[COMPILER].disable(fn, *args, **options)

    if not inspect.isfunction(fn):
        return disabled()

    @functools.wraps(fn)
    def call(*given: Any, **named: Any) -> Any:
        return (fn if waits(COMPILER) else disabled())(*given, **named)

    return call


class _IsCompiled(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return not waits(COMPILER) and isinstance(instance, sys.modules[COMPILER].OptimizedModule)


class _OptimizedModule(metaclass=_IsCompiled):
    """`torch._dynamo.OptimizedModule`, for `isinstance`: nothing is one before the compiler has run."""


def _from(module: str, name: str) -> Callable[[], Any]:
    """Answers with what another module has."""
    return lambda: getattr(import_module(module), name)


def _plot(name: str) -> Callable[[], Any]:
    """Answers with a function that draws with the real one."""

    def draw(*args: Any, **options: Any) -> Any:
        run(sys.modules[PLOTS])
        return getattr(sys.modules[PLOTS], name)(*args, **options)

    return lambda: draw


ANSWERS: Mapping[str, Mapping[str, Callable[[], Any]]] = {
    COMPILER: {
        "disable": lambda: _disable,
        "graph_break": lambda: lambda msg="": None,  # noqa: ARG005  as PyTorch's own outside compiled code
        "OptimizedModule": lambda: _OptimizedModule,
    },
    METRICS: {
        "Metric": _from(f"{METRICS}.metric", "Metric"),
        "MetricCollection": _from(f"{METRICS}.collections", "MetricCollection"),
        "__version__": _from(f"{METRICS}.__about__", "__version__"),
        "_logger": lambda: logging.getLogger(METRICS),
    },
    f"{METRICS}.functional": {},
    PLOTS: {
        "_AX_TYPE": lambda: object,  # these three annotate; this is what they are without matplotlib
        "_CMAP_TYPE": lambda: object,
        "_PLOT_OUT_TYPE": lambda: tuple[object, object],
        "plot_confusion_matrix": _plot("plot_confusion_matrix"),
        "plot_curve": _plot("plot_curve"),
        "plot_single_or_multi_val": _plot("plot_single_or_multi_val"),
    },
    "medmnist": {},
}
"""Deferred module → names that do not make its code run → what makes the answer."""
