"""The peak of a program's anonymous memory, for the other scripts here."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path


def peak_memory(command: Sequence[str]) -> float:
    """Run a command on one thread to its end; the peak of its `RssAnon`, looked at each 5 ms, in MB.

    Pages of mapped files are not part of it: the system drops them where memory is short.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    peak = 0
    while run.poll() is None:
        status = Path(f"/proc/{run.pid}/status").read_text()
        if "RssAnon:" in status:
            peak = max(peak, int(status.split("RssAnon:")[1].split()[0]))
        time.sleep(0.005)
    if run.returncode:
        sys.exit(run.returncode)
    return peak / 1024
