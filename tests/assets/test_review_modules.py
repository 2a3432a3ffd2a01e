"""The parts of Review that need no browser: the line of pictures, and what is typed."""

from __future__ import annotations

import json
from typing import Any

from tests.support.node import run

# A server of three pictures that answers when it is told to, and a line of them.
SERVER = """
const refusal = (status, message) => Object.assign(new Error(message), { status });
const said = [];
const server = { texts: {}, etags: {}, refuse: null, sent: [] };
const item = (id) => ({
  image_id: id, language: "en", place: `1-${id}`, etag: server.etags[id], second: false,
  blind: false,
  image: { id, filename: `${id}.jpg`, texts: server.texts[id] ? { en: server.texts[id] } : {} },
});
for (const id of ["a", "b", "c"]) {
  server.etags[id] = `${id}1`;
  server.texts[id] = { language: "en", alt_text: `text ${id}`, description: null, tags: null,
    decorative: null, state: "draft", note: null, written_by: { alt_text: "model" } };
}
const open = () => Object.keys(server.texts).filter((id) => server.texts[id].state === "draft");
const calls = {
  async readQueue(query, { from }) {
    const ids = open().filter((id) => !from || `1-${id}` >= from);
    return { items: ids.map(item), total: open().length };
  },
  async decide({ image_id: id, etag }, body) {
    server.sent.push([id, body.decision]);
    if (server.refuse) throw server.refuse;
    if (etag !== server.etags[id]) throw refusal(412, "Meanwhile somebody else changed the text.");
    const { decision, before, ...words } = body;
    const state = { approve: "approved", save: "draft", return: "returned" }[decision];
    Object.assign(server.texts[id], decision === "undo" ? before : { ...words, state });
    server.etags[id] += "+";
    return { text: { ...server.texts[id] }, etag: server.etags[id] };
  },
  async readText({ image_id: id }) {
    return { text: { ...server.texts[id] }, etag: server.etags[id] };
  },
};
const sitting = { reviewer: "me", query: "", passed: 0, decided: 0, approved: 0 };
const line = new it.ReviewLine({ calls, sitting, announce: (text) => said.push(text) });
const settled = async () => {
  for (let n = 0; n < 60; n += 1) await Promise.resolve();
  await line.sent;
  for (let n = 0; n < 60; n += 1) await Promise.resolve();
};
await line.load();
const now = () => [line.current?.image_id ?? null, line.position, line.of, sitting.approved];
"""


def line(script: str) -> Any:
    """What a script says that has a line of the pictures a, b and c."""
    return run("review/review-line.js", f"{SERVER}\n{script}")


def test_the_next_is_there_before_the_decision_is_sent() -> None:
    assert line(
        """line.decide({ decision: "approve" });
        const then = [now(), server.sent.length];
        await settled();
        return [...then, server.texts.a.state, now(), said];"""
    ) == [["b", 2, 3, 1], 0, "approved", ["b", 2, 3, 1], ["Approved."]]


def test_undo_waits_for_what_it_takes_back() -> None:
    found = line(
        """line.decide({ decision: "approve", alt_text: "mine" });
        line.undo();
        const then = now();
        await settled();
        return [then, server.sent, server.texts.a.alt_text, server.texts.a.state, now()];"""
    )
    assert found == [
        ["a", 1, 3, 0],
        [["a", "approve"], ["a", "undo"]],
        "text a",
        "draft",
        ["a", 1, 3, 0],
    ]


def test_a_decision_that_is_refused_brings_its_picture_back_with_what_was_typed() -> None:
    found = line(
        """server.etags.a = "theirs";
        server.texts.a.alt_text = "theirs";
        line.decide({ decision: "approve", alt_text: "mine" }, { words: "mine" });
        line.decide({ decision: "approve" });
        await settled();
        const { problem, meanwhile, draft, etag } = line.current;
        return [now(), problem, meanwhile, draft, etag, line.mode, server.texts.b.state];"""
    )
    assert found == [
        ["a", 1, 3, 1],
        "Not saved: Meanwhile somebody else changed the text.",
        True,
        {"words": "mine"},
        "theirs",
        "edit",
        "approved",
    ]


