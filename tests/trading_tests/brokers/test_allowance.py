"""What is left of an exchange's count holds reads back by their haste, and a pause holds all."""

import pytest

from trading.brokers.allowance import (
    MARGIN_S,
    ORDERS_PAUSE_MAX_S,
    ROUTINE_SHARE,
    URGENT_SHARE,
    WANTED_SHARE,
    Allowance,
)

MINUTE = 1_800_000_000.0
NOW = 500.0


@pytest.mark.parametrize(
    ("used", "held"),
    [(2_900, []), (3_100, [ROUTINE_SHARE]), (5_500, [ROUTINE_SHARE, WANTED_SHARE])],
)
def test_the_less_is_left_the_more_urgent_a_read_has_to_be(used: int, held: list[float]) -> None:
    allowance = Allowance(6_000)
    allowance.note_used(used, MINUTE + 30, NOW)
    shares = (ROUTINE_SHARE, WANTED_SHARE, URGENT_SHARE)
    assert [share for share in shares if allowance.read_wait_s(20, share, NOW)] == held


def test_reads_go_on_with_the_next_minute_of_the_exchange_and_orders_never_wait() -> None:
    allowance = Allowance(6_000)
    allowance.note_used(5_990, MINUTE + 45, NOW)
    assert allowance.read_wait_s(1, URGENT_SHARE, NOW) == 15 + MARGIN_S
    assert allowance.order_wait_s(NOW) == 0.0
    assert allowance.read_wait_s(1, ROUTINE_SHARE, NOW + 15 + MARGIN_S) == 0.0


@pytest.mark.parametrize("after_s", [-0.9, 0.0, 0.9, 1.9])
def test_a_count_that_is_told_around_a_full_minute_holds_nothing_back_for_another_one(
    after_s: float,
) -> None:
    allowance = Allowance(6_000)
    allowance.note_used(5_990, MINUTE + after_s, NOW)
    assert 0 < allowance.read_wait_s(1, ROUTINE_SHARE, NOW) <= MARGIN_S + 1.0


def test_a_read_that_weighs_more_than_all_is_asked_in_a_minute_that_others_have_begun() -> None:
    allowance = Allowance(6_000)
    allowance.note_used(40, MINUTE + 10, NOW)
    assert allowance.read_wait_s(50_000, ROUTINE_SHARE, NOW) == 0.0
    allowance.note_used(4_300, MINUTE + 11, NOW)
    assert allowance.read_wait_s(50_000, URGENT_SHARE, NOW) > 0


def test_that_little_is_left_is_said_once_a_minute() -> None:
    allowance = Allowance(6_000)
    told = [(5_300, 40), (5_450, 41), (5_500, 42), (100, 65), (5_450, 119)]
    said = [allowance.note_used(used, MINUTE + at, NOW + at) for used, at in told]
    assert said == [False, True, False, False, True]


def test_a_later_count_takes_the_place_of_an_earlier_one() -> None:
    allowance = Allowance(6_000)
    allowance.note_used(5_990, MINUTE + 45, NOW)
    allowance.note_used(25, MINUTE + 64, NOW + 19)
    assert allowance.read_wait_s(20, ROUTINE_SHARE, NOW + 19) == 0.0


def test_a_pause_is_told_once_lasts_for_reads_and_is_tried_by_orders_now_and_then() -> None:
    allowance = Allowance(6_000)
    assert allowance.note_pause(30.0, NOW)
    assert not allowance.note_pause(3 * 86_400.0, NOW + 1)
    assert not allowance.note_pause(5.0, NOW + 2)
    assert allowance.pause_s(NOW + 3) == 3 * 86_400.0 - 2
    assert allowance.read_wait_s(1, URGENT_SHARE, NOW + 3) == 3 * 86_400.0 - 2
    assert allowance.order_wait_s(NOW + 3) == ORDERS_PAUSE_MAX_S - 2
    assert allowance.note_pause(30.0, NOW + 4 * 86_400.0)
