// The order of rows in the list: troubles first, then what is under way, then what is done. A row
// that changes its group costs what it takes to move it, however many there are.

const GROUPS = ["troubles", "active", "waiting", "missed", "same", "done"];
const GROUP_OF = {
  failed: "troubles",
  refused: "troubles",
  sending: "active",
  saving: "active",
  waiting: "waiting",
  missed: "missed",
  duplicate: "same",
  done: "done",
};

export class Order {
  #groups = Object.fromEntries(GROUPS.map((name) => [name, []]));

  get size() {
    return GROUPS.reduce((sum, name) => sum + this.#groups[name].length, 0);
  }

  add(id, state) {
    this.#groups[GROUP_OF[state]].push(id);
  }

  remove(id, state) {
    const group = this.#groups[GROUP_OF[state]];
    // What leaves a group is near its start: files go in the order in which they came.
    const at = group.indexOf(id);
    if (at >= 0) group.splice(at, 1);
  }

  // Whether the list looks different now.
  move(id, before, after) {
    if (GROUP_OF[before] === GROUP_OF[after]) return false;
    this.remove(id, before);
    this.add(id, after);
    return true;
  }

  at(index) {
    let left = index;
    for (const name of GROUPS) {
      const group = this.#groups[name];
      if (left < group.length) return group[left];
      left -= group.length;
    }
    return undefined;
  }

  clear() {
    for (const name of GROUPS) this.#groups[name].length = 0;
  }
}
