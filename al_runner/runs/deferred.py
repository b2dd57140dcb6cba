"""Modules of libraries whose code waits until a run needs it, which few runs do.

The first optimizer of a process imports PyTorch's compiler, and Lightning imports all of torchmetrics with its
plots, audio and detection: together that takes twice as long as `import torch`. A deferred module is the module
itself, found and empty. A few of its names are answered without it (`ANSWERS`). Asked for any other, it runs
its code in place and is from then on like every imported module, so code of the user's that compiles a
network, plots a metric or detects objects finds what it always finds. As `importlib.util.LazyLoader`, whose
modules answer nothing.

A library's version that asks for other names starts slowly, and no worse.
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


class _Deferred(ModuleType):
    """A module whose code has not run to its end."""

    def __getattr__(self, name: str) -> Any:
        if name in (answers := ANSWERS[self.__name__]):
            return answers[name]()
        if name == "__path__":  # asked of every module; a package has one
            raise AttributeError(name)
        print("RUN", self.__name__, name, file=sys.stderr)
        run(self)
        return ModuleType.__getattribute__(self, name)


def run(module: ModuleType) -> None:
    """Run the code of a module that was deferred."""
    with _RUNNING:
        if not isinstance(module, _Deferred) or "_begun" in vars(module) or module.__spec__ is None:
            return
        vars(module)["_begun"] = True
        try:
            module.__spec__.loader.exec_module(module)  # type: ignore[union-attr]
            module.__class__ = ModuleType
        finally:
            del vars(module)["_begun"]


class _Existing(Loader):
    """Of a module that is there by the time its import begins."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = sys.modules[spec.name]
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__ = module.__spec__.loader_state


class _Deferring(Loader):
    """Makes a deferred module of one that another loader would load."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = module.__loader__ = self.loader
        module.__class__ = _Deferred
        if module.__name__ == METRICS:
            import_module(f"{METRICS}.utilities")  # its circle of imports has to be entered here


class _Finder(MetaPathFinder):
    """Finds what is deferred; a module inside PyTorch's compiler is imported after the compiler's own code."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname in ANSWERS:
            spec = PathFinder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _Deferring(spec.loader)
            return spec
        if fullname.startswith(f"{COMPILER}.") and isinstance(sys.modules[COMPILER], _Deferred):
            run(sys.modules[COMPILER])
            return ModuleSpec(fullname, _Existing()) if fullname in sys.modules else None
        return None


def defer() -> None:
    """Let the modules of `ANSWERS` wait, from now on and where they are not imported yet."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def _disable(function: Any = None, *args: Any, **options: Any) -> Any:
    """`torch._dynamo.disable`: what is compiled calls the function uncompiled. Until then it is the function."""

    @functools.cache
    def real() -> Any:
        run(sys.modules[COMPILER])
        return sys.modules[COMPILER].disable(function, *args, **options)

    if not inspect.isfunction(function):
        return real()

    @functools.wraps(function)
    def call(*given: Any, **named: Any) -> Any:
        waits = isinstance(sys.modules[COMPILER], _Deferred)
        return (function if waits else real())(*given, **named)

    return call


class _IsCompiled(type):
    """Of the class below: nothing is an instance before the compiler's code has run."""

    def __instancecheck__(cls, instance: Any) -> bool:
        module = sys.modules[COMPILER]
        return not isinstance(module, _Deferred) and isinstance(instance, module.OptimizedModule)


class _OptimizedModule(metaclass=_IsCompiled):
    """`torch._dynamo.OptimizedModule`, to be asked of an object whether it is one."""


def _later(name: str) -> Callable[[], Any]:
    """Answers with a function that runs the deferred plots when it is called."""

    def draw(*args: Any, **options: Any) -> Any:
        run(sys.modules[PLOTS])
        return getattr(sys.modules[PLOTS], name)(*args, **options)

    return lambda: draw


def _from(module: str, name: str) -> Callable[[], Any]:
    """Answers with what another module has."""
    return lambda: getattr(import_module(module), name)


ANSWERS: Mapping[str, Mapping[str, Callable[[], Any]]] = {
    COMPILER: {
        "disable": lambda: _disable,
        "graph_break": lambda: lambda msg="": None,  # noqa: ARG005  as PyTorch's own outside of what it compiles
        "OptimizedModule": lambda: _OptimizedModule,
    },
    METRICS: {
        "Metric": _from(f"{METRICS}.metric", "Metric"),
        "MetricCollection": _from(f"{METRICS}.collections", "MetricCollection"),
        "__version__": _from(f"{METRICS}.__about__", "__version__"),
        "_logger": lambda: logging.getLogger(METRICS),
    },
    f"{METRICS}.functional": {},
    "medmnist": {},
    PLOTS: {
        "_AX_TYPE": lambda: object,  # as without matplotlib: for annotations
        "_CMAP_TYPE": lambda: object,
        "_PLOT_OUT_TYPE": lambda: tuple[object, object],
        **{
            name: _later(name) for name in ("plot_confusion_matrix", "plot_curve", "plot_single_or_multi_val")
        },
    },
}
"""Deferred module → names that do not make its code run → what they are."""
