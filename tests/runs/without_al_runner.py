"""Runs a file where al-runner cannot be imported: `without_al_runner.py FILE ARGUMENT…`."""

import runpy
import sys
from typing import Any

modules: dict[str, Any] = sys.modules
for each in ("al_runner", *modules):
    if each.partition(".")[0] == "al_runner":
        modules[each] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