def test_nobody_who_types_is_interrupted_by_a_picture_that_comes_back() -> None:
    found = line(
        """server.refuse = refusal(0, "imgapp cannot be reached.");
        line.decide({ decision: "approve" });
        line.setMode("edit");
        await settled();
        const then = [line.current.image_id, line.cameBack.image_id, line.undoable.length];
        line.goTo(line.cameBack);
        return [...then, line.current.problem, line.current.image.texts.en.state];"""
    )
    assert found == ["b", "a", 0, "Not saved: imgapp cannot be reached.", "draft"]


def test_what_did_not_hold_is_not_taken_back() -> None:
    found = line(
        """server.refuse = refusal(0, "away");
        line.decide({ decision: "approve" });
        line.undo();
        await settled();
        return [server.sent, now()];"""
    )
    assert found == [[["a", "approve"]], ["a", 1, 3, 0]]


def test_skipped_pictures_stay_and_are_gone_back_to() -> None:
    found = line(
        """line.skip();
        line.pass();
        const then = now();
        line.back();
        line.back();
        line.back();
        const first = now();
        line.pass();
        line.undo();
        return [then, first, now(), server.sent];"""
    )
    assert found == [["c", 3, 3, 0], ["a", 1, 3, 0], ["a", 1, 3, 0], []]


def test_what_was_skipped_comes_again_from_the_start() -> None:
    found = line(
        """line.decide({ decision: "approve" });
        line.skip();
        line.skip();
        await settled();
        const end = now();
        line.beginAgain();
        await settled();
        return [end, line.total, now()];"""
    )
    assert found == [[None, 4, 4, 1], 2, ["b", 2, 3, 1]]


def test_what_somebody_else_decides_leaves_the_line_but_not_from_under_a_pen() -> None:
    found = line(
        """server.texts.a.state = "approved";
        await line.load();
        const gone = now();
        line.setMode("edit");
        server.texts.b.state = "approved";
        await line.load();
        return [gone, now()[0], said];"""
    )
    assert found == [["b", 1, 2, 0], "b", ["Somebody else decided on a.jpg."]]


def test_a_text_that_changes_while_it_is_edited_is_told() -> None:
    found = line(
        """line.setMode("edit");
        server.etags.a = "theirs";
        server.texts.a = { ...server.texts.a, alt_text: "theirs" };
        await line.load();
        return [line.current.meanwhile, line.current.etag, line.current.image.texts.en.alt_text];"""
    )
    assert found == [True, "theirs", "theirs"]


def typed(words: dict[str, str], base: dict[str, Any], now: dict[str, Any]) -> Any:
    given = json.dumps([words, base, now])
    return run(
        "review/typed-words.js",
        f"""const [words, base, now] = {given};
        const draft = {{ words: {{ ...it.plain(base), ...words }}, base: it.plain(base) }};
        const shown = it.shownWords(draft, it.plain(now));
        return [shown, it.changesOf(shown, it.plain(now))];""",
    )


def test_only_what_was_typed_goes_over_what_somebody_else_wrote() -> None:
    base = {"alt_text": "A dog", "description": "Old", "tags": ["dog"]}
    theirs = {"alt_text": "A cat", "description": "New", "tags": ["dog", "cat"]}
    shown, changes = typed({"alt_text": "Mine "}, base, theirs)
    assert shown == {"alt_text": "Mine ", "description": "New", "tags": "dog, cat"}
    assert changes == {"alt_text": "Mine"}
    assert typed({}, base, theirs)[1] == {}
    assert typed({"alt_text": " ", "description": "", "tags": "a; b,"}, base, base)[1] == {
        "alt_text": None,
        "description": "",
        "tags": ["a", "b"],
    }
