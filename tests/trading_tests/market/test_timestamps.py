"""Times in files: the unit is told by the magnitude, once for a file."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.market.table import Cell
from trading.market.timestamps import TimestampReader

UNITS = (1, 10**3, 10**6, 10**9)


@given(seconds=st.integers(10**8, 10**11 - 1), unit=st.sampled_from(UNITS))
def test_every_unit_is_recognised(seconds: int, unit: int) -> None:
    assert TimestampReader().read(str(seconds * unit)) == pytest.approx(seconds, abs=1e-4)
    assert TimestampReader().read(seconds * unit) == pytest.approx(seconds, abs=1e-4)


@given(time=st.datetimes(datetime(1980, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001
def test_iso_times_are_read_and_without_a_zone_are_utc(time: datetime) -> None:
    expected = time.replace(tzinfo=UTC).timestamp()
    assert TimestampReader().read(time.isoformat()) == pytest.approx(expected, abs=1e-5)
    assert TimestampReader().read(f"{time.isoformat()}Z") == pytest.approx(expected, abs=1e-5)
    with_zone = time.replace(tzinfo=UTC).astimezone().isoformat(sep=" ")
    assert TimestampReader().read(with_zone) == pytest.approx(expected, abs=1e-5)


def test_fractions_of_seconds_are_kept() -> None:
    assert TimestampReader().read("1570752011.620") == 1_570_752_011.62
    assert TimestampReader().read("1570752011620") == 1_570_752_011.62


@pytest.mark.parametrize(
    "first_and_other",
    [
        ("1640991660000", "1640991720"),
        ("1640991660", "1640991720000"),
        ("1640991660", "2022-01-01T00:00:00Z"),
        ("2022-01-01T00:00:00Z", "1640991660"),
    ],
)
def test_another_kind_in_the_same_file_is_no_time(first_and_other: tuple[str, str]) -> None:
    reader = TimestampReader()
    assert not math.isnan(reader.read(first_and_other[0]))
    assert math.isnan(reader.read(first_and_other[1]))


@pytest.mark.parametrize(
    "cell", ["", " ", "abc", "nan", "inf", "-1640991660", "0", "5", "20211231", "1e30", None, -1.0]
)
def test_what_is_no_time_is_refused(cell: Cell) -> None:
    assert math.isnan(TimestampReader().read(cell))


@given(cell=st.one_of(st.text(max_size=40), st.floats(), st.integers(), st.none()))
def test_nothing_else_ever_comes_out(cell: Cell) -> None:
    seconds = TimestampReader().read(cell)
    assert math.isnan(seconds) or 1e8 <= seconds < 1e11
