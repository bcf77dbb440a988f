// What is known of each item and what was done to it: every change is one event, and can be undone by another.

const IDLE = 60_000; // milliseconds without a key or a move after which nobody is at work
const REPORT = 15; // seconds of work after which they are reported

const fresh = () => ({ version: 0, done: false, flag: null, comment: "", revealed: false, seconds: 0, rank: {}, candidates: {} });
const blank = () => ({ score: null, spans: [], answers: {}, why: {} });

export class Session {
  /** `redraw(item id, why)` is told when an item changed from elsewhere. */
  constructor(task, state, outbox, redraw) {
    Object.assign(this, { task, outbox, redraw });
    this.states = {};
    this.undos = [];
    this.practice = state.practice ?? {};
    this.items = new Map(task.screens.flatMap((screen) => screen.items.map((item) => [item.id, item])));
    for (const [id, kept] of Object.entries(state.items ?? {})) this._take(id, kept);
    for (const event of outbox.queue) this._apply(event.item, event.kind, event.value); // not saved yet, but done
    this.active = null;
    this.worked = 0;
    this.touched = Date.now();
    for (const kind of ["keydown", "pointermove", "pointerdown", "wheel", "touchstart"]) {
      addEventListener(kind, () => { this.touched = Date.now(); }, { passive: true });
    }
    setInterval(() => this._tick(), 1000);
    addEventListener("visibilitychange", () => document.hidden && this._report());
    addEventListener("pagehide", () => this._report());
  }

  _take(id, kept) {
    this.states[id] = { ...fresh(), ...kept };
    this.outbox.versions[id] = Math.max(this.outbox.versions[id] ?? 0, kept.version ?? 0);
  }

  of(id) { return (this.states[id] ??= fresh()); }
  candidate(id, candidate) { return (this.of(id).candidates[candidate] ??= blank()); }

  /** Do something to an item; `undoable` things go back by undo(). */
  act(id, kind, value, undoable = true) {
    if (undoable) {
      const back = this._inverse(id, kind, value);
      if (back) this.undos.push({ id, ...back });
    }
    this._apply(id, kind, value);
    return this.outbox.add(id, kind, value);
  }

  /** Take back what was done last; the item's id, or null where there is nothing. */
  undo() {
    const last = this.undos.pop();
    if (!last) return null;
    this.act(last.id, last.kind, last.value, false);
    return last.id;
  }

  _inverse(id, kind, value) {
    const state = this.of(id), of = value.candidate && this.candidate(id, value.candidate);
    switch (kind) {
      case "score": return { kind, value: { ...value, score: of.score } };
      case "spans": return { kind, value: { ...value, spans: of.spans } };
      case "answer": return { kind, value: { ...value, choice: of.answers[value.question] ?? null } };
      case "why": return { kind, value: { ...value, text: of.why[value.question] ?? "" } };
      case "rank": return { kind, value: { ranks: state.rank } };
      case "comment": return { kind, value: { text: state.comment } };
      case "finish": return { kind: "reopen", value: {} };
      case "reopen": return { kind: "finish", value: {} };
      case "flag": return state.flag === null ? { kind: "unflag", value: {} } : { kind, value: { text: state.flag } };
      default: return null;
    }
  }

  _apply(id, kind, value) {
    const state = this.of(id), of = value.candidate && this.candidate(id, value.candidate);
    switch (kind) {
      case "score": of.score = value.score; break;
      case "spans": of.spans = value.spans; break;
      case "answer": of.answers = { ...of.answers, [value.question]: value.choice }; break;
      case "why": of.why = { ...of.why, [value.question]: value.text }; break;
      case "rank": state.rank = value.ranks; break;
      case "comment": state.comment = value.text; break;
      case "reveal": state.revealed = true; break;
      case "finish": state.done = true; break;
      case "reopen": state.done = false; break;
      case "flag": state.flag = value.text; break;
      case "unflag": state.flag = null; break;
    }
  }

  /** What the server said of saved events: conflicts with another tab are drawn anew. */
  heard(answer) {
    for (const conflict of answer.conflicts ?? []) {
      this._take(conflict.item, conflict.state);
      for (const event of this.outbox.queue) if (event.item === conflict.item) this._apply(event.item, event.kind, event.value);
      this.redraw(conflict.item, "elsewhere");
    }
  }

  /** What is asked of an item and not answered yet, in the order of work: {kind, candidate, question}. */
  open(item) {
    const { protocol } = this.task, state = this.of(item.id), steps = [];
    const questions = protocol.questions.filter((q) => item.questions.includes(q.name));
    const ask = (before) => {
      for (const question of questions.filter((q) => q.before_source === before)) {
        for (const c of item.candidates) {
          if (!this.candidate(item.id, c.id).answers[question.name]) steps.push({ kind: "answer", candidate: c.id, question });
        }
      }
    };
    ask(true);
    if (protocol.score) {
      for (const c of item.candidates) if (this.candidate(item.id, c.id).score === null) steps.push({ kind: "score", candidate: c.id });
    }
    if (protocol.rank && item.candidates.some((c) => !state.rank[c.id])) steps.push({ kind: "rank" });
    ask(false);
    return steps;
  }

  /** Whether the source may be seen, by what is asked before it. */
  shows(item) {
    if (this.task.protocol.source !== "after") return this.task.protocol.source === "shown";
    if (this.of(item.id).revealed) return true;
    return !this.open(item).some((step) => step.question?.before_source);
  }

  get counted() { return [...this.items.values()]; }
  get finished() { return this.counted.filter((item) => this.of(item.id).done).length; }

  // --- time -------------------------------------------------------------------------------------------------------

  /** `id` is the item that is worked on from now. */
  attend(id) {
    if (id === this.active) return;
    this._report();
    this.active = id;
  }

  _tick() {
    if (document.hidden || !this.active || Date.now() - this.touched > IDLE) return;
    this.worked += 1;
    if (this.worked >= REPORT) this._report();
  }

  _report() {
    if (this.active && this.worked) {
      this.of(this.active).seconds += this.worked;
      this.outbox.add(this.active, "time", { seconds: this.worked });
    }
    this.worked = 0;
  }
}
