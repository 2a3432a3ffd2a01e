// The line of pictures in Review: those that were passed, the one that is looked at, and those that
// come next. Decisions show at once and are sent one after the other; one that is refused brings its
// picture back, with what was typed.
//
// An item is as the API has it, with what happened to it here: `done` (what was decided), `before`
// (the text as it was), `draft` (what is typed), `problem` (why a decision did not hold) and
// `meanwhile` (somebody else changed the text: the item has theirs by now).

import { nothingYet } from "./sitting.js";

const AHEAD = 10;
const ENOUGH = 5;

const wordsOf = (text) => ({
  alt_text: text.alt_text,
  description: text.description,
  tags: text.tags,
  decorative: text.decorative,
});
const NO_TEXT = { alt_text: null, description: null, tags: null, written_by: {}, doubts: null };
const STATES = { approve: "approved", save: "draft", return: "returned" };
const SAID = { approve: "Approved.", save: "Saved as a draft.", return: "Returned." };

export const textOf = (item) => item.image.texts[item.language] ?? null;
export const nameOf = (item) => item.image.filename;

export class ReviewLine {
  constructor({ calls, sitting, announce }) {
    Object.assign(this, { calls, sitting, announce });
    this.listeners = new Set();
    this.sent = Promise.resolve();
    this.begin(sitting.query, sitting.from);
  }

  subscribe = (listener) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  version = () => this.edition;

  tell() {
    this.edition = (this.edition ?? 0) + 1;
    for (const listener of this.listeners) listener();
  }

  // Another queue, or the same from its start; `from` is a place in it.
  begin(query, from) {
    if (query !== this.sitting.query) Object.assign(this.sitting, { query, ...nothingYet() });
    this.line = [];
    this.at = 0; // the one that is looked at
    this.front = 0; // the first that nobody passed
    this.total = 0;
    this.from = from;
    this.pending = 0; // decisions that are not sent yet
    this.unsent = 0; // by how many texts they shorten the queue
    this.undoable = [];
    this.mode = ""; // or "edit", "return"
    this.loaded = false;
    this.failed = "";
    this.reading = null;
    this.tell();
  }

  get current() {
    return this.line[this.at];
  }
  get ahead() {
    return this.line.slice(this.at, this.at + 3);
  }
  get position() {
    return this.sitting.passed - this.front + this.at + 1;
  }
  get of() {
    return Math.max(this.position, this.sitting.decided + this.total);
  }
  // Where to go on after a reload.
  get place() {
    return this.current?.place ?? this.line.at(-1)?.place ?? this.from;
  }

  leave() {
    if (this.until) this.calls.giveBack({ reviewer: this.sitting.reviewer, until: this.until });
  }

  // The same queue from its start: what was skipped comes again.
  beginAgain() {
    this.sitting.passed = this.sitting.decided;
    this.begin(this.sitting.query, "");
    this.load();
  }

  // Asks what is next. Of several at once there is one more after the one under way.
  async load() {
    const asked = this.line;
    if (this.reading === asked) {
      this.again = true;
      return;
    }
    this.reading = asked;
    this.again = false;
    const { query, reviewer } = this.sitting;
    const { unsent } = this;
    try {
      const queue = await this.calls.readQueue(query, { reviewer, from: this.place, limit: AHEAD });
      if (asked === this.line) this.take(queue, unsent);
    } catch (error) {
      if (asked === this.line) this.failed = error.message;
    }
    if (asked !== this.line) return;
    this.reading = null;
    this.tell();
    if (this.again) await this.load();
  }

  take({ items, total, leased_until: until }, unsent) {
    this.until = until;
    // What was on its way meanwhile may be counted, or not: that is asked again once it is there.
    Object.assign(this, { failed: "", loaded: true, guessed: Boolean(unsent || this.pending) });
    this.total = Math.max(0, total - unsent);
    const known = new Map(this.line.map((item) => [item.image_id, item]));
    const passed = new Set(this.line.slice(0, this.front));
    const here = this.at === this.front ? this.current : null;
    const found = items.map((item) => this.renew(known.get(item.image_id), item));
    const ahead = found.filter((item) => !passed.has(item) && item !== here);
    if (here && (found.includes(here) || this.mode || here.draft || here.problem)) {
      // What came before it meanwhile comes after it.
      ahead.unshift(here);
    } else if (here) {
      this.announce(`Somebody else decided on ${nameOf(here)}.`);
    }
    this.line.splice(this.front, this.line.length, ...ahead);
  }

  renew(item, fresh) {
    if (!item) return { ...fresh };
    if (item.done || item.etag === fresh.etag) return Object.assign(item, { place: fresh.place });
    const typed = item.draft || (item === this.current && this.mode);
    if (item === this.current) this.announce("Meanwhile somebody else changed the text.");
    return Object.assign(item, fresh, { meanwhile: Boolean(typed) || item.meanwhile });
  }

