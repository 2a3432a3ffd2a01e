"""Where pictures are in the grid, and what the page knows of a list: run by Node."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.support.node import run

LIST = """
const card = (n, more = {}) => ({
    id: `id-${String(n).padStart(4, "0")}`, width: 3, height: 2,
    uploaded_at: new Date(Date.UTC(2026, 6, 4, 12) - n * 3600_000).toISOString(), ...more,
});
const cards = (from, to) => Array.from({length: to - from}, (_, n) => card(from + n));
const window_ = (start, end, more = {}) => ({
    edition: "e1", query: "", sort: "newest", start, found: null, short: false,
    cards: cards(start, end), ...more,
});
const list = new it.PictureList();
const ids = () => list.slots.map((one) => one?.id.slice(3)).join(" ");
const counts = () => list.days.map((day) => day.count);
"""


def listed(code: str, zone: str = "UTC") -> Any:
    return run("gallery/picture-list.js", LIST + code, zone=zone)


def layout(code: str) -> Any:
    return run("gallery/grid-layout.js", code)


@pytest.mark.parametrize("width", [320, 390, 608, 900, 1280, 2000])
def test_rows_fill_the_width_and_hold_every_picture_once(width: int) -> None:
    rows = layout(
        f"""
        const m = it.measures({width});
        const ratios = Array.from({{length: 500}}, (_, n) => [0.5, 1, 1.5, 3, 0.7][n * 7 % 5]);
        const days = [{{key: "2026-7-2", count: 313}}, {{key: "2026-7-1", count: 187}}];
        const items = it.layOut(ratios, days, m);
        return items.filter((one) => one.kind === "row").map((row) => {{
            const places = it.placesIn(row, ratios, m);
            const last = places.at(-1);
            return [row.first, row.end, row.day, row.height, last.left + last.width];
        }});
        """
    )
    assert [at for row in rows for at in range(row[0], row[1])] == list(range(500))
    assert {row[2] for row in rows if row[0] < 313} == {0}
    day_ends = {313, 500}
    for _, end, _, height, right in rows:
        assert right <= width + 0.01
        if end not in day_ends:
            assert right == pytest.approx(width, abs=0.01)
        assert height < 400


def test_a_byte_says_how_wide_a_picture_is() -> None:
    ratios = layout(
        "return [[3, 2], [2, 3], [1, 1], [9, 1]].map(([w, h]) => it.ratioOf(it.byteOf(w, h)));"
    )
    assert ratios == pytest.approx([1.5, 0.667, 1, 4], rel=0.01)


def test_at_least_so_many_pictures_are_mounted_where_there_are_that_many() -> None:
    counts = layout(
        """
        const m = it.measures(1280);
        const of = (total, startIndex) => {
            const ratios = Array(total).fill(1.5);
            const items = it.layOut(ratios, [{key: "2026-7-2", count: total}], m);
            startIndex = Math.min(startIndex, items.length - 1);
            const endIndex = Math.min(startIndex + 2, items.length - 1);
            const indexes = it.mounted(
                {startIndex, endIndex, overscan: 3, count: items.length}, items, 60);
            return indexes.reduce((sum, one) => sum + items[one].end - items[one].first, 0);
        };
        return [of(5, 0), of(59, 0), of(61, 0), of(1000, 0), of(1000, 100), of(1000, 9999)];
        """
    )
    assert counts[:2] == [5, 59]
    assert all(60 <= count < 80 for count in counts[2:])


def test_a_hundred_thousand_pictures_have_their_places_at_once() -> None:
    found = layout(
        """
        const ratios = Array.from({length: 100_000}, (_, n) => 0.6 + (n % 17) / 10);
        const items = it.layOut(ratios, [{key: "2026-7-2", count: 100_000}], it.measures(1280));
        return [0, 777, 50_000, 99_999].map((at) => {
            const item = items[it.itemOf(items, at)];
            return item.first <= at && at < item.end && item.kind === "row";
        });
        """
    )
    assert found == [True] * 4


def test_windows_fill_the_list_and_what_is_missing_is_asked_for_in_blocks() -> None:
    assert listed(
        """
        list.take(window_(0, 60, {found: 500}));
        const first = [list.length, list.complete, list.wanted(0, 60), list.wanted(30, 75)];
        const jump = list.wanted(333, 420);
        list.take(window_(300, 420));
        const after = [list.wanted(333, 420), list.wanted(400, 460), list.positionOf("id-0310")];
        return [...first, jump, ...after];
        """
    ) == [
        500,
        False,
        None,
        {"start": 60, "count": 60},
        {"start": 300, "count": 120},
        None,
        {"start": 420, "count": 60},
        310,
    ]


def test_days_are_counted_where_the_browser_is() -> None:
    code = "list.take(window_(0, 20, {found: 20})); return counts();"
    assert listed(code) == [13, 7]
    assert listed(code, "Asia/Tokyo") == [20]
    assert listed(code, "America/Los_Angeles") == [6, 14]


def test_a_timeline_gives_days_and_proportions_to_what_is_not_loaded() -> None:
    shapes = base64.b64encode(bytes([255] * 70)).decode()
    timeline = {
        "total": 70,
        "days": [{"date": "2026-07-04", "count": 30}, {"date": "2026-07-02", "count": 40}],
        "ratios": shapes,
    }
    assert listed(
        f"""
        list.take(window_(0, 60, {{found: 70}}));
        list.arrange({json.dumps(timeline)});
        return [counts(), list.ratios[69], list.days.map((day) => day.key)];
        """
    ) == [[30, 40], 4, ["2026-7-4", "2026-7-2"]]


def test_a_new_picture_goes_where_its_time_is() -> None:
    assert listed(
        """
        list.take(window_(1, 4, {start: 0, found: 3}));
        const unsure = list.patch({cards: [card(0), card(2.5)], gone: []});
        return [ids(), unsure, counts(), list.positionOf("id-0002.5".replace(".5", ".5"))];
        """
    )[:3] == ["0000 0001 0002 02.5 0003", False, [5]]


def test_a_picture_that_goes_takes_its_day_along() -> None:
    assert listed(
        """
        list.take({...window_(0, 2), found: 3, cards: [card(0), card(30), card(31)]});
        const before = counts();
        list.patch({cards: [], gone: ["id-0000"]});
        return [before, counts(), ids(), list.ratios.length];
        """
    ) == [[1, 2], [2], "0030 0031", 2]


def test_a_change_of_a_loaded_card_stays_in_its_place() -> None:
    assert listed(
        """
        list.take(window_(0, 3, {found: 3}));
        const unsure = list.patch({cards: [card(1, {alt_text: "A dog"})], gone: []});
        return [unsure, list.slots[1].alt_text, list.length];
        """
    ) == [False, "A dog", 3]


def test_what_changes_at_an_unknown_place_asks_for_the_list() -> None:
    assert listed(
        """
        list.take(window_(0, 60, {found: 500}));
        return [
            list.patch({cards: [card(400)], gone: []}),
            list.patch({cards: [], gone: ["id-0450"]}),
            list.patch({cards: [card(-1)], gone: ["id-0002"]}),
            list.length,
        ];
        """
    ) == [True, True, False, 500]


def test_another_edition_is_read_again_and_another_query_begins_anew() -> None:
    assert listed(
        """
        list.take(window_(0, 60, {found: 500}));
        list.take(window_(60, 120));
        list.take(window_(0, 60, {edition: "e2", found: 500}));
        const again = list.wanted(60, 120);
        list.take(window_(0, 2, {edition: "e3", query: "q=dog", found: 2, short: true}));
        return [again, list.length, ids(), list.wanted(0, 2)];
        """
    ) == [{"start": 60, "count": 60}, 2, "0000 0001", None]


def test_few_cards_are_kept_however_far_one_scrolls() -> None:
    assert listed(
        """
        list.take(window_(0, 60, {found: 100_000}));
        for (let start = 60; start < 6000; start += 120) {
            list.take(window_(start, start + 120));
            list.forget(start, start + 120);
        }
        const kept = list.slots.filter(Boolean).length;
        return [kept, list.wanted(5900, 6000), list.wanted(0, 60), list.length];
        """
    ) == [600, None, {"start": 0, "count": 60}, 100_000]


def test_the_card_that_has_the_focus_is_kept() -> None:
    assert listed(
        """
        list.take(window_(0, 60, {found: 100_000}));
        for (let start = 60; start < 6000; start += 120) {
            list.take(window_(start, start + 120));
            list.forget(start, start + 120, 3);
        }
        return [list.slots.filter(Boolean).length, list.slots[3].id, list.wanted(0, 4)];
        """
    ) == [600, "id-0003", {"start": 0, "count": 60}]


def test_placeholders_are_bitmaps_and_nonsense_is_none() -> None:
    text = base64.urlsafe_b64encode(bytes([2, 1, 2, 3, 4, 5, 6])).decode()
    made = run("gallery/placeholders.js", f"return it.placeholder({json.dumps(text)});")
    file = base64.b64decode(made.removeprefix("url(data:image/bmp;base64,").removesuffix(")"))
    assert (file[:2], len(file)) == (b"BM", 54 + 8)
    assert file[54:60] == bytes([3, 2, 1, 6, 5, 4])
    assert (
        run("gallery/placeholders.js", "return ['', null, '!!', 'AA=='].map(it.placeholder);")
        == ["none"] * 4
    )


@pytest.mark.parametrize("seed", range(6))
def test_the_page_and_the_server_agree_whatever_comes_and_goes(seed: int) -> None:
    """Random uploads, removals and changes, told by patches while windows are read."""
    assert (
        listed(
            f"""
        let state = {seed} * 7919 + 1;
        const random = (n) => (state = (state * 48271) % 2147483647) % n;
        let server = cards(0, 150);
        const read = (start, count) => server.slice(start, start + count);
        const show = (start, count, more) =>
            list.take({{...window_(0, 0), start, cards: read(start, count), ...more}});
        show(0, 60, {{found: server.length}});
        let next = -1;
        let edition = 1;
        for (let round = 0; round < 300; round += 1) {{
            const what = random(4);
            let patch;
            if (what === 0) {{
                const one = card(next--);
                server.unshift(one);
                patch = {{cards: [one], gone: []}};
            }} else if (what === 1 && server.length > 20) {{
                const [one] = server.splice(random(server.length), 1);
                patch = {{cards: [], gone: [one.id]}};
            }} else {{
                const at = random(server.length);
                server[at] = {{...server[at], alt_text: `said ${{round}}`}};
                patch = {{cards: [server[at]], gone: []}};
            }}
            const unsure = list.patch(patch, {{counted: what < 2}});
            if (unsure) show(0, 60, {{edition: `e${{++edition}}`, found: server.length}});
            const from = random(server.length);
            for (let wanted; (wanted = list.wanted(from, from + 40)); )
                show(wanted.start, wanted.count, {{edition: list.edition, short: false}});
            if (list.length !== server.length) return `${{list.length}}, not ${{server.length}}`;
            if (list.days.reduce((sum, day) => sum + day.count, 0) !== server.length) return "days";
            for (let at = from; at < Math.min(from + 40, server.length); at += 1)
                if (list.slots[at] !== server[at]) return `round ${{round}}, position ${{at}}`;
        }}
        return "agreed";
        """
        )
        == "agreed"
    )


def test_a_list_that_is_not_counted_yet_is_not_complete() -> None:
    assert listed(
        """
        list.take(window_(0, 60));
        const before = [list.length, list.complete, list.wanted(0, 60)];
        list.arrange({total: 80, days: [{date: null, count: 80}], ratios: btoa("a".repeat(80))});
        return [...before, list.length, list.complete, list.wanted(50, 80)];
        """
    ) == [60, False, None, 80, False, {"start": 60, "count": 60}]


RECENT = """
const recent = new it.Recent();
const card = (id, alt_text = "old") => ({ id, alt_text });
const note = (seq, cards, gone = []) => recent.note({ seq, cards, gone });
const renewed = (seq, ...ids) => {
    const { window, gone } = recent.renew({ seq, start: 0, cards: ids.map((id) => card(id)) });
    return [window.cards.map((one) => `${one.id} ${one.alt_text}`), gone];
};
"""


def test_a_window_that_comes_after_a_patch_does_not_undo_it() -> None:
    before, at, after = run(
        "gallery/recent-patches.js",
        RECENT
        + """
        note(7, [card("a", "new")]);
        return [renewed(6, "a", "b"), renewed(7, "a", "b"), renewed(8, "a", "b")];
        """,
    )
    assert before == [["a new", "b old"], False]
    assert at == after == [["a old", "b old"], False], "it was read after the change"


def test_what_went_since_a_window_was_read_is_noticed_in_it() -> None:
    gone, back, elsewhere = run(
        "gallery/recent-patches.js",
        RECENT
        + """
        note(7, [], ["a"]);
        const first = renewed(6, "a", "b");
        note(8, [card("a", "back")]);
        return [first, renewed(6, "a", "b"), renewed(6, "b")];
        """,
    )
    assert (gone[1], back, elsewhere) == (True, [["a back", "b old"], False], [["b old"], False])


def test_only_the_latest_changes_are_remembered() -> None:
    first, touched, last = run(
        "gallery/recent-patches.js",
        RECENT
        + """
        note(1, [card("first", "new"), card("touched", "new")]);
        for (let n = 0; n < 499; n += 1) note(2 + n, [card(`id-${n}`, "new")]);
        note(900, [card("touched", "newer")]);
        note(901, [card("last", "new")]);
        return ["first", "touched", "last"].map((id) => renewed(0, id)[0][0]);
        """,
    )
    assert (first, touched, last) == ("first old", "touched newer", "last new")


def test_what_came_before_a_window_and_is_newer_is_known_as_a_patch() -> None:
    patch = run(
        "gallery/recent-patches.js",
        RECENT
        + """
        note(5, [card("before", "new")], ["gone-before"]);
        note(7, [card("a", "new"), card("b", "new")], ["c"]);
        note(8, [card("c", "back")], ["b"]);
        return recent.since(6);
        """,
    )
    assert {one["id"]: one["alt_text"] for one in patch["cards"]} == {"a": "new", "c": "back"}
    assert patch["gone"] == ["b"]


def test_a_day_has_its_name_from_the_day_on_which_it_is_shown() -> None:
    named = run(
        "shell/times.js",
        "return ['2026-7-4', '2026-7-5', '2026-7-6'].map((today) => it.labelOf('2026-7-4', today))"
        ".concat(it.labelOf('', '2026-7-4'));",
    )
    assert named == ["Today", "Yesterday", "Saturday, July 4", ""]


def test_the_list_keeps_no_word_that_would_be_wrong_tomorrow() -> None:
    days = listed(
        "list.take(window_(0, 30, { found: 30 }));"
        "list.patch({ cards: [card(-24)], gone: [] });"
        "return list.days.map((day) => Object.keys(day).sort());"
    )
    assert len(days) == 3
    assert days == [["count", "key"]] * 3
