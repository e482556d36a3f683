"""The real command, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

HEAVY = ("tensorflow", "keras", "jax", "mlflow", "pandas", "matplotlib")
# Importing a heavy library ends the command with a code that no error has.
GUARD = f"""
import runpy, sys

class Guard:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY}:
            sys.stderr.write(name + " was imported")
            sys.stderr.flush()
            __import__("os")._exit(99)

sys.meta_path.insert(0, Guard())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def real_command(
    project: Path, folder: Path, *words: str, script: str = "train.py", light: bool = True
) -> subprocess.CompletedProcess[str]:
    """Runs a script as typed in a folder; where it must stay light, an import of what is heavy ends it with code 99."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("HYDRA", "KERAS"))}
    return subprocess.run(
        [sys.executable, *(["-c", GUARD] if light else []), str(project / script), *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
