// Keeps the sheet of this tab in the browser, so that it outlasts a reload or a crash.

const STATES = 50; // undo steps that are kept
const SHEETS = 6; // of tabs; older ones are forgotten
const WEEK = 7 * 24 * 3600 * 1000; // milliseconds; so are these
const SOON = 50; // milliseconds until a change is kept
const ANSWER = 40; // milliseconds in which another tab says that a name is its own

const done = (request) =>
  new Promise((resolve, reject) => {
    request.addEventListener(request instanceof IDBTransaction ? "complete" : "success", () =>
      resolve(request.result),
    );
    for (const name of ["error", "abort", "blocked"])
      request.addEventListener(name, () => reject(request.error));
  });

function connect() {
  const request = indexedDB.open("digits", 1);
  request.addEventListener("upgradeneeded", () => {
    request.result.createObjectStore("sheets");
    request.result.createObjectStore("pictures"); // [tab, id]: each is written once
  });
  return done(request);
}

// A reload keeps the tab's name, another tab has its own sheet. One that was opened from this one
// gets a copy of its name: whoever has it answers.
async function tabName() {
  const channel = new BroadcastChannel("digits-tabs");
  let name = sessionStorage.getItem("tab");
  if (name) {
    const taken = new Promise((resolve) => {
      channel.onmessage = ({ data }) => data.taken === name && resolve(true);
      setTimeout(resolve, ANSWER, false);
    });
    channel.postMessage({ asked: name });
    if (await taken) name = null;
  }
  name ??= Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("");
  channel.onmessage = ({ data }) => data.asked === name && channel.postMessage({ taken: name });
  sessionStorage.setItem("tab", name);
  return name;
}

export class Keeper {
  #database = null;
  #tab = null;
  #written = new Set(); // ids of pictures
  #timer = 0;
  #saving = false;

  // `gather(most)` gives {states, at, ...} to be kept with so many states; `lost()` is called where
  // the browser has no room.
  constructor(gather, lost) {
    this.gather = gather;
    this.lost = lost;
    addEventListener("pagehide", () => this.#timer && this.#write());
    document.addEventListener("visibilitychange", () => document.hidden && this.#timer && this.#save());
  }

  // What was kept of this tab; null where there is nothing, or nothing may be kept.
  async restore() {
    try {
      this.#tab = await tabName();
      this.#database = await connect();
      await this.#forget();
      const kept = await this.#get("sheets", this.#tab);
      if (!kept) return null;
      const pictures = new Map();
      for (const { picture } of kept.states) {
        if (!picture || pictures.has(picture.id)) continue;
        const bytes = await this.#get("pictures", [this.#tab, picture.id]);
        if (bytes) this.#written.add(picture.id);
        pictures.set(picture.id, bytes ? { ...picture, bytes } : null);
      }
      const whole = kept.states.map((state) =>
        state.picture ? { ...state, picture: pictures.get(state.picture.id) } : state,
      );
      return { ...kept, states: whole };
    } catch {
      return null;
    }
  }

  soon() {
    this.#timer ||= setTimeout(() => this.#save(), SOON);
  }

  async #save() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.#saving) return this.soon();
    this.#saving = true;
    await this.#write();
    this.#saving = false;
  }

  // Where there is no room for everything, what is on the sheet now comes before what was there.
  async #write() {
    if (!this.#database) return;
    for (const most of [STATES, 1]) {
      try {
        await this.#put(this.gather(most));
        return;
      } catch (error) {
        if (error?.name !== "QuotaExceededError") return;
      }
    }
    this.lost();
  }

  async #put({ states, ...rest }) {
    const transaction = this.#database.transaction(["sheets", "pictures"], "readwrite");
    const finished = done(transaction);
    const pictures = transaction.objectStore("pictures");
    const needed = new Map(states.flatMap(({ picture }) => (picture ? [[picture.id, picture]] : [])));
    for (const id of this.#written) if (!needed.has(id)) pictures.delete([this.#tab, id]);
    for (const [id, { bytes }] of needed) if (!this.#written.has(id)) pictures.put(bytes, [this.#tab, id]);
    const light = states.map((state) =>
      state.picture ? { ...state, picture: { ...state.picture, bytes: null } } : state,
    );
    transaction.objectStore("sheets").put({ ...rest, states: light, saved: Date.now() }, this.#tab);
    transaction.commit(); // else it ends with the page
    await finished;
    this.#written = new Set(needed.keys());
  }

  #get(store, key) {
    return done(this.#database.transaction(store).objectStore(store).get(key));
  }

  // Forgets the sheets of tabs that were closed long ago, and the pictures of none.
  async #forget() {
    const transaction = this.#database.transaction(["sheets", "pictures"], "readwrite");
    const finished = done(transaction);
    const sheets = transaction.objectStore("sheets"),
      pictures = transaction.objectStore("pictures");
    const [tabs, records] = await Promise.all([done(sheets.getAllKeys()), done(sheets.getAll())]);
    const age = tabs.map((tab, place) => [tab, records[place].saved]).sort((a, b) => b[1] - a[1]);
    const kept = new Set(
      age.filter(([, saved], place) => place < SHEETS && Date.now() - saved < WEEK).map(([tab]) => tab),
    );
    kept.add(this.#tab);
    for (const [tab] of age) if (!kept.has(tab)) sheets.delete(tab);
    for (const key of await done(pictures.getAllKeys())) if (!kept.has(key[0])) pictures.delete(key);
    await finished;
  }
}
