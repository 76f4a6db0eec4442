"""Small programs for tests that need a process of their own."""

import subprocess
import sys
from pathlib import Path

from tests.processes import ROOT, clean_environment


def run_program(
    source: str,
    *arguments: str,
    cwd: Path = ROOT,
    stdin: str = "",
    env: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run Python source in a process of its own and return what it wrote."""
    return subprocess.run(
        [sys.executable, "-c", source, *arguments],
        cwd=cwd,
        env=clean_environment(cwd) | {"PYTHONPATH": str(ROOT)} | (env or {}),
        input=stdin,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=30,
        check=False,
    )


def start_program(source: str, *arguments: str) -> subprocess.Popen[str]:
    """Start Python source in a process of its own, to talk to it through its pipes."""
    return subprocess.Popen(
        [sys.executable, "-c", source, *arguments],
        env=clean_environment(ROOT) | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
