"""The parts of our ES modules that need no browser, run by the Node that builds the page."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.node import run


def test_recent_days_have_names() -> None:
    labels = run(
        "shell/times.js",
        "const now = new Date(2026, 0, 1, 9);"
        "const at = (...date) => it.dayLabel(new Date(...date), now);"
        "return [at(2026, 0, 1), at(2025, 11, 31), at(2025, 11, 30)];",
    )
    assert labels[:2] == ["Today", "Yesterday"]
    assert "2025" in labels[2]


def test_from_a_folder_come_pictures_and_not_what_systems_leave_there() -> None:
    names = run(
        "uploads/picked-files.js",
        "const file = (path, type = '') => "
        "({ name: path.split('/').at(-1), webkitRelativePath: path, type });"
        "return it.picturesOf([file('trip/a.jpg', 'image/jpeg'), file('trip/b.HEIC'),"
        " file('trip/.DS_Store'), file('trip/Thumbs.db'), file('trip/.git/c.png', 'image/png'),"
        " file('@eaDir/a.jpg', 'image/jpeg'), file('trip/#recycle/a.jpg', 'image/jpeg'),"
        " file('trip/a.AAE'), file('trip/a.jpg.xmp'), file('trip/lost+found/a.jpg'),"
        " file('trip/film.mp4', 'video/mp4'), file('trip/list.pdf', 'application/pdf')])"
        ".map((f) => f.name);",
    )
    assert names == ["a.jpg", "b.HEIC"]


@pytest.mark.parametrize(
    ("status", "body", "state", "words", "again"),
    [
        (401, {"detail": "Sign in first"}, "failed", "Sign in again", False),
        (413, {"detail": "Larger than 50 MB"}, "refused", "50 MB", False),
        (422, {"rejected": [{"detail": "The JPEG is damaged"}]}, "refused", "damaged", False),
        (429, {}, "failed", "Too many", True),
        (503, {"detail": "The database does not answer"}, "failed", "database", True),
        (500, "<html>", "failed", "500", True),
        (0, "", "failed", "connection", True),
    ],
)
def test_a_refusal_says_why_and_whether_to_try_again(
    status: int, body: Any, state: str, words: str, again: bool
) -> None:
    answer = {"status": status} | ({"body": body} if isinstance(body, dict) else {})
    outcome = run("uploads/outcomes.js", f"return it.refusal({json.dumps(answer)});")
    assert outcome["state"] == state
    assert words in outcome["reason"]
    assert outcome.get("again", False) is again


def test_an_accepted_file_was_added_or_was_there_already() -> None:
    image = {"id": "1", "urls": {"thumbnail": "/t"}}
    states = run(
        "uploads/outcomes.js",
        f"const image = {json.dumps(image)};"
        "return [it.result({ images: [image] }).state,"
        " it.result({ images: [{ ...image, duplicate: true }] }).state,"
        " it.result({ images: [], rejected: [{ detail: 'no' }] }).reason];",
    )
    assert states == ["done", "duplicate", "no"]


def test_files_that_cannot_be_accepted_are_not_sent() -> None:
    problems = run(
        "uploads/outcomes.js",
        "const limit = 50 * 1024 * 1024;"
        "return [0, 1, limit, limit + 1].map((size) => it.problemOf({ size }, limit));",
    )
    assert problems == ["The file is empty", None, None, "Larger than 50 MB"]


def test_times_are_said_as_people_say_them() -> None:
    said = run(
        "shell/times.js",
        'const now = Date.parse("2026-07-01T12:00:00Z");'
        "const ago = (seconds) => it.timeAgo(new Date(now - 1000 * seconds).toISOString(), now);"
        "return [30, 90, 7200, 26 * 3600, 30 * 86400, -7200].map(ago).concat(it.timeAgo(''));",
    )
    assert said[:4] == ["just now", "1 minute ago", "2 hours ago", "yesterday"]
    assert "2026" in said[4]
    assert said[5:] == ["in 2 hours", ""]


_PAGE = (
    "const said = [];"
    "const region = { set textContent(text) { said.push(text); },"
    " get textContent() { return ''; } };"
    "globalThis.document = { querySelector: () => region, querySelectorAll: () => [] };"
    "const pause = (ms) => new Promise((done) => setTimeout(done, ms));"
)


def test_what_happens_at_once_is_announced_once_and_counted() -> None:
    said = run(
        "shell/announce.js",
        f"{_PAGE} const words = (n) => n === 1 ? '1 picture described.' : `${{n}} described.`;"
        "it.announceMany(1, words); it.announceMany(2, words); it.announceMany(0, words);"
        "it.announce('Saved.'); it.announce('Saved.'); it.announce('');"
        "await pause(400); return said;",
    )
    assert said == ["3 described. Saved."]


def test_a_screen_reader_gets_a_pause_between_announcements() -> None:
    said = run(
        "shell/announce.js",
        f"{_PAGE} it.announce('First.'); await pause(400);"
        "it.announce('Second.'); await pause(1000); const early = [...said];"
        "await pause(3500); return [early, said];",
    )
    assert said == [["First."], ["First.", "Second."]]


def test_single_characters_are_shortcuts_and_text_is_not() -> None:
    found = run(
        "shell/shortcuts.js",
        "const key = (key, more = {}) =>"
        " it.isCharacter({ key, target: { closest: () => null }, ...more });"
        "const field = { target: { closest: () => true } };"
        "return [key('?'), key('e'), key('1'), key(' '), key('ArrowLeft'), key('Escape'),"
        " key('e', { ctrlKey: true }), key('e', field), key(undefined)];",
    )
    assert found == [True, True, True, False, False, False, False, False, False]


def test_every_shortcut_is_in_the_sheet_with_words() -> None:
    groups = run("shell/shortcuts.js", "return it.GROUPS;")
    assert next(group["title"] for group in groups) == "Everywhere"
    for group in groups:
        texts = [one["text"] for one in group["shortcuts"]]
        assert len(set(texts)) == len(texts), "React tells them apart by their text"
        assert all(one["keys"] for one in group["shortcuts"])


def test_keys_pressed_together_are_told_from_keys_of_which_each_does_it() -> None:
    parts = run(
        "shell/shortcuts.js", "return ['Ctrl+a', '+', 'Esc', 'Shift+Click'].map(it.together);"
    )
    assert parts == [["Ctrl", "a"], ["+"], ["Esc"], ["Shift", "Click"]]


@pytest.mark.parametrize(
    ("key", "code", "means"),
    [
        ("x", "KeyX", "x"),
        ("X", "KeyX", "x"),
        ("ч", "KeyX", "x"),
        ("Ч", "KeyX", "x"),
        ("χ", "KeyX", "x"),
        ("ק", "KeyE", "e"),
        ("ไ", "KeyW", "w"),
        ("لا", "KeyB", "b"),
        # Where letters are Latin, what they say counts, and not where they are.
        ("a", "KeyQ", "a"),
        ("\u0131", "KeyI", "\u0131"),
        ("ö", "Semicolon", "ö"),
        ("\u0445", "BracketLeft", "\u0445"),
        ("?", "Slash", "?"),
        ("Enter", "Enter", "Enter"),
        ("Delete", "Delete", "Delete"),
    ],
)
def test_a_letter_key_is_known_on_every_layout(key: str, code: str, means: str) -> None:
    event = json.dumps({"key": key, "code": code})
    assert run("shell/keys.js", f"return it.keyOf({event});") == means


def test_a_key_without_a_name_means_nothing() -> None:
    assert run("shell/keys.js", "return it.keyOf({});") == ""


_CLIPBOARD = (
    "const clipboard = (text, ...names) => ({ files: names.map((name) =>"
    " new File(['x'], name, { type: 'image/png' })), getData: () => text });"
    "const pasted = (...given) => it.pastedFiles(clipboard(...given)).map(({ name }) => name);"
)


def test_where_the_clipboard_has_text_nothing_is_uploaded_but_files_beside_their_names() -> None:
    found = run(
        "uploads/picked-files.js",
        f"{_CLIPBOARD} return ["
        "pasted('Name\\tPrice\\nLamp\\t3', 'image.png'),"
        "pasted('A sentence.', 'image.png'),"
        "pasted('', 'boat.png'),"
        "pasted('boat.png', 'boat.png'),"
        "pasted('boat.png\\r\\nmy car.png\\r\\n', 'boat.png', 'my car.png'),"
        "pasted('file:///home/anna/my%20car.png', 'my car.png'),"
        "pasted('C:\\\\pictures\\\\boat.png', 'boat.png'),"
        "];",
    )
    both = ["boat.png", "my car.png"]
    assert found == [[], [], ["boat.png"], ["boat.png"], both, ["my car.png"], ["boat.png"]]
    (screenshot,) = run("uploads/picked-files.js", f"{_CLIPBOARD} return pasted('', 'image.png');")
    assert screenshot.startswith("Pasted 2")


_SENDING = (
    "globalThis.addEventListener = globalThis.removeEventListener = () => {};"
    "let tries = 0; const said = [];"
    "const attempt = async () => { tries += 1;"
    " if (tries < 2) throw new it.Refused({ status: 0 }); return 'done'; };"
    "const send = (file) => it.persist(attempt, { file, signal: new AbortController().signal,"
    " heard: (why) => said.push(why), progressed: () => 0 })"
    ".catch((error) => error instanceof it.Unreadable ? 'unreadable' : String(error));"
)


def test_a_lost_connection_is_waited_out() -> None:
    ended = run(
        "uploads/retry.js", f"{_SENDING} return [await send(new Blob(['x'])), tries, said];"
    )
    assert ended == ["done", 2, ["Connection lost, going on by itself", None]]


def test_a_file_that_cannot_be_read_any_more_is_no_lost_connection() -> None:
    gone = "{ slice: () => ({ arrayBuffer: () => Promise.reject(new Error('gone')) }) }"
    ended = run("uploads/retry.js", f"{_SENDING} return [await send({gone}), tries, said];")
    assert ended == ["unreadable", 1, []]
    reason = run("uploads/outcomes.js", "return it.failure(new Error()).reason;")
    assert reason == "The file could not be read. Was it moved or changed?"
