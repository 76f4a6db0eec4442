"""Tests of the tests' own way to wait."""

import pytest

from tests.waiting import wait_until


def test_waiting_returns_the_first_true_answer() -> None:
    answers = iter(["", "", "there"])
    assert wait_until(lambda: next(answers), 5, "an answer") == "there"


def test_waiting_in_vain_fails_and_says_for_what() -> None:
    with pytest.raises(AssertionError, match=r"not within 0\.05 s: a miracle"):
        wait_until(lambda: False, 0.05, "a miracle")
