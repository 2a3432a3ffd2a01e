// The upload tally: adds up all rows, kept up to date by what changes.

const BUSY = ["waiting", "sending", "saving"];
const SAMPLE_MS = 700;

export class Tally {
  #count = {};
  #bytes = 0;
  #sent = 0;
  #again = 0;
  #waits = 0;
  #rate = { at: 0, sent: 0, speed: 0 };
  arrivedBefore = 0; // of the same files, before the page was loaded again

  add(row) {
    this.#apply(row, 1);
  }

  remove(row) {
    this.#apply(row, -1);
  }

  change(before, after) {
    this.#apply(before, -1);
    this.#apply(after, 1);
  }

  of(state) {
    return this.#count[state] ?? 0;
  }

  get busy() {
    return BUSY.reduce((sum, state) => sum + this.of(state), 0);
  }

  // Bytes a second of one row, smoothed, whenever enough time has passed to tell.
  speedOf(row, sent, now = performance.now()) {
    const { at, from } = row.sample ?? {};
    if (at === undefined || sent < from) return { sample: { at: now, from: sent } };
    if (now - at < SAMPLE_MS) return {};
    const measured = ((sent - from) * 1000) / (now - at);
    const speed = row.speed === undefined ? measured : 0.6 * row.speed + 0.4 * measured;
    return { speed, sample: { at: now, from: sent } };
  }

  summary(now = performance.now()) {
    const { busy } = this;
    const all = Object.values(this.#count).reduce((sum, count) => sum + count, 0);
    this.#measure(now, busy);
    return {
      all,
      busy,
      done: this.of("done"),
      duplicate: this.of("duplicate"),
      refused: this.of("refused"),
      failed: this.of("failed"),
      missed: this.of("missed"),
      again: this.#again,
      // Not one of them gets through.
      waits: this.#waits > 0 && this.#waits >= this.of("sending") + this.of("saving"),
      arrivedBefore: this.arrivedBefore,
      progress: this.#bytes ? Math.min(this.#sent / this.#bytes, 1) : 1,
      speed: this.#rate.speed,
      secondsLeft: this.#rate.speed > 1 ? (this.#bytes - this.#sent) / this.#rate.speed : null,
    };
  }

  #measure(now, busy) {
    const { at, sent, speed } = this.#rate;
    if (!busy) this.#rate = { at: 0, sent: this.#sent, speed: 0 };
    else if (!at || this.#sent < sent) this.#rate = { at: now, sent: this.#sent, speed };
    else if (now - at >= SAMPLE_MS) {
      const measured = ((this.#sent - sent) * 1000) / (now - at);
      const smooth = speed ? 0.7 * speed + 0.3 * measured : measured;
      this.#rate = { at: now, sent: this.#sent, speed: smooth };
    }
  }

  #apply(row, sign) {
    this.#count[row.state] = this.of(row.state) + sign;
    if (row.again) this.#again += sign;
    if (row.waits) this.#waits += sign;
    if (row.state === "missed") return; // nothing is being sent of it
    this.#bytes += sign * row.size;
    this.#sent += sign * Math.min(row.sent ?? 0, row.size);
  }
}
