"""The venues that keep the contract: paper, and each exchange that a fake plays for ccxt."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

import pytest

from tests.contract.ccxt_face import open_ccxt_faces
from tests.contract.face import Face
from tests.contract.paper_face import PaperFace
from trading.model.account import MarketType

PAPER: Final = {"paper": MarketType.SPOT, "paper-swap": MarketType.SWAP}
NAMES: Final = [
    *PAPER,
    "kraken",
    "kraken-margin",
    "krakenfutures-swap",
    "binance",
    "coinbase",
]


@contextmanager
def _open_paper(name: str, count: int) -> Iterator[list[Face]]:
    sharing: list[PaperFace] = []
    yield [PaperFace(PAPER[name], sharing) for _ in range(count)]


def _open(name: str, count: int) -> AbstractContextManager[list[Face]]:
    return _open_paper(name, count) if name in PAPER else open_ccxt_faces(name, count)


@pytest.fixture(params=NAMES)
def face(request: pytest.FixtureRequest) -> Iterator[Face]:
    """Open one account; at the end its books must be the venue's."""
    with _open(request.param, 1) as (opened,):
        yield opened
        opened.check()


@pytest.fixture(params=NAMES)
def faces(request: pytest.FixtureRequest) -> Iterator[list[Face]]:
    """Open two accounts at one venue; at the end the books of each must be the venue's."""
    with _open(request.param, 2) as opened:
        yield opened
        for each in opened:
            each.check()
