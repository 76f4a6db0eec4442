"""Fixtures of the link's tests."""

from collections.abc import Iterator

import pytest

from tests.fakes.link_parties import Links, running_links
from tests.fakes.papers import Papers


@pytest.fixture
def links() -> Iterator[Links]:
    """Start servers and bots; all are stopped, and no thread is left."""
    with running_links() as links:
        yield links


@pytest.fixture(scope="session")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    """Issue certificates that both ends trust."""
    return Papers(tmp_path_factory.mktemp("tls") / "ours")
