"""The script that checks a GPU works where there is none."""

from pathlib import Path

import pytest

from tests.commands import forked

SCRIPT = Path(__file__).parents[1] / "scripts" / "check_gpu.py"


@pytest.mark.slow
def test_every_section_runs_on_a_cpu(tmp_path: Path) -> None:
    done = forked(str(SCRIPT), "--dry", folder=tmp_path, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout
    for section in ("tests", "bits", "loop", "networks", "precision", "chunks", "query", "kill"):
        assert f"--- {section}" in done.stdout
