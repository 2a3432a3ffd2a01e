from __future__ import annotations

from imgapp.adapters.imaging.colours import MOST, main_colours


def area(red: int, green: int, blue: int, count: int) -> bytes:
    return bytes((red, green, blue)) * count


def test_the_main_colours_are_named_and_the_largest_comes_first() -> None:
    pixels = area(30, 60, 200, 30) + area(40, 70, 210, 30) + area(200, 30, 30, 40)
    assert main_colours(pixels) == [
        {"name": "blue", "code": "#2341cd"},
        {"name": "red", "code": "#c81e1e"},
    ]


def test_specks_are_left_out_and_there_are_never_many() -> None:
    assert [one["name"] for one in main_colours(area(0, 0, 0, 99) + area(255, 0, 0, 1))] == [
        "black"
    ]
    tones = ((0, 0, 0), (255, 255, 255), (220, 0, 0), (0, 160, 0), (20, 40, 220), (255, 220, 0))
    assert len(main_colours(b"".join(area(*tone, 10) for tone in tones))) == MOST


def test_dull_and_dark_tones_are_called_what_people_call_them() -> None:
    found = main_colours(area(59, 70, 74, 10) + area(86, 86, 48, 5))
    assert [one["name"] for one in found] == ["grey", "olive"]


def test_no_pixels_have_no_colours() -> None:
    assert main_colours(b"") == []
