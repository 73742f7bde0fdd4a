"""The first command that somebody new types."""

import os
import subprocess

import pytest

from processes import TOP


@pytest.mark.waits_long
def test_the_demo_ends_well():
    if "TEST_BINARIES" in os.environ:
        pytest.skip("the demo runs what it builds itself")
    done = subprocess.run([str(TOP / "ops/demo"), "--once"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "Each step did what it should." in done.stdout
