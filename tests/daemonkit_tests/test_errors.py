import pytest

from daemonkit.errors import (
    FOUND_NOTHING,
    ConfigurationError,
    DaemonError,
    ExitCode,
    StateError,
    UnavailableError,
)
from daemonkit.secrets import Secret


def test_a_configuration_error_names_file_key_found_and_allowed() -> None:
    error = ConfigurationError("bots/paper/config.yaml", "exchange", "'krakn'", "kraken, coinbase")
    assert str(error) == "bots/paper/config.yaml: exchange: found 'krakn', allowed kraken, coinbase"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConfigurationError("f", "k", "x"), "f: k: found x"),
        (ConfigurationError("f", allowed="y"), "f: allowed y"),
        (ConfigurationError("f", "k", "x", "y", "line 3"), "f: k: found x, allowed y (line 3)"),
        (ConfigurationError("f", hint="read the manual"), "f: read the manual"),
    ],
)
def test_parts_that_are_not_given_are_left_out(error: ConfigurationError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize("key", ["TELEGRAM_BOT_TOKEN", "accounts.main.secret", "password"])
def test_the_value_of_a_key_that_looks_secret_is_not_repeated(key: str) -> None:
    error = ConfigurationError("environment", key, "'hunter2'", "a token like 123:abc")
    assert "hunter2" not in str(error) + repr(error) + repr(vars(error))
    assert "allowed a token like 123:abc" in str(error)
    assert "found nothing" in str(ConfigurationError("environment", key, FOUND_NOTHING))


def test_an_error_is_one_visible_bounded_line_without_secrets() -> None:
    secret = Secret("correct horse battery")
    for kind in (DaemonError, StateError, UnavailableError):
        text = str(kind(f"bad {secret.reveal()}\n\x1b[2Jerror: forged\u202e" + "x" * 10_000))
        assert text.startswith("bad [secret] \\x1b[2Jerror: forged\\u202e")
        assert len(text) <= 2000
    found = str(ConfigurationError("f", "k", "a\nb" + "y" * 10_000, "z" * 10_000))
    assert len(found) < 1200
    assert "\n" not in found


def test_the_kind_decides_the_exit_code() -> None:
    assert [int(kind.exit_code) for kind in (DaemonError, UnavailableError)] == [1, 1]
    assert [int(kind.exit_code) for kind in (ConfigurationError, StateError)] == [78, 78]
    assert [int(code) for code in ExitCode] == [0, 1, 2, 78]
