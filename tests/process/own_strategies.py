"""A checkout of the test's own, with strategies in its production folder as a person puts them."""

import shutil
from pathlib import Path

from tests.processes import ROOT

_PARTS = ("daemonkit", "requirements", "scripts", "tcpproto", "trading")


def make_checkout(folder: Path, **strategies: str) -> Path:
    """Copy what a bot runs from, add strategies by name, and return its run script."""
    for name in _PARTS:
        shutil.copytree(ROOT / name, folder / name)
    script = folder / "run_trading.sh"
    shutil.copy2(ROOT / script.name, script)
    production = folder / "strategies" / "production"
    production.mkdir(parents=True)
    for name, source in strategies.items():
        (production / f"{name}.py").write_text(source, encoding="utf-8")
    return script
