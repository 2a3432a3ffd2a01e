"""What the page shows of a file before it is sent: run by Node."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PillowImage

from tests.support.metadata_blocks import with_thumbnail
from tests.support.node import run
from tests.support.pictures import picture


def encoded(size: tuple[int, int], format: str = "JPEG", **options: Any) -> bytes:
    out = io.BytesIO()
    picture(1, size).save(out, format, **options)
    return out.getvalue()


def head_of(data: bytes, most: int = 128 * 1024) -> dict[str, Any]:
    """What is told from the first bytes; the thumbnail in base64."""
    text = base64.b64encode(data[:most]).decode()
    found = run(
        "uploads/picture-head.js",
        f"const head = it.headOf(Uint8Array.from(Buffer.from({json.dumps(text)}, 'base64')));"
        "return { ...head, thumbnail: head.thumbnail &&"
        " Buffer.from(head.thumbnail).toString('base64') };",
    )
    assert isinstance(found, dict)
    return found


PHOTO, SMALL = encoded((1200, 900)), encoded((160, 120))


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_thumbnail_that_a_camera_embeds_is_found(order: str) -> None:
    head = head_of(with_thumbnail(PHOTO, SMALL, order=order))
    assert (head["width"], head["height"]) == (1200, 900)
    assert base64.b64decode(head["thumbnail"]) == SMALL


def test_a_thumbnail_of_a_picture_that_lies_on_its_side_is_turned_with_it() -> None:
    head = head_of(with_thumbnail(PHOTO, SMALL, turn=6))
    assert (head["width"], head["height"]) == (900, 1200)
    turned = PillowImage.open(io.BytesIO(base64.b64decode(head["thumbnail"])))
    assert turned.size == (160, 120)
    assert turned.getexif()[0x0112] == 6


def test_a_thumbnail_of_another_shape_than_its_picture_is_of_another_one() -> None:
    head = head_of(with_thumbnail(PHOTO, encoded((120, 160))))
    assert head == {"width": 1200, "height": 900, "thumbnail": None}


@pytest.mark.parametrize("format", ["PNG", "GIF", "BMP", "WEBP"])
def test_the_size_of_other_formats_is_told(format: str) -> None:
    head = head_of(encoded((320, 200), format), 64)
    assert head == {"width": 320, "height": 200, "thumbnail": None}


def test_bytes_that_end_or_lie_are_no_trouble() -> None:
    whole = with_thumbnail(PHOTO, SMALL)
    for end in (0, 1, 2, 3, 11, 20, 33, 60, 200, len(SMALL)):
        assert head_of(whole[:end])["thumbnail"] is None
    start = whole.index(b"II*\0")
    for at in range(start, start + 70):
        for value in (0, 0xFF):
            damaged = bytearray(whole[: len(SMALL) + 700])
            damaged[at] = value
            if at % 7 == 0:
                head_of(bytes(damaged))


def test_a_jpeg_without_a_thumbnail_says_its_size_alone() -> None:
    assert head_of(PHOTO) == {"width": 1200, "height": 900, "thumbnail": None}
    assert head_of(b"words, not a picture") == {"thumbnail": None}


STORE = """
const file = (name) => Object.assign(new Blob(["x"]), { name });
const row = (id, name = id) => ({ id, name, file: file(name) });
const store = new it.LocalPictures();
const said = ({ id, imageId }) => (imageId ? `${id}=${imageId}` : id);
const shown = () => store.places().map(said).join(" ");
"""


def stored(code: str) -> Any:
    return run("uploads/local-pictures.js", STORE + code)


def test_files_stand_newest_first_and_those_added_later_before_them() -> None:
    assert stored(
        "await store.add([row('a'), row('b'), row('c')]); await store.add([row('d'), row('e')]);"
        "return shown();"
    ) == "e d c b a"  # fmt: skip


def test_of_very_many_files_the_newest_have_places() -> None:
    assert stored(
        "const rows = Array.from({ length: 700 }, (_, n) => row(`r${n}`)); await store.add(rows);"
        "const ids = store.places().map(({ id }) => id); return [ids.length, ids[0], ids.at(-1)];"
    ) == [600, "r699", "r100"]  # fmt: skip


def test_what_ended_before_its_file_was_read_gets_no_place() -> None:
    assert stored(
        "const added = store.add([row('a'), row('b'), row('c')]);"
        "store.drop('b'); store.arrive('a', 'A'); await added; return shown();"
    ) == "c"  # fmt: skip


def test_a_card_that_comes_before_the_answer_is_known_by_its_name() -> None:
    assert stored(
        "await store.add([row('a', 'x.jpg'), row('b', 'x.jpg'), row('c', 'y.jpg')]);"
        "const seen = []; store.subscribe(() => seen.push(shown()));"
        "store.claim([{ id: 'Y', filename: 'y.jpg' }]);"  # it is not being sent
        "store.begin('a'); store.begin('b'); store.begin('c');"
        "store.claim([{ id: 'X1', filename: 'x.jpg' }, { id: 'Z', filename: 'z.jpg' }]);"
        "const guessed = shown();"
        "store.arrive('b', 'X1'); store.arrive('a', 'X2'); store.arrive('a', 'X2');"
        "return [guessed, shown(), seen.length];"
    ) == ["c b a=X1", "c b=X1 a=X2", 4]  # fmt: skip


def test_what_came_is_let_go_and_what_failed_leaves() -> None:
    assert stored(
        "await store.add([row('a'), row('b'), row('c')]);"
        "store.arrive('a', 'A'); store.drop('c'); const before = shown();"
        "store.settle(); return [before, shown()];"
    ) == ["b a=A", "b"]  # fmt: skip


def test_a_picture_that_was_removed_does_not_become_its_file_again() -> None:
    assert stored(
        "await store.add([row('a'), row('b')]); store.arrive('a', 'A'); store.arrive('b', 'B');"
        "store.leave(['A', 'elsewhere']); return shown();"
    ) == "b=B"  # fmt: skip


ARRIVING = """
const { PictureList } = await import(new URL("./picture-list.js", BASE));
const card = (n) => ({ id: `c${n}`, width: 3, height: 2,
  uploaded_at: new Date(Date.UTC(2026, 6, 4, 12) + n * 1000).toISOString() });
