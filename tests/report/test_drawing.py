"""One thread that draws."""

import threading
import time

import pytest

from headway.report.drawing import Drawing


def test_everything_is_drawn_by_one_other_thread_in_order() -> None:
    found: list[int] = []
    with Drawing() as drawing:
        futures = []
        for number in range(7):

            def draw(number: int = number) -> threading.Thread:
                found.append(number)
                return threading.current_thread()

            futures.append(drawing.submit(draw))
        drawing.wait()
        assert found == list(range(7))
    (thread,) = {future.result() for future in futures}
    assert thread is not threading.current_thread()


def test_nothing_is_drawn_before_it_may_begin() -> None:
    begun = threading.Event()
    with Drawing(later=True) as drawing:
        drawing.submit(begun.set)
        assert not begun.wait(0.1)
        drawing.begin()
        assert begun.wait(10)


def test_who_waits_lets_it_begin() -> None:
    with Drawing(later=True) as drawing:
        drawn = drawing.submit(lambda: 3)
        drawing.wait()
        assert drawn.done() and drawn.result() == 3


def test_the_end_of_the_block_waits_for_what_is_left() -> None:
    with Drawing(later=True) as drawing:
        drawn = drawing.submit(lambda: time.sleep(0.05))
    assert drawn.done() and not drawn.cancelled()


def test_an_error_of_the_block_leaves_undrawn_what_was_not_begun() -> None:
    with pytest.raises(ZeroDivisionError), Drawing() as drawing:
        began, go_on = threading.Event(), threading.Event()

        def draw() -> None:
            began.set()
            go_on.wait(10)

        first = drawing.submit(draw)
        second = drawing.submit(lambda: None)
        assert began.wait(10)
        threading.Timer(0.1, go_on.set).start()
        _ = 1 // 0
    assert first.done() and second.cancelled()


def test_what_drawing_raises_is_raised_to_who_waits_even_after_more_was_drawn() -> None:
    with Drawing() as drawing:
        broken = drawing.submit(lambda: 1 // 0)
        assert isinstance(broken.exception(), ZeroDivisionError)
        drawing.submit(lambda: None).result()
        with pytest.raises(ZeroDivisionError):
            drawing.wait()
        drawing.wait()
