from pathlib import Path

import pytest

from daemonkit.credentials import read_credential
from daemonkit.errors import ConfigurationError
from daemonkit.secrets import Secret

NAME = "telegram_bot_token"


def read(environ: dict[str, str], yaml_value: Secret | str | None = None) -> str | None:
    found = read_credential(
        NAME, env_names=["BOT_TOKEN", "OLD_TOKEN"], environ=environ, yaml_value=yaml_value
    )
    return None if found is None else found.reveal()


def test_systemd_wins_over_the_environment_and_that_over_yaml(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("from systemd\n")
    folder = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    environment = {"BOT_TOKEN": " from the environment ", "OLD_TOKEN": "from the old one"}
    assert read(folder | environment, "from yaml") == "from systemd"
    assert read(environment, "from yaml") == "from the environment"
    assert read({"BOT_TOKEN": "", "OLD_TOKEN": "from the old one"}) == "from the old one"
    assert read({}, " from yaml ") == "from yaml"
    assert read({}, Secret("from yaml")) == "from yaml"


@pytest.mark.parametrize("yaml_value", [None, "", "  ", Secret("")])
def test_what_is_empty_is_not_set(yaml_value: Secret | str | None, tmp_path: Path) -> None:
    environ = {"BOT_TOKEN": " ", "CREDENTIALS_DIRECTORY": str(tmp_path / "none")}
    assert read(environ, yaml_value) is None


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty value"),
        (b" \n", "an empty value"),
        (b"hunter2\xff", "a byte at 7 that is not UTF-8"),
        (b"x" * 70_000, "a large file"),
    ],
)
def test_a_credential_file_that_holds_no_secret_is_refused(
    content: bytes, found: str, tmp_path: Path
) -> None:
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(ConfigurationError, match=found) as caught:
        read({"CREDENTIALS_DIRECTORY": str(tmp_path)}, "from yaml")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("mode", "is_told"), [(0o600, False), (0o440, False), (0o644, True)])
def test_a_credential_that_everybody_can_read_is_told_of(
    mode: int, is_told: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With systemd it may belong to a group, which is how an access list looks from outside."""
    file = tmp_path / NAME
    file.write_text("from systemd")
    file.chmod(mode)
    assert read({"CREDENTIALS_DIRECTORY": str(tmp_path)}) == "from systemd"
    told = f"{file} can be read by everybody: chmod 600 {file}"
    assert caplog.messages == ([told] if is_told else [])


def test_a_private_file_comes_after_the_environment_and_must_be_private(tmp_path: Path) -> None:
    def private(environ: dict[str, str]) -> str | None:
        found = read_credential(
            NAME, env_names=["BOT_TOKEN"], environ=environ, private_folder=tmp_path
        )
        return None if found is None else found.reveal()

    assert private({}) is None
    file = tmp_path / NAME
    file.write_text("from a file\n")
    file.chmod(0o600)
    assert private({"BOT_TOKEN": "from the environment"}) == "from the environment"
    assert private({}) == "from a file"
    file.chmod(0o640)
    with pytest.raises(ConfigurationError, match=rf"found mode 0640.*chmod 600 {file}") as caught:
        private({})
    assert "from a file" not in str(caught.value)


def test_a_credential_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(ConfigurationError, match=f"{NAME}: found Is a directory"):
        read({"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_a_key_of_several_lines_keeps_them(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("-----BEGIN\nabc\n-----END\n")
    assert read({"CREDENTIALS_DIRECTORY": str(tmp_path)}) == "-----BEGIN\nabc\n-----END"


@pytest.mark.parametrize("name", ["../secret", "a/b", "", ".hidden", "nul\x00"])
def test_a_name_cannot_lead_out_of_the_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name"):
        read_credential(name, env_names=(), environ={"CREDENTIALS_DIRECTORY": str(tmp_path)})