  move(to) {
    this.mode = this.line[to]?.draft ? "edit" : "";
    this.at = to;
    if (this.line.length - this.at <= ENOUGH) this.load();
    this.tell();
  }

  // On to the next; the one at the front is passed.
  pass() {
    if (!this.current) return;
    if (this.at === this.front) {
      this.front += 1;
      this.sitting.passed += 1;
    }
    this.move(this.at + 1);
  }

  back() {
    if (this.at > 0) this.move(this.at - 1);
  }

  skip() {
    if (!this.current) return;
    this.undoable.push({ item: this.current });
    this.announce("Skipped.");
    this.pass();
  }

  setMode(mode) {
    this.mode = mode;
    this.tell();
  }

  reveal() {
    this.current.revealed = true;
    this.announce("The model's text is shown.");
    this.tell();
  }

  // `body` as the API takes it. `draft` is what was typed: it comes back with the picture.
  decide(body, draft = null) {
    const item = this.current;
    if (!item) return;
    const text = textOf(item);
    const before = text && { ...wordsOf(text), state: text.state, note: text.note };
    const fresh = item.done === undefined;
    const { decision, ...changes } = body;
    Object.assign(item, { done: decision, draft: null, problem: "", meanwhile: false });
    this.keep(item, { ...NO_TEXT, ...text, ...changes, state: STATES[decision] }, item.etag);
    if (fresh) this.count(decision, 1);
    const step = { item, before, decision, fresh };
    this.undoable.push(step);
    this.announce(body.decorative ? "Decorative, approved." : SAID[decision]);
    this.pass();
    this.send(step, body, fresh ? 1 : 0, () => {
      step.refused = true;
      if (step.takenBack) return false;
      this.undoable = this.undoable.filter((one) => one.item !== item);
      if (fresh) this.count(decision, -1);
      this.keep(item, text, item.etag);
      item.draft = draft;
      return true;
    });
  }

  undo() {
    const step = this.undoable.pop();
    if (!step) {
      this.announce("There is nothing to take back.");
      return;
    }
    const { item, before, decision, fresh } = step;
    if (decision) {
      step.takenBack = true;
      this.keep(item, before && { ...textOf(item), ...before }, item.etag);
      if (fresh) this.count(decision, -1);
      const body = before ? { decision: "undo", before } : { decision: "undo" };
      this.send(step, body, fresh ? -1 : 0, () => true);
    }
    item.done = undefined;
    this.announce(`Taken back: ${nameOf(item)}.`);
    this.move(this.line.indexOf(item));
  }

  count(decision, by) {
    this.sitting.decided += by;
    this.total -= by;
    if (decision === "approve") this.sitting.approved += by;
  }

  // `shortens` the queue by so many; `refused` says whether the picture is to come back.
  send(step, body, shortens, refused) {
    const { item } = step;
    this.pending += 1;
    this.unsent += shortens;
    this.sent = this.sent.then(async () => {
      try {
        // What did not hold is not taken back.
        if (body.decision === "undo" && step.refused) return;
        const { text, etag } = await this.calls.decide(item, body);
        if (step.takenBack && body.decision !== "undo") item.etag = etag;
        else this.keep(item, text, etag);
      } catch (error) {
        if (refused()) await this.comeBack(item, body, error);
      } finally {
        this.pending -= 1;
        this.unsent -= shortens;
        if (!this.pending && this.guessed) this.load();
        this.tell();
      }
    });
  }

  keep(item, text, etag) {
    const texts = { ...item.image.texts };
    if (text) texts[item.language] = text;
    else delete texts[item.language];
    Object.assign(item, { etag, image: { ...item.image, texts } });
  }

  async comeBack(item, body, error) {
    item.done = undefined;
    item.problem = `Not ${body.decision === "undo" ? "taken back" : "saved"}: ${error.message}`;
    if (error.status === 412 || error.status === 409) {
      const now = await this.calls.readText(item).catch(() => null);
      if (now) this.keep(item, now.text, now.etag);
      item.meanwhile = error.status === 412 && Boolean(now?.text);
    }
    this.announce(`${nameOf(item)}: ${item.problem}`);
    // Whoever types elsewhere is not interrupted: it is said, and a button leads there.
    if (this.mode) this.tell();
    else this.move(this.line.indexOf(item));
  }

  // The picture that came back while something else is edited.
  get cameBack() {
    return this.line.find((item) => item.problem && item !== this.current);
  }

  goTo(item) {
    this.move(this.line.indexOf(item));
  }
}
