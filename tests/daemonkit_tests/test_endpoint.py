from collections.abc import Sequence
from pathlib import Path

import pytest
import trustme

from daemonkit.endpoint import (
    Endpoint,
    LinkSection,
    TlsSection,
    is_loopback_address,
    load_endpoint,
    resolve_host,
)
from daemonkit.errors import ConfigurationError
from daemonkit.settings import load_settings


def no_names(host: str) -> Sequence[str]:
    raise AssertionError(f"{host} needs no name server")


def load(
    folder: Path,
    section: LinkSection | None = None,
    addresses: Sequence[str] | None = None,
    config_file: Path | None = None,
    **environ: str,
) -> Endpoint:
    return load_endpoint(
        section or LinkSection(),
        environ=environ,
        var_dir=folder / "var",
        config_file=config_file,
        resolve=no_names if addresses is None else lambda _host: addresses,
    )


def refusal(folder: Path, section: LinkSection | None = None, **environ: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(folder, section, ["192.0.2.7"], None, **environ)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.fixture
def tls(tmp_path: Path) -> TlsSection:
    authority = trustme.CA()
    certificate = authority.issue_cert("bridge.example")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    return TlsSection(cert_file=Path("cert.pem"), key_file=Path("key.pem"), ca_file=Path("ca.pem"))


def test_without_settings_the_link_stays_on_this_machine_with_a_secret(tmp_path: Path) -> None:
    endpoint = load(tmp_path)
    assert (endpoint.host, endpoint.port, endpoint.is_loopback) == ("127.0.0.1", 55110, True)
    assert endpoint.tls is None
    assert endpoint.secret is not None
    assert len(endpoint.secret.reveal()) == 64
    assert endpoint.secret.reveal() not in repr(endpoint)
    assert (tmp_path / "var" / "link.secret").stat().st_mode & 0o777 == 0o600
    assert load(tmp_path).secret == endpoint.secret


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    section = LinkSection(host="::1", port=7000)
    assert (load(tmp_path, section).host, load(tmp_path, section).port) == ("::1", 7000)
    endpoint = load(tmp_path, section, LINK_HOST="127.0.0.2", LINK_PORT=" 8000 ")
    assert (endpoint.host, endpoint.port) == ("127.0.0.2", 8000)
    endpoint = load(tmp_path, section, LINK_HOST="", LINK_PORT="")
    assert (endpoint.host, endpoint.port) == ("::1", 7000)


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ("127.0.0.1", "127.0.0.1"), ("127.255.0.9", "127.255.0.9"), ("::1", "::1"),
        ("[::1]", "::1"), ("localhost", "127.0.0.1"), ("LocalHost.", "127.0.0.1"),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1"),
    ],
)  # fmt: skip
def test_addresses_of_this_machine_alone_need_no_tls(given: str, host: str, tmp_path: Path) -> None:
    endpoint = load(tmp_path, LINK_HOST=given)
    assert endpoint.is_loopback
    assert endpoint.host == host


def test_a_name_of_this_machine_alone_is_pinned_to_its_address(tmp_path: Path) -> None:
    endpoint = load(tmp_path, addresses=["127.0.1.1", "::1"], LINK_HOST="myhost")
    assert (endpoint.host, endpoint.is_loopback) == ("127.0.1.1", True)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.0.2.7", "[2001:db8::1]", "bridge.example", "::ffff:8.8.8.8"]
)
def test_a_link_that_leaves_this_machine_needs_tls(host: str, tmp_path: Path) -> None:
    line = refusal(tmp_path, LINK_HOST=host)
    assert line.startswith("configuration: link.tls: found nothing, allowed cert_file, key_file")
    assert host.strip("[]") in line


def test_a_name_that_nobody_knows_may_leave_this_machine(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"link\.tls"):
        load(tmp_path, addresses=[], LINK_HOST="nowhere.example")
    with pytest.raises(ConfigurationError, match=r"link\.tls"):
        load(tmp_path, addresses=["127.0.0.1", "192.0.2.7"], LINK_HOST="both.example")


