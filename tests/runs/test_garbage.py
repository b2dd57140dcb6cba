import gc
import sys
import weakref

import pytest

from al_runner.runs.garbage import imports_stay


class Node:
    """Can be a circle."""


def circle() -> weakref.ref[Node]:
    node = Node()
    node.itself = node
    return weakref.ref(node)


def test_what_is_imported_stays_and_garbage_is_found_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    before = gc.get_freeze_count()
    with imports_stay("this"):
        assert not gc.isenabled()
        kept, garbage = Node(), circle()
    assert gc.isenabled()
    assert gc.get_freeze_count() > before
    assert garbage() is None, "what nothing refers to was not kept"
    later = circle()
    gc.collect()
    assert later() is None
    assert kept not in gc.get_objects()


def test_a_second_time_and_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    before = gc.get_freeze_count()
    with imports_stay("sys"):
        assert gc.isenabled(), "it is imported already"
    monkeypatch.delitem(sys.modules, "this", raising=False)
    with pytest.raises(ImportError), imports_stay("this"):
        raise ImportError
    assert gc.isenabled()
    assert gc.get_freeze_count() == before
