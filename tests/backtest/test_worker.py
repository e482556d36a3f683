"""A process of a backtest ends with the one that started it."""

import os
import signal
import subprocess
import sys

# Stands for the command: starts a process that works for it, and is killed.
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
print("started", flush=True)
child.wait()
"""
CHILD = """
import os
from pathlib import Path
from headway.backtest.worker import Job, work
parent = os.getppid()
print("works", flush=True)
try:
    work(Job(None, [], (), None, Path(), Path(), "", parent))
finally:
    print("worked on", flush=True)
"""


def test_a_process_whose_parent_was_killed_works_no_longer() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert [parent.stdout.readline() for _ in range(2)] == ["started\n", "works\n"]
    os.kill(parent.pid, signal.SIGKILL)
    # Read to its end, the pipe is closed by the child: with os._exit, before it has loaded Keras and failed.
    assert parent.communicate()[0] == ""
