"""run_demo.sh as a stranger uses it: commands in, chat out, nothing left behind."""

import shlex
import shutil
import signal
import sys
from pathlib import Path

import psutil
import pytest
import yaml

from scripts.demo import render_bot
from tests.processes import ROOT, Processes, RunningProcess
from tests.waiting import wait_until

DEMO = ROOT / "run_demo.sh"
START_LIMIT_S = 40.0


@pytest.fixture
def own_folders(tmp_path: Path) -> dict[str, str | None]:
    """Let the demonstration choose its folder and port, below a folder that can be looked at."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    return {"TMPDIR": str(temporary), "VAR_DIR": None, "LINK_PORT": None}


def _left_in(folders: dict[str, str | None]) -> list[str]:
    folder = folders["TMPDIR"]
    assert folder is not None
    return [path.name for path in Path(folder).iterdir()]


def _outcomes(process: RunningProcess) -> list[str]:
    return [line for line in process.stdout.splitlines() if line.startswith("[")]


def _start_and_wait_for_bot(processes: Processes, folders: dict[str, str | None]) -> RunningProcess:
    demo = processes.start(DEMO, env=folders)
    demo.write("/ping\n")
    demo.wait_for(r"^\[applied\] /ping", stream="stdout", timeout_s=START_LIMIT_S)
    return demo


def _child(demo: RunningProcess, module: str) -> psutil.Process:
    children = psutil.Process(demo.pid).children()
    return next(child for child in children if f"from {module}.main" in " ".join(child.cmdline()))


def test_piped_commands_are_answered_and_nothing_is_left(
    processes: Processes, own_folders: dict[str, str | None]
) -> None:
    commands = "/ping\n/bots\n/getstatus\n/buy BTC/USDT\nyes\n"
    done = processes.run(DEMO, env=own_folders, stdin=commands, timeout_s=START_LIMIT_S)
    assert done.returncode == 0, done.describe()
    kinds = [line.split(" — ")[0] for line in _outcomes(done)]
    assert kinds[:3] == ["[applied] /ping", "[applied] /bots", "[applied] /getstatus"]
    # So early there may be no fresh price yet, and then nothing is bought.
    assert kinds[3] in {"[applied] /buy BTC/USDT", "[rejected] /buy BTC/USDT"}
    assert "BTC/USDT" in done.stdout
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert _left_in(own_folders) == []


def test_without_a_standard_error_it_chats_as_well(
    processes: Processes, own_folders: dict[str, str | None]
) -> None:
    command = ("bash", "-c", f"exec 2>&-; exec {shlex.quote(str(DEMO))}")
    done = processes.run(*command, env=own_folders, stdin="/ping\n", timeout_s=START_LIMIT_S)
    assert done.returncode == 0, done.describe()
    # The bot's own notice that it has started may come before or after the answer.
    assert _outcomes(done) == ["[applied] /ping — pong; 1 bot connected"]
    assert "tail -F" not in done.stdout
    assert _left_in(own_folders) == []


def test_without_any_command_it_ends_well(
    processes: Processes, own_folders: dict[str, str | None]
) -> None:
    done = processes.run(DEMO, env=own_folders, timeout_s=START_LIMIT_S)
    assert done.returncode == 0, done.describe()
    assert _left_in(own_folders) == []


def test_scripts_that_lost_the_right_to_execute_do_as_well(
    processes: Processes, own_folders: dict[str, str | None], tmp_path: Path
) -> None:
    checkout = tmp_path / 'it\'s a "checkout"'
    for name in ("daemonkit", "requirements", "scripts", "tcpproto", "telegram", "trading"):
        shutil.copytree(ROOT / name, checkout / name)
    for script in ROOT.glob("run_*.sh"):
        (checkout / script.name).write_bytes(script.read_bytes())
    demo = ("bash", checkout / DEMO.name)
    environment = own_folders | {"VENV": str(Path(sys.executable).parent.parent)}
    done = processes.run(*demo, env=environment, stdin="/ping\n", timeout_s=START_LIMIT_S)
    assert done.returncode == 0, done.describe()
    assert _outcomes(done) == ["[applied] /ping — pong; 1 bot connected"]


def test_two_at_once_do_not_meet(processes: Processes, own_folders: dict[str, str | None]) -> None:
    demos = [_start_and_wait_for_bot(processes, own_folders) for _ in range(2)]
    for demo in demos:
        demo.write("/bots\n")
        demo.close_stdin()
    assert [demo.wait() for demo in demos] == [0, 0]
    for demo in demos:
        assert _outcomes(demo)[1].startswith("[applied] /bots")
    assert _left_in(own_folders) == []


def test_a_given_folder_is_used_and_kept(processes: Processes) -> None:
    demo = _start_and_wait_for_bot(processes, {})
    log = processes.var_dir / "telegram" / "logs" / "paper.log"
    wait_until(log.exists, 10, "the bot's log arrives at the bridge")
    demo.close_stdin()
    assert demo.wait() == 0, demo.describe()
    assert (processes.var_dir / "paper" / "state.db").exists()
    assert log.exists()


def test_settings_of_an_installation_beside_it_do_not_reach_it(
    processes: Processes, own_folders: dict[str, str | None]
) -> None:
    token = "123456:planted-by-a-test-and-long-enough-to-be-one"
    demo = _start_and_wait_for_bot(
        processes, own_folders | {"TELEGRAM_BOT_TOKEN": token, "LINK_HOST": "0.0.0.0"}
    )
    for module in ("trading", "telegram"):
        environment = _child(demo, module).environ()
        assert not {name for name in environment if name.startswith(("TELEGRAM_", "LINK_HOST"))}
    assert demo.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything(
    processes: Processes, own_folders: dict[str, str | None], number: signal.Signals
) -> None:
    demo = _start_and_wait_for_bot(processes, own_folders)
    demo.send_signal(number)
    assert demo.wait() == 0, demo.describe()
    assert _left_in(own_folders) == []


def test_a_signal_during_the_start_stops_everything(
    processes: Processes, own_folders: dict[str, str | None]
) -> None:
    demo = processes.start(DEMO, env=own_folders)
    demo.wait_for("/help lists the commands")
    assert demo.stop() == 0, demo.describe()
    assert _left_in(own_folders) == []


@pytest.mark.parametrize("module", ["trading", "telegram"])
def test_when_one_process_dies_the_other_is_stopped_and_the_reason_said(
    processes: Processes, own_folders: dict[str, str | None], module: str
) -> None:
    demo = _start_and_wait_for_bot(processes, own_folders)
    _child(demo, module).kill()
    assert demo.wait() == 1, demo.describe()
    assert demo.stderr.splitlines()[-1].startswith(f"error: run_{module}.sh ended early: ")
    wait_until(lambda: not processes.alive(), 5, "nothing runs on")
    assert _left_in(own_folders) == []


@pytest.mark.long
@pytest.mark.timeout(120)
def test_a_bot_that_never_connects_ends_it_before_any_input_is_read(
    processes: Processes, own_folders: dict[str, str | None]
) -> None:
    demo = processes.start(DEMO, env=own_folders)
    demo.write("/ping\n")
    demo.wait_for("/help lists the commands")
    wait_until(lambda: len(psutil.Process(demo.pid).children()) == 2, 5, "both are started")
    psutil.Process(demo.pid).children()[0].suspend()
    assert demo.wait(60) == 1, demo.describe()
    assert demo.stdout == ""
    assert demo.stderr.splitlines()[-1].startswith("error: run_telegram.sh ended early: ")
    assert _left_in(own_folders) == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--data", "nowhere.csv"], "--data: found {cwd}/nowhere.csv, allowed a file"),
        (["--data=notes.txt"], "--data: found notes.txt, allowed .csv"),
        (["--speed", "fast"], "--speed: found fast, allowed a number from 0"),
        (["--speed", "-1"], "--speed: found -1, allowed a number from 0"),
        (["--speed", "nan"], "--speed: found nan, allowed a number from 0"),
        (["--speed"], "argument --speed: expected one argument"),
        (["--unknown"], "unrecognized arguments: --unknown"),
    ],
)
def test_a_wrong_option_is_one_line(
    processes: Processes, tmp_path: Path, arguments: list[str], line: str
) -> None:
    (tmp_path / "notes.txt").write_text("not market data")
    done = processes.run(DEMO, *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    (said,) = done.stderr.splitlines()
    assert said.startswith("error: " + line.format(cwd=tmp_path))


def test_a_file_that_holds_no_market_data_is_a_wrong_option(
    processes: Processes, own_folders: dict[str, str | None], tmp_path: Path
) -> None:
    (tmp_path / "bad.csv").write_text("who,am,i\n1,2,3\n")
    done = processes.run(DEMO, "--data", "bad.csv", cwd=tmp_path, env=own_folders)
    assert done.returncode == 2, done.describe()
    assert "bad.csv" in done.stderr.splitlines()[-1]


def test_a_recorded_market_is_replayed(
    processes: Processes, own_folders: dict[str, str | None], tmp_path: Path
) -> None:
    rows = [f"{1700000000000 + index * 60000},100,101,99,100.5,7" for index in range(2000)]
    header = "timestamp,open,high,low,close,volume"
    (tmp_path / "BTCUSDT.csv").write_text("\n".join([header, *rows]) + "\n")
    done = processes.run(
        DEMO,
        *("--data", "BTCUSDT.csv", "--speed", "600"),
        cwd=tmp_path,
        env=own_folders,
        stdin="/getstatus\n",
        timeout_s=START_LIMIT_S,
    )
    assert done.returncode == 0, done.describe()
    assert "[applied] /getstatus" in done.stdout


def test_the_bot_it_writes_survives_any_file_name() -> None:
    path = Path("/data/a: 'b' \"c\" #d\\e.csv")
    config = yaml.safe_load(render_bot(path, 1.5))
    assert config["feed"] == {"kind": "replay", "file": str(path), "symbol": "A", "speed": 1.5}


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("eth_btc_5m.csv.gz", "ETH/BTC"),
        ("btc_perp_1m.csv.gz", "BTC"),
        ("BTCUSDT.csv", "BTCUSDT"),
        ("___.csv", "DATA"),
    ],
)
def test_a_file_gets_a_market_whatever_its_name(name: str, symbol: str) -> None:
    assert yaml.safe_load(render_bot(Path(name), 1))["feed"]["symbol"] == symbol
