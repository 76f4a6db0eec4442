"""The console on a terminal: prompt, completion, what is typed while something is shown."""

from collections.abc import Callable
from functools import partial

from tests.bridge_tests.program_tests.programs import Screen
from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.waiting import wait_until


def test_on_a_terminal_there_is_a_prompt_and_output_does_not_tear_what_is_typed(
    screen: Screen, connect: Callable[..., ScriptedBot]
) -> None:
    screen.wait_for("ready")
    screen.wait_for("> ")
    bot = connect()
    screen.type("/pi\t")
    screen.wait_for("/ping ")
    bot.raise_event("in between")
    screen.wait_for("in between\r\n> /ping ")
    assert "\r\x1b[K#1 paper info" in screen.text
    screen.type("\n")
    screen.wait_for("[applied] /ping — pong; 1 bot connected\r\n> ")
    screen.type("\x04")
    assert screen.wait() == 0
    assert "INFO" not in screen.text


def test_ctrl_c_leaves_the_terminal_at_the_beginning_of_a_line(screen: Screen) -> None:
    screen.wait_for("> ")
    screen.type("/half")
    screen.wait_for("> /half")
    screen.type("\x03")
    assert screen.wait() == 0
    assert screen.text.endswith("/half\r\n")


def _has_answers(screen: Screen, count: int) -> bool:
    text = screen.read()
    return text.count("[applied]") == count and text.endswith("\r\n> ")


def test_an_answer_brings_the_prompt_back_once(screen: Screen) -> None:
    screen.wait_for("> ")
    for number in range(1, 21):
        screen.type("/ping\n")
        wait_until(partial(_has_answers, screen, number), 15, "the answer and the prompt")
    assert "> > " not in screen.text
