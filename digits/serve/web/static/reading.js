// Asks the service what is on the sheet: one model while the pen moves, all when it rests.

const PAUSE = 1500; // milliseconds before it is asked again, unless it names another time
const GAP = 100; // milliseconds between readings of a moving pen: the service is free when it rests
const SLOW = 1000; // milliseconds until the page says that it takes long
const TRIES = 20; // of what is asked for until there is an answer
const LATE = 3; // times that all models are asked for what takes them too long
const LOST = 60000; // milliseconds until no answer is expected any more

export const until = (milliseconds, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => resolve(clearTimeout(timer)), { once: true });
  });

// {status, body, pause, withdrawn}; status 0 where the service cannot be reached.
export async function ask(address, options, abort = new AbortController()) {
  const lost = setTimeout(() => abort.abort(ask), LOST);
  try {
    const response = await fetch(address, { ...options, signal: abort.signal });
    const body = response.status === 204 ? null : await response.json();
    return { status: response.status, body, pause: 1000 * response.headers.get("retry-after") || PAUSE };
  } catch {
    const { aborted, reason } = abort.signal;
    return { status: 0, body: null, pause: PAUSE, withdrawn: aborted && reason !== ask };
  } finally {
    clearTimeout(lost);
  }
}

const address = (models) =>
  `/api/predict?${models.map((model) => `model=${encodeURIComponent(model)}`).join("&")}`;

// Asks until there is an answer, for half a minute; `waits(reply)` is called before every pause.
export async function insist(to, options, waits = () => {}) {
  let reply = await ask(to, options);
  for (let i = 1; i < TRIES && again(reply); i++) {
    waits(reply);
    await until(reply.pause);
    reply = await ask(to, options);
  }
  return reply;
}

// After which it is asked again: it cannot be reached, others are first, or it takes too long.
const TROUBLE = { 0: "down", 429: "busy", 503: "late" };
export const again = ({ status }) => status in TROUBLE;

// Events: "answer" {answer, content, revision, whole, took}, "state" "resting" | "reading" | "slow" |
// "busy" | "late" | "partial" | "down", and "refused" {status, body, content}.
export class Reading extends EventTarget {
  #whole = null; // {revision, content, abort} that is asked of all models
  #live = null; // the same of one model
  #done = -1; // revision that all models have answered
  #lively = -1; // revision that one model has answered
  #late = { revision: -1, count: 0 }; // how often all models have taken too long for it
  #changedAt = 0;
  #paused = null;
  #slow = 0;
  #answers = new WeakMap(); // content -> answer of all models: an undone change is not asked again
  #state = "resting";
  models = []; // names, the one that says the number first

  constructor(sheet, image) {
    super();
    this.sheet = sheet;
    this.image = image;
    addEventListener("online", () => this.#paused?.abort());
  }

  get state() {
    return this.#state;
  }

  // The sheet has changed.
  changed() {
    this.#changedAt = performance.now();
    if (this.#whole && this.sheet.picture !== this.#whole.picture) this.#whole.abort.abort();
    this.#go();
  }

  // Another model says the number: what is kept of the answers does not belong to it.
  use(models) {
    this.models = models;
    this.#answers = new WeakMap();
    this.#done = this.#lively = -1;
    this.changed();
  }

  // What the service says of a picture that is not on the sheet yet; an answer is kept until it is.
  async of(picture) {
    const models = this.models;
    const reply = await insist(address(models), {
      method: "POST",
      headers: { "content-type": picture.type },
      body: picture.bytes,
    });
    if (reply.status === 200 && models === this.models)
      this.#answers.set(picture, { ...reply.body, frame: null });
    return reply;
  }

  #go() {
    const { sheet } = this;
    const { revision, content } = sheet;
    if (sheet.empty) {
      this.#done = this.#lively = revision; // answers about what was there before come too late
      return this.#rest();
    }
    if (sheet.drawing) {
      if (!this.#paused && !this.#live && this.#lively < revision && this.models.length) this.#read(false);
      return;
    }
    if (this.#done === revision) return;
    const known = this.#answers.get(content);
    if (known) {
      this.#done = revision;
      this.#emit("answer", { answer: known, content, revision, whole: true });
      return this.#rest();
    }
    if (this.#paused || this.#whole) return;
    // What takes all models too long is read by one of them first.
    if (this.#late.revision !== revision || this.#lively === revision) this.#read(true);
    else if (!this.#live) this.#read(false);
  }

  async #read(whole) {
    const { sheet } = this;
    const began = this.#changedAt;
    const abort = new AbortController();
    const job = { revision: sheet.revision, content: sheet.content, picture: sheet.picture, abort };
    if (whole) this.#whole = job;
    else this.#live = job;
    if (whole) this.#wait();
    const { body, type, frame } = await this.image();
    const asked = whole ? this.models : this.models.slice(0, 1);
    const reply = await ask(
      address(asked),
      { method: "POST", headers: { "content-type": type }, body },
      abort,
    );
    if (whole) this.#whole = null;
    this.#answered(job, whole, asked, reply, frame, began);
    this.#go();
    if (whole) return;
    await until(GAP);
    this.#live = null;
    this.#go();
  }

  #answered(job, whole, asked, reply, frame, began) {
    if (reply.withdrawn) return;
    if (whole && (reply.status === 503 || reply.status === 500) && this.#unanswered(job, reply)) return;
    if (again(reply)) return this.#pause(reply);
    const current = job.revision === this.sheet.revision;
    if (reply.status !== 200) {
      if (!whole) this.#lively = job.revision;
      if (!whole && this.#late.revision !== job.revision) return;
      if (current) this.#done = job.revision;
      if (current || job.picture) this.#emit("refused", { ...reply, content: job.content });
      return this.#rest();
    }
    const answer = { ...reply.body, frame };
    const asIsAsked = asked[0] === this.models[0];
    if (whole && asIsAsked) this.#answers.set(job.content, answer);
    if (
      job.revision <= this.#done ||
      (!whole && job.revision <= this.#lively) ||
      job.picture !== this.sheet.picture
    )
      return;
    if (whole && asIsAsked) this.#done = job.revision;
    else this.#lively = job.revision;
    const settled = whole && current;
    if (settled) this.#rest();
    this.#emit("answer", {
      answer,
      content: job.content,
      revision: job.revision,
      whole,
      took: settled ? performance.now() - began : undefined,
    });
  }

  // Whether all models have been asked often enough: for what one of them has answered, or is asked
  // for next because another one is out of order.
  #unanswered({ revision }, { status }) {
    const { count } = this.#late.revision === revision ? this.#late : { count: 0 };
    this.#late = { revision, count: status === 500 ? LATE : count + 1 };
    if (this.#late.count < LATE) return false;
    if (this.#lively !== revision) return status === 500;
    this.#done = revision;
    this.#rest("partial");
    return true;
  }

  async #pause(reply) {
    if (this.#paused) return;
    this.#paused = new AbortController();
    this.#say(TROUBLE[reply.status]);
    await until(reply.pause, this.#paused.signal);
    this.#paused = null;
    this.#go();
  }

  #wait() {
    if (this.#state === "resting" || this.#state === "partial") this.#say("reading");
    clearTimeout(this.#slow);
    this.#slow = setTimeout(() => this.#state === "reading" && this.#say("slow"), SLOW);
  }

  #rest(state = "resting") {
    clearTimeout(this.#slow);
    this.#say(state);
  }

  #say(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#emit("state", state);
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
