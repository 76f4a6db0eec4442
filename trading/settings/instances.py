"""Sections about strategies: which one trades, with which parameters, on which market."""

from typing import Annotated, Final

from pydantic import Field

from daemonkit.settings import Settings
from trading.market.settings import Symbol
from trading.settings.values import AccountName, InstanceId, Mode, Parameters, StrategyName

INSTANCES_MAX: Final = 2_000


class StrategySection(Settings):
    """The `strategy` key; a lone name in its place is its `name`."""

    name: StrategyName
    params: Parameters = Field(default_factory=dict)


class InstanceSection(Settings):
    """One entry of `instances`: a strategy that watches one market of one account."""

    market: Symbol
    id: InstanceId | None = None
    strategy: StrategyName | None = None
    account: AccountName | None = None
    mode: Mode = "active"
    parameters: Parameters = Field(default_factory=dict)


Instances = Annotated[tuple[InstanceSection, ...], Field(max_length=INSTANCES_MAX)]