def test_with_tls_the_link_may_leave_this_machine(tls: TlsSection, tmp_path: Path) -> None:
    section = LinkSection(host="bridge.example", tls=tls)
    endpoint = load(tmp_path, section, addresses=[], config_file=tmp_path / "config.yaml")
    assert (endpoint.host, endpoint.is_loopback) == ("bridge.example", False)
    assert endpoint.tls is not None
    assert endpoint.tls.key_file == tmp_path / "key.pem"
    with pytest.raises(ConfigurationError, match="LINK_SECRET_FILE: found an empty value"):
        load(tmp_path, section, [], tmp_path / "config.yaml", LINK_SECRET_FILE="")


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("key.pem", None, "link.tls.key_file: found key.pem (No such file or directory), allowed"),
        ("cert.pem", b"garbage", "link.tls.cert_file: found cert.pem"),
        ("key.pem", b"garbage", "link.tls.cert_file: found cert.pem"),
        ("ca.pem", b"garbage", "link.tls.ca_file: found ca.pem"),
        ("ca.pem", b"", "link.tls.ca_file: found ca.pem"),
    ],
)  # fmt: skip
def test_tls_files_are_tried_at_the_start(
    name: str, content: bytes | None, line: str, tls: TlsSection, tmp_path: Path
) -> None:
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, LinkSection(tls=tls), config_file=tmp_path / "config.yaml")
    text = str(caught.value).replace(f"{tmp_path}/", "")
    assert text.startswith(f"config.yaml: {line}")


def test_a_key_of_another_certificate_is_refused(tls: TlsSection, tmp_path: Path) -> None:
    other = trustme.CA().issue_cert("bridge.example")
    other.private_key_pem.write_to_path(tmp_path / "key.pem")
    with pytest.raises(ConfigurationError, match="KEY_VALUES_MISMATCH"):
        load(tmp_path, LinkSection(tls=tls), config_file=tmp_path / "config.yaml")


@pytest.mark.parametrize(
    "port", ["-1", "65536", "abc", "55 110", "5.5", "+5", "٣", "0x10", "9" * 5000]
)
def test_a_port_that_is_none_is_refused(port: str, tmp_path: Path) -> None:
    line = refusal(tmp_path, LINK_PORT=port)
    assert line.startswith("environment: LINK_PORT: found '")
    assert line.endswith("allowed a whole number from 0 to 65535 (0 picks a free port)")


def test_a_port_in_the_file_is_checked_there(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("port: 70000\n")
    with pytest.raises(ConfigurationError, match="port: found 70000, allowed at most 65535"):
        load_settings(LinkSection, path)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:55110",
        "http://x",
        "a b",
        "x\n",
        "[::1",
        "bridge.example:1",
        "[::1]:5",
        "x" * 300,
        "[]",
    ],
)
def test_a_host_that_is_none_is_refused(host: str, tmp_path: Path) -> None:
    line = refusal(tmp_path, LINK_HOST=host)
    assert line.startswith("environment: LINK_HOST: found ")
    assert "allowed a host name or an address, without a port" in line


def test_a_secret_may_come_from_a_file_from_systemd_or_be_off(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.touch(mode=0o600)
    mine.write_text("a secret of my own\n")
    endpoint = load(tmp_path, LINK_SECRET_FILE=str(mine))
    assert endpoint.secret is not None
    assert endpoint.secret.reveal() == "a secret of my own"
    assert not (tmp_path / "var").exists()
    assert load(tmp_path, LINK_SECRET_FILE="").secret is None
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "link_secret").write_text("a secret of systemd\n")
    folder = str(tmp_path / "credentials")
    endpoint = load(tmp_path, LINK_SECRET_FILE="", CREDENTIALS_DIRECTORY=folder)
    assert endpoint.secret is not None
    assert endpoint.secret.reveal() == "a secret of systemd"


def test_a_secret_file_that_cannot_serve_is_refused(tmp_path: Path) -> None:
    assert "found no file at none" in refusal(tmp_path, LINK_SECRET_FILE=f"{tmp_path}/none")
    for content, found in {b"short": "a short secret", b"\xff" * 20: "not UTF-8"}.items():
        path = tmp_path / "secret"
        path.touch(mode=0o600)
        path.write_bytes(content)
        assert found in refusal(tmp_path, LINK_SECRET_FILE=str(path))
    path.chmod(0o644)
    assert "permissions: found 0644" in refusal(tmp_path, LINK_SECRET_FILE=str(path))


def test_a_picked_port_is_written_for_the_other_process(tmp_path: Path) -> None:
    endpoint = load(tmp_path, LINK_PORT="0")
    assert endpoint.current_port() is None
    endpoint.port_file.parent.mkdir(parents=True)
    endpoint.write_port(45678)
    assert endpoint.port_file == tmp_path / "var" / "telegram" / "link.port"
    assert endpoint.current_port() == 45678
    for content in ("", "x", "0", "70000", "-1", "1\x00"):
        endpoint.port_file.write_text(content)
        assert endpoint.current_port() is None
    assert load(tmp_path, LINK_PORT="55111").current_port() == 55111


def test_names_are_resolved_without_failing() -> None:
    assert all(is_loopback_address(address) for address in resolve_host("localhost"))
    assert resolve_host("x" * 300) == []
    assert not is_loopback_address("no address")
