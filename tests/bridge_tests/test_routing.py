import pytest

from tcpproto.vocabulary import ALL_BOTS, Risk
from telegram.bridge.routing import Ask, Refuse, Route, Scene, To, find_route

NONE_CONNECTED = Refuse("no bot is connected; nothing sent")


@pytest.mark.parametrize(
    ("connected", "known", "chosen", "expected"),
    [
        (["a"], ["a"], None, To(("a",))),
        (["a"], ["a", "b"], None, To(("a",))),
        (["a", "b"], ["a", "b"], None, Ask(("a", "b"))),
        (["a", "b"], ["a", "b"], "b", To(("b",))),
        (["a", "b"], ["a", "b", "c"], "c", To(("c",))),
        ([], ["a"], None, To(("a",))),
        ([], ["a", "b"], "b", To(("b",))),
        ([], ["a", "b"], None, NONE_CONNECTED),
        ([], [], None, NONE_CONNECTED),
        ([], [], "gone", NONE_CONNECTED),
    ],
)
def test_a_reading_command_goes_to_the_only_bot_else_to_the_chosen_one(
    connected: list[str], known: list[str], chosen: str | None, expected: Route
) -> None:
    assert find_route(None, Risk.READING, Scene(connected, known, chosen)) == expected


@pytest.mark.parametrize("risk", [Risk.RAISING, Risk.REDUCING, Risk.SETTING])
def test_when_the_chosen_bot_is_away_acting_on_another_one_is_asked_about(risk: Risk) -> None:
    scene = Scene(["a"], ["a", "b"], "b")
    assert find_route(None, risk, scene) == Ask(("a", "b"))
    assert find_route(None, Risk.READING, scene) == To(("a",))


def test_while_all_are_away_only_a_reducing_command_asks_which() -> None:
    scene = Scene([], ["a", "b"], None)
    assert find_route(None, Risk.REDUCING, scene) == Ask(("a", "b"))
    assert find_route(None, Risk.RAISING, scene) == NONE_CONNECTED


def test_a_name_in_the_command_decides() -> None:
    scene = Scene(["a", "b"], ["a", "b", "kraken"], "a")
    assert find_route("kraken", Risk.RAISING, scene) == To(("kraken",))
    assert find_route("krakn", Risk.RAISING, scene) == Refuse(
        "there is no bot krakn; did you mean kraken?"
    )
    assert find_route("zzz", Risk.RAISING, scene) == Refuse(
        "there is no bot zzz; known: a, b, kraken"
    )
    assert find_route("a", Risk.READING, Scene([], [], None)) == Refuse(
        "there is no bot a; none has connected yet"
    )


def test_all_means_the_connected_ones_and_for_reducing_also_those_away() -> None:
    scene = Scene(["a"], ["a", "b"], None)
    assert find_route(ALL_BOTS, Risk.READING, scene) == To(("a",))
    assert find_route(ALL_BOTS, Risk.RAISING, scene) == To(("a",))
    assert find_route(ALL_BOTS, Risk.REDUCING, scene) == To(("a", "b"))
    assert find_route(ALL_BOTS, Risk.READING, Scene([], ["b"], None)) == NONE_CONNECTED
