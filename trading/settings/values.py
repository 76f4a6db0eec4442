"""The kinds of values that a bot's configuration is made of, each with its bounds in words."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

# No configuration reaches beyond this, whatever its max_leverage says.
LEVERAGE_CEILING: Final = 10

LevelName = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
Mode = Literal["off", "observe", "active"]
ExchangeName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,32}$")]
StrategyName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
InstanceId = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,64}$")]
ParameterName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
Parameters = dict[ParameterName, Any]


def no_truth(value: Any) -> Any:
    """Refuse true and false where a number is meant."""
    # pydantic takes true for 1: a dollar, a single loss, a second.
    if isinstance(value, bool):
        raise ValueError("a number")  # noqa: TRY004 - pydantic makes words of this one alone
    return value


def _below_one(value: float) -> float:
    # 5 is 5 % to a person and five times everything to a program.
    if value >= 1:
        raise ValueError("a fraction below 1: 0.05 means 5 %")
    return value


def _below_ceiling(value: float) -> float:
    # With borrowed money more than all of it may be in the market; what leverage allows is checked
    # against it where both are known.
    if value > LEVERAGE_CEILING:
        raise ValueError("a fraction: 0.05 means 5 %")
    return value


def _small(value: float) -> float:
    if not -0.01 <= value <= 0.05:
        raise ValueError("a fraction of at most 0.05: 0.001 means 0.1 %")
    return value


def _not_reserved(name: str) -> str:
    # In the chat these mean something else.
    if name in {"all", "telegram"}:
        raise ValueError("any other name")
    return name


AccountName = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,32}$"), AfterValidator(_not_reserved)]
_Real = Annotated[float, BeforeValidator(no_truth)]
_Whole = Annotated[int, BeforeValidator(no_truth)]
Seconds = Annotated[_Real, Field(gt=0, le=86_400)]
Count = Annotated[_Whole, Field(ge=1, le=100_000_000)]
Bytes = Annotated[_Whole, Field(ge=0, le=2**50)]
Money = Annotated[_Real, Field(gt=0, le=1e15)]
Leverage = Annotated[_Real, Field(ge=1, le=LEVERAGE_CEILING)]
LossCount = Annotated[_Whole, Field(ge=1, le=1_000)]
Fraction = Annotated[_Real, Field(gt=0), AfterValidator(_below_one)]
ExposureFraction = Annotated[_Real, Field(gt=0), AfterValidator(_below_ceiling)]
CostFraction = Annotated[_Real, Field(ge=0), AfterValidator(_small)]
# A venue may pay for orders that wait in its book.
RebateFraction = Annotated[_Real, AfterValidator(_small)]


def upper(value: Any) -> Any:
    """Return a text in upper case, and anything else as it is."""
    return value.upper() if isinstance(value, str) else value
