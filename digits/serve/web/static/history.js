// States one after the other: undo goes back, redo forward, a new state ends what could be redone.

export class History {
  #states;
  #at;
  #limit;

  constructor(states, at, limit = 100) {
    this.#states = states;
    this.#at = at;
    this.#limit = limit;
  }

  get now() {
    return this.#states[this.#at];
  }

  get canUndo() {
    return this.#at > 0;
  }

  get canRedo() {
    return this.#at < this.#states.length - 1;
  }

  push(state) {
    this.#states.splice(this.#at + 1, Infinity, state);
    if (this.#states.length > this.#limit) this.#states.shift();
    this.#at = this.#states.length - 1;
  }

  undo() {
    if (this.canUndo) this.#at--;
  }

  redo() {
    if (this.canRedo) this.#at++;
  }

  // Changes every state, without a step of its own.
  rewrite(change) {
    this.#states = this.#states.map(change);
  }

  // Takes states out as if they had never been; one must be left.
  remove(unwanted) {
    const before = this.#states.slice(0, this.#at + 1).filter((state) => !unwanted(state));
    this.#states = [...before, ...this.#states.slice(this.#at + 1).filter((state) => !unwanted(state))];
    this.#at = Math.max(0, before.length - 1);
  }

  // The last states around the present one, to be kept.
  saved(most) {
    const begin = Math.max(0, Math.min(this.#at - Math.floor(most / 2), this.#states.length - most));
    return { states: this.#states.slice(begin, begin + most), at: this.#at - begin };
  }
}
