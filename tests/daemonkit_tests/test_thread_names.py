"""Names of threads, as the kernel shows them."""

import threading
from pathlib import Path

from daemonkit.thread_names import show_own_name, show_thread_names


def comm(thread: threading.Thread) -> str:
    return Path(f"/proc/self/task/{thread.native_id}/comm").read_text(encoding="utf-8").strip()


def test_a_thread_is_shown_under_its_name_and_the_process_keeps_its_own() -> None:
    before = comm(threading.main_thread())
    is_over = threading.Event()
    thread = threading.Thread(target=is_over.wait, name="feed-with-a-long-name")
    thread.start()
    try:
        show_thread_names()
        assert comm(thread) == "feed-with-a-lon"
        assert comm(threading.main_thread()) == before
    finally:
        is_over.set()
        thread.join()


def test_a_thread_that_is_started_later_shows_its_own_name() -> None:
    seen: list[str] = []

    def work() -> None:
        show_own_name()
        seen.append(comm(threading.current_thread()))

    thread = threading.Thread(target=work, name="pictures")
    thread.start()
    thread.join()
    assert seen == ["pictures"]
