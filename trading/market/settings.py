"""What a bot's configuration says about its market data feed."""

import re
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

SYMBOL = re.compile(r"[A-Z0-9]{1,20}(/[A-Z0-9]{1,20}(:[A-Z0-9]{1,20})?)?")
SYMBOLS_MAX = 200
SPEED_MAX = 1_000_000.0
# Working out the history of a simulated market costs about a second for three million.
HISTORY_SECONDS_MAX = 10_000_000


def _symbol(text: str) -> str:
    symbol = text.strip().upper().replace("-", "/")
    base, _, quote = symbol.partition("/")
    if not SYMBOL.fullmatch(symbol) or base == quote:
        raise ValueError("a market such as BTC/USDT")
    return symbol


def _utc(time: datetime) -> datetime:
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    if not 1980 <= time.year <= 2200:
        raise ValueError("must be between the years 1980 and 2200")
    return time


Symbol = Annotated[str, AfterValidator(_symbol)]
UtcTime = Annotated[datetime, AfterValidator(_utc)]
Speed = Annotated[float, Field(ge=0, le=SPEED_MAX, allow_inf_nan=False)]
CandleSeconds = Annotated[int, Field(ge=1, le=7 * 86400)]


class _FeedSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SyntheticSettings(_FeedSettings):
    """The built-in market. `speed` is market seconds per wall second, 0 as fast as possible."""

    kind: Literal["synthetic"] = "synthetic"
    symbols: Annotated[tuple[Symbol, ...], Field(min_length=1, max_length=SYMBOLS_MAX)] = (
        "BTC/USDT",
        "ETH/USDT",
        "SOL/USDT",
    )
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 1
    speed: Speed = 1.0
    tick_interval_s: Annotated[float, Field(ge=0.1, le=3600, allow_inf_nan=False)] = 1.0
    candle_s: CandleSeconds = 60
    history_candles: Annotated[int, Field(ge=0, le=100_000)] = 2000
    start: UtcTime | None = None

    @property
    def tick_interval_ms(self) -> int:
        """The distance of two ticks in whole milliseconds."""
        return round(self.tick_interval_s * 1000)

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if len(set(self.symbols)) != len(self.symbols):
            raise ValueError("symbols must not name a market twice")
        step_ms = self.tick_interval_ms
        if abs(self.tick_interval_s * 1000 - step_ms) > 1e-6:
            raise ValueError("tick_interval_s must be whole milliseconds")
        if self.candle_s * 1000 % step_ms:
            raise ValueError("candle_s must be a whole number of tick_interval_s")
        history_s = self.history_candles * self.candle_s * len(self.symbols)
        if history_s > HISTORY_SECONDS_MAX:
            raise ValueError(
                f"history_candles * candle_s * symbols is {history_s} seconds to work out, "
                f"allowed at most {HISTORY_SECONDS_MAX}"
            )
        return self


class ReplaySettings(_FeedSettings):
    """A recorded file of candles or trades, played from its beginning at any speed.

    `candle_s` is found out from a file of candles, and is 60 for trades. The first
    `history_candles` candles are history, the rest is played.
    """

    kind: Literal["replay"] = "replay"
    file: Annotated[str, Field(min_length=1, max_length=4096)]
    symbol: Symbol | None = None
    speed: Speed = 1.0
    candle_s: CandleSeconds | None = None
    history_candles: Annotated[int, Field(ge=0, le=100_000)] = 200


class ExchangeFeedSettings(_FeedSettings):
    """The live market of the account's exchange; without `symbols` those that are traded.

    A symbol of which nothing was heard for `staleness_s` is asked for every `rest_poll_s`. A
    WebSocket on which nothing at all came for `reconnect_after_s` is opened anew.
    """

    kind: Literal["exchange"] = "exchange"
    symbols: Annotated[tuple[Symbol, ...], Field(max_length=SYMBOLS_MAX)] = ()
    candle_s: CandleSeconds = 60
    history_candles: Annotated[int, Field(ge=1, le=100_000)] = 500
    websocket: bool = True
    staleness_s: Annotated[float, Field(ge=0.1, le=3600, allow_inf_nan=False)] = 10.0
    rest_poll_s: Annotated[float, Field(ge=0.05, le=3600, allow_inf_nan=False)] = 2.0
    reconnect_after_s: Annotated[float, Field(ge=0.5, le=3600, allow_inf_nan=False)] = 60.0
    candle_grace_s: Annotated[float, Field(ge=0.1, le=60, allow_inf_nan=False)] = 3.0
    request_timeout_s: Annotated[float, Field(ge=0.1, le=120, allow_inf_nan=False)] = 10.0

    @model_validator(mode="after")
    def _check_symbols(self) -> Self:
        if len(set(self.symbols)) != len(self.symbols):
            raise ValueError("symbols must not name a market twice")
        return self


FeedSettings = Annotated[
    SyntheticSettings | ReplaySettings | ExchangeFeedSettings, Field(discriminator="kind")
]
