"""The demonstration beside a running installation, which it neither meets nor disturbs."""

import socket
from contextlib import closing
from pathlib import Path

from tests.process.installation import PATIENCE_S, Installation, ask, outcome_lines, wait_connected
from tests.processes import ROOT, RunningProcess

DEFAULT_PORT = 55_110


def is_taken(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def files_of(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.stat().st_ino, path.stat().st_size)
        for path in folder.rglob("*")
        if path.name in ("link.secret", "link.port", "lock", "bot.pid")
    }


def start_installation(here: Installation) -> tuple[RunningProcess, RunningProcess]:
    """Start an installation on the default port, unless this machine has one there already."""
    env: dict[str, str | None] = {} if is_taken(DEFAULT_PORT) else {"LINK_PORT": None}
    bridge, trading = here.start_bridge(**env), here.start_trading(**env)
    wait_connected(bridge)
    assert is_taken(DEFAULT_PORT)
    return bridge, trading


def test_the_demonstration_runs_beside_an_installation_and_leaves_it_alone(
    here: Installation, tmp_path: Path
) -> None:
    bridge, trading = start_installation(here)
    before = files_of(here.var_dir)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    demo = here.processes.run(
        ROOT / "run_demo.sh",
        env={"VAR_DIR": None, "LINK_PORT": None, "TMPDIR": str(temporary)},
        stdin="/bots\n/getstatus\n/health\n",
        timeout_s=PATIENCE_S,
    )
    assert demo.returncode == 0, demo.describe()
    assert outcome_lines(demo) == [
        "[applied] /bots — 1 of 1 bot connected",
        "[applied] /getstatus — paper main PAPER",
        "[applied] /health — all well; 1 of 1 bot connected",
    ]
    assert list(temporary.iterdir()) == []
    assert files_of(here.var_dir) == before
    assert ask(bridge, "/bots") == "[applied] /bots — 1 of 1 bot connected"
    assert ask(bridge, "/getstatus").startswith("[applied]")
    assert sum(event.kind == "engine_started" for event in here.events()) == 1
    for process in (trading, bridge):
        assert process.stop() == 0
