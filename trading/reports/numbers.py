"""How figures look: money, prices, quantities, percentages and durations, in one place.

Every text has a bounded width, whatever the figure: what is too long is written with an exponent.
"""

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

Number = Decimal | float | int

# The widest figure that is written in full, such as -999,999,999,999.99.
WIDTH_MAX: Final = 19
NOTHING: Final = "-"

_THREE_DIGITS: Final = Context(prec=3, rounding=ROUND_HALF_UP)
_FOUR_DIGITS: Final = Context(prec=4, rounding=ROUND_HALF_UP)
_SIX_DIGITS: Final = Context(prec=6, rounding=ROUND_HALF_UP)
_EIGHT_DIGITS: Final = Context(prec=8, rounding=ROUND_HALF_UP)
_CENT: Final = Decimal("0.01")
_TENTH: Final = Decimal("0.1")
# Less than this is what floats make of nothing.
_LEAST: Final = Decimal("1e-8")


def amount_text(value: Number | None) -> str:
    """Return money: two decimals from 1 up, four significant digits below."""
    if value is None:
        return NOTHING
    exact = _finite(value)
    if exact is None:
        return NOTHING
    text = f"{exact:,.2f}"
    if abs(exact) < 1:
        small = _FOUR_DIGITS.plus(exact)
        text = text if small == _cents(small) else _plain(small)
    return _bounded("0.00" if not exact else text, exact)


def profit_text(value: Number | None) -> str:
    """Return a profit or a loss with its sign: to the cent, three digits of less than a tenth."""
    if value is None:
        return NOTHING
    exact = _finite(value)
    if exact is None:
        return NOTHING
    small = _THREE_DIGITS.plus(exact)
    if _LEAST <= abs(small) < _TENTH:
        return f"{small.normalize():+f}"
    return _bounded(f"{_cents(exact) + 0:+,.2f}", exact, sign="+")


def price_text(value: Number | None) -> str:
    """Return a price: two decimals from 10 up, six significant digits below."""
    if value is None:
        return NOTHING
    exact = _finite(value)
    if exact is None:
        return NOTHING
    text = f"{exact:,.2f}" if abs(exact) >= 10 else _plain(_SIX_DIGITS.plus(exact))
    return _bounded(text, exact)


def quantity_text(value: Number | None) -> str:
    """Return a quantity without trailing zeros, to eight decimals or eight digits when small."""
    if value is None:
        return NOTHING
    exact = _finite(value)
    if exact is None:
        return NOTHING
    if abs(exact) < 1:
        return _bounded(_plain(_EIGHT_DIGITS.plus(exact)), exact)
    return _bounded(_trimmed(f"{exact:,.8f}"), exact)


def percent_text(fraction: Number | None, *, signed: bool = False) -> str:
    """Return a fraction as a percentage with two decimals."""
    if fraction is None:
        return NOTHING
    exact = _finite(fraction)
    if exact is None:
        return NOTHING
    percent = _cents(exact * 100) + 0
    # Beside a small loss no gain may stand.
    is_loss = exact < 0 and not percent
    text = f"{percent:+,.2f}" if signed else f"{percent:,.2f}"
    text = text.replace("+", "-") if is_loss else text
    if len(text) > 10:
        text = f"{percent:+.1e}" if signed else f"{percent:.1e}"
    return f"{text}%"


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun, such as `1 order` or `2 orders`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def duration_text(seconds: float) -> str:
    """Return a duration such as 04:05:06 or 3d 04:05:06."""
    whole = max(0, int(seconds))
    days, rest = divmod(whole, 86_400)
    clock = f"{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"
    return f"{days:,}d {clock}" if days else clock


def exact_text(value: Decimal) -> str:
    """Return money for programs: every digit, no exponent, no trailing zeros."""
    return _plain(value)


def exact_or_none(value: Decimal | None) -> str | None:
    """Return money for programs, or None without any."""
    return None if value is None else _plain(value)


def finite_or_none(value: float | None) -> float | None:
    """Return a float that JSON can hold, or None."""
    return None if value is None or not abs(value) < float("inf") else value


def _finite(value: Number) -> Decimal | None:
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    return exact if exact.is_finite() else None


def _cents(value: Decimal) -> Decimal:
    # Beyond what a context holds nobody reads the cents.
    return value if abs(value) >= 10**20 else value.quantize(_CENT, ROUND_HALF_UP)


def _plain(value: Decimal) -> str:
    text = _trimmed(f"{value:f}")
    return "0" if text in ("-0", "") else text


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _bounded(text: str, value: Decimal, *, sign: str = "") -> str:
    return text if len(text) <= WIDTH_MAX else format(value, f"{sign}.4e")
