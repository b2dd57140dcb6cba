"""The script that checks a GPU works where there is none."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "check_gpu.py"


@pytest.mark.slow
def test_every_section_runs_on_a_cpu() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--dry"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout
    for section in ("tests", "bits", "loop", "networks", "precision", "chunks", "query", "kill"):
        assert f"--- {section}" in done.stdout