const list = new PictureList();
const shownWindow = (cards, found, more) => list.take({ edition: "e", query: "", sort: "newest",
  start: 0, found, short: false, cards, ...more });
const place = (id, imageId = null) => ({ id, imageId, width: 2, height: 3, src: `blob:${id}` });
const ids = (view) => Array.from(view.slots, (one) => one?.id ?? "-").join(" ");
"""


def arriving(code: str) -> Any:
    base = Path(__file__).resolve().parents[2] / "assets/gallery/"
    return run(
        "gallery/arriving-pictures.js",
        f"const BASE = {json.dumps(base.as_uri() + '/')};" + ARRIVING + code,
    )


def test_files_stand_before_the_list_and_their_cards_take_their_places() -> None:
    first, later, cards, settled = arriving(
        "shownWindow([card(3), card(2), card(1)], 5);"
        "const places = [place('r2'), place('r1', 'c3'), place('r0', 'c2')];"
        "const view = it.withArriving(list, places, '2026-7-4');"
        "const all = it.withArriving(list, [place('r1', 'c3'), place('r0', 'c2')], '2026-7-4');"
        "const swapped = it.withArriving(list, [place('r0', 'c2'), place('r1', 'c3')], '2026-7-4');"
        "return [ids(view), [view.length, view.ratios.length, view.days[0].count,"
        " ...['c1', 'c2', 'r2', '?'].map((id) => view.positionOf(id))],"
        " [view.fromFile.get('c3'), view.fromFile.get('r2') ?? null],"
        " [view.settled, all.settled, swapped.settled, ids(swapped)]];"
    )
    assert first == "r2 c3 c2 c1 - -"
    assert later == [6, 6, 6, 3, 2, 0, -1]
    assert cards == ["blob:r1", None]
    assert settled == [False, True, False, "c2 c3 c1 - -"]


def test_positions_are_those_of_the_list_again_when_the_server_is_asked() -> None:
    assert arriving(
        "shownWindow([card(5), card(4), card(3), card(2)], 9);"
        "const view = it.withArriving(list, [place('r2'), place('r1', 'c4'), place('r0')]);"
        # Shown: r2 c4 r0 c5 c3 c2 - - - - -
        "return [ids(view), view.inList(0, 3), view.inList(3, 11), view.inList(5, 8)];"
    ) == ["r2 c4 r0 c5 c3 c2 - - - - -", [0, 1], [0, 9], [3, 6]]  # fmt: skip


def test_searches_and_other_orders_show_no_files() -> None:
    assert arriving(
        "const places = [place('r0')]; const same = () => it.withArriving(list, places) === list;"
        "const before = same(); shownWindow([card(1)], 1); const all = same();"
        "shownWindow([card(1)], 1, { query: 'q=sea' }); const search = same();"
        "shownWindow([card(1)], 1, { sort: 'oldest', query: 'sort=oldest' });"
        "return [before, all, search, same()];"
    ) == [True, False, True, True]  # fmt: skip


def test_files_of_today_are_of_today() -> None:
    assert arriving(
        "shownWindow([card(1)], 1); const days = (today) =>"
        " it.withArriving(list, [place('r0')], today).days.map(({ key, count }) => [key, count]);"
        "return [days('2026-7-4'), days('2026-7-5')];"
    ) == [[["2026-7-4", 2]], [["2026-7-5", 1], ["2026-7-4", 1]]]  # fmt: skip


def test_a_style_is_the_same_until_something_in_it_changes() -> None:
    assert run(
        "gallery/card-style.js",
        "const card = {}; const at = (left) => ({ top: 1, left });"
        "const first = it.styleOf(card, at(2)); return [first === it.styleOf(card, at(2)),"
        " first === it.styleOf(card, at(3)), it.styleOf(card, at(3), 'blob:x')['--placeholder']];",
    ) == [True, False, 'url("blob:x")']  # fmt: skip
