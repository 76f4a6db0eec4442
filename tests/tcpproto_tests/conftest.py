"""Fixtures of the link's tests."""

from collections.abc import Iterator

import pytest

from tests.fakes.link_parties import Links, running_links


@pytest.fixture
def links() -> Iterator[Links]:
    """Start servers and bots; all are stopped, and no thread is left."""
    with running_links() as links:
        yield links
