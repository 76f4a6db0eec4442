"""Whatever a configuration holds, the answer is a model or a ConfigurationError of one line."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from daemonkit.errors import ConfigurationError
from daemonkit.settings import load_settings
from tests.daemonkit_tests.test_settings import Account, Bot

KEYS = [*Bot.model_fields, *Account.model_fields, "kind", "port", "main", "0", "tokne", ""]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["kraken", "off", "webhook", "polling", "none", "allowed", "1", "true"])
)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=15,
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settings") / "config.yaml"
    path.touch(mode=0o600)
    return path


def check(path: Path, overlay: dict[str, Any]) -> None:
    try:
        load_settings(Bot, path, environment=overlay)
    except ConfigurationError as error:
        for line in (str(error), *error.others):
            assert len(line.splitlines()) == 1
            assert len(line) < 2000


@given(
    tree=st.dictionaries(st.sampled_from(KEYS), trees, max_size=5),
    overlay=st.dictionaries(st.sampled_from(KEYS), trees, max_size=2),
)
def test_any_tree_of_values(path: Path, tree: dict[str, Any], overlay: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    check(path, overlay)


@given(data=st.binary(max_size=300))
def test_any_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    check(path, {})


@given(lines=st.lists(st.tuples(st.sampled_from(KEYS), st.text(max_size=10)), max_size=6))
def test_any_lines_that_look_like_settings(path: Path, lines: list[tuple[str, str]]) -> None:
    path.write_text("".join(f"{key}: {value}\n" for key, value in lines), encoding="utf-8")
    check(path, {})
