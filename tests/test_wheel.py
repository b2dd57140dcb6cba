import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_a_users_strategy_through_the_installed_wheel() -> None:
    script = Path(__file__).parents[1] / "scripts" / "wheel_check.py"
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ran through the installed command" in done.stdout
