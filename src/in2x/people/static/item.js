// One segment: its source, its translations, and what is asked of them, in the order of work.

import { dialog, make } from "./dom.js";
import { Spans } from "./spans.js";
import { told } from "./words.js";

const LATER = 800; // milliseconds after the last key at which a text is kept
const letter = (index) => String.fromCharCode(65 + index);

export class Item {
  /** `page`: session, say, lang, next(item), finish(item). */
  constructor(item, number, practice, page) {
    Object.assign(this, { item, number, practice, page, session: page.session, say: page.say });
    this.protocol = page.session.task.protocol;
    this.root = make("section.item", { id: `item-${item.id}`, "aria-label": `${number}`, onfocusin: () => this.session.attend(item.id), onkeydown: (event) => this.key(event) });
    this.draw();
  }

  get state() { return this.session.of(this.item.id); }
  of(candidate) { return this.session.candidate(this.item.id, candidate); }
  label(index) { return this.item.candidates.length > 1 ? `${this.say("translation")} ${letter(index)}` : this.say("translation"); }

  /** Do, and show what changed. */
  act(kind, value) {
    this.session.act(this.item.id, kind, value);
    if (this.state.done && !["finish", "comment", "why", "flag"].includes(kind)) this.session.act(this.item.id, "reopen", {}, false);
    this.reveal();
    this.mark();
    this.page.changed();
  }

  // --- drawing ----------------------------------------------------------------------------------------------------

  draw(notice = "") {
    const { item, say, session } = this, task = session.task;
    this.steps = new Map(); // step -> what takes the focus
    this.marked = []; // texts with spans
    const who = item.listener && item.speaker ? say("says_to", { a: item.speaker, b: item.listener }) : item.speaker;
    this.shown = session.shows(item);
    this.root.replaceChildren(
      make("div.head", {}, make("span.number", {}, String(this.number)), who ? make("span.who", {}, who, item.relation ? make("small", {}, item.relation) : "") : "",
        item.note ? make("span.note", {}, item.note) : "", item.changed ? make("span.notice", {}, say("changed")) : "", notice ? make("span.notice", {}, say(notice)) : ""),
      make("div.pair", {}, this.source(task), make("div.answers", {}, item.candidates.map((c, index) => this.candidate(c, index, task)))),
      this.protocol.rank ? this.rank() : "",
      this.foot(),
    );
    this.mark();
  }

  source(task) {
    if (this.protocol.source === "hidden") return "";
    if (!this.shown) return make("div.source", {}, make("span.label", {}, this.say("source")), make("p.hidden", {}, this.say("hidden")));
    const lang = task.source_lang, dir = task.direction.source;
    const first = this.item.candidates[0];
    // What is left out is marked in the source; with several candidates each has its own omissions, so only with one.
    const body = this.protocol.spans && this.item.candidates.length === 1 ? this.spans(this.item.source, first.id, "source", lang, dir, this.say("source")) : make("p.text", { lang, dir }, this.item.source);
    return make("div.source", {}, make("span.label", {}, this.say("source")), body);
  }

  spans(text, candidate, side, lang, dir, label) {
    const made = new Spans(text, {
      say: this.say, severities: this.protocol.severities, categories: this.protocol.categories, side, lang, dir, label,
      get: () => this.of(candidate).spans, set: (spans) => this.act("spans", { candidate, spans }), onward: (event) => this.onward(event),
    });
    this.marked.push(made);
    return made.root;
  }

  candidate(c, index, task) {
    const lang = task.target_lang, dir = task.direction.target, several = this.item.candidates.length > 1;
    const asked = this.protocol.questions.filter((q) => this.item.questions.includes(q.name));
    const before = asked.filter((q) => q.before_source), after = asked.filter((q) => !q.before_source);
    return make("article.candidate", { "aria-label": this.label(index) },
      make("span.label", {}, several ? make("b", {}, letter(index)) : this.say("translation")),
      this.protocol.spans ? this.spans(c.text, c.id, "target", lang, dir, this.label(index)) : make("p.text", { lang, dir }, c.text),
      before.map((q) => this.question(q, c)),
      this.protocol.score ? this.score(c) : "",
      after.map((q) => this.question(q, c)),
    );
  }

  score(c) {
    const { say } = this, value = this.of(c.id).score;
    const shown = make("output.value", { "aria-hidden": "true" }, value === null ? say("no_score") : String(value));
    const slider = make("input", { type: "range", min: "0", max: "100", step: "1", value: String(value ?? 50), class: value === null ? "unset" : "", "aria-label": say("score"), "aria-valuetext": value === null ? say("no_score") : String(value) });
    const show = () => { shown.textContent = slider.value; slider.classList.remove("unset"); slider.setAttribute("aria-valuetext", slider.value); };
    slider.addEventListener("input", show);
    const keep = (score) => { if (score !== this.of(c.id).score) this.act("score", { candidate: c.id, score }); };
    slider.addEventListener("change", () => keep(Number(slider.value)));
    slider.addEventListener("pointerup", () => { show(); keep(Number(slider.value)); });
    this.steps.set(`score:${c.id}`, { focus: slider, press: (key) => {
      if (!/^[0-9]$/.test(key)) return false;
      slider.value = key === "0" ? "100" : `${key}0`;
      show();
      keep(Number(slider.value));
      return true;
    } });
    return make("div.score", {}, make("span.label", {}, say("score")), make("div.scale", {}, slider, make("div.marks", { "aria-hidden": "true" }, ["s0", "s33", "s66", "s100"].map((key) => make("span", {}, say(key))))), shown);
  }

  question(question, c) {
    const { lang } = this.page, name = `${this.item.id}-${c.id}-${question.name}`, of = this.of(c.id);
    const radios = question.choices.map((choice, index) => make("label", {},
      make("input", { type: "radio", name, value: choice.value, checked: of.answers[question.name] === choice.value, onchange: () => this.act("answer", { candidate: c.id, question: question.name, choice: choice.value }) }),
      make("span", {}, make("kbd", { "aria-hidden": "true" }, String(index + 1)), told(choice.label, lang))));
    const why = question.why ? this.words(of.why[question.name] ?? "", this.say("why"), (text) => this.act("why", { candidate: c.id, question: question.name, text })) : "";
    this.steps.set(`answer:${c.id}:${question.name}`, { focus: () => radios.map((l) => l.firstChild).find((r) => r.checked) ?? radios[0].firstChild, press: (key) => {
      const radio = radios[Number(key) - 1]?.firstChild;
      if (!radio || !/^[1-9]$/.test(key)) return false;
      radio.checked = true;
      radio.dispatchEvent(new Event("change"));
      return true;
    } });
    return make("fieldset.question", {}, make("legend", {}, told(question.text, lang)), make("div.choices", {}, radios), why);
  }

  /** A box for words, kept when the hands rest and when it is left. */
  words(text, label, keep) {
    const box = make("input.words", { type: "text", value: text, placeholder: label, "aria-label": label, maxlength: "4000", autocomplete: "off" });
    let kept = text, timer;
    const save = () => { clearTimeout(timer); if (box.value !== kept) { kept = box.value; keep(kept); } };
    box.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(save, LATER); });
    box.addEventListener("blur", save);
    return box;
  }

  rank() {
    const { say, item } = this, ranks = this.state.rank, ids = item.candidates.map((c) => c.id), name = `${item.id}-rank`;
    const choose = (given) => this.act("rank", { ranks: { ...this.state.rank, ...given } });
    const group = (legend, options, suffix) => make("fieldset.question", {}, make("legend", {}, legend), make("div.choices", {}, options.map((option, index) => make("label", {},
      make("input", { type: "radio", name: name + suffix, checked: option.on, onchange: () => choose(option.give) }), make("span", {}, make("kbd", { "aria-hidden": "true" }, String(index + 1)), option.label)))));
    let groups;
    if (ids.length === 2) {
      const [a, b] = ids, kinds = [[1, 2], [1, 1], [2, 1]];
      const labels = [say("better", { a: letter(0) }), say("equal"), say("better", { a: letter(1) })];
      groups = [group(say("rank"), kinds.map(([x, y], i) => ({ label: labels[i], give: { [a]: x, [b]: y }, on: ranks[a] === x && ranks[b] === y })), "")];
    } else {
      groups = ids.map((id, index) => group(say("rank_of", { a: letter(index) }), ids.map((_, place) => ({ label: String(place + 1), give: { [id]: place + 1 }, on: ranks[id] === place + 1 })), `-${id}`));
    }
    const first = () => groups.find((g) => !g.querySelector("input:checked")) ?? groups[0];
    this.steps.set("rank", { focus: () => first().querySelector("input"), press: (key) => {
      const radio = first().querySelectorAll("input")[Number(key) - 1];
      if (!radio || !/^[1-9]$/.test(key)) return false;
      radio.checked = true;
      radio.dispatchEvent(new Event("change"));
      return true;
    } });
    return make("div.rank", {}, groups);
  }

  foot() {
    const { say, state } = this;
    this.done = make("button.done", { type: "button", onclick: () => this.finish() }, say("done"));
    const flag = make("button.quiet", { type: "button", "aria-pressed": String(state.flag !== null), onclick: () => this.flag() }, say(state.flag === null ? "flag" : "flagged"));
    this.feedback = make("div.feedback", { role: "status" });
    return make("div.foot", {}, this.words(state.comment, say("comment"), (text) => this.act("comment", { text })), flag, this.done, this.feedback);
  }

  /** Show which parts are still open. */
  mark() {
    const open = new Set(this.session.open(this.item).map((s) => this.keyOf(s)));
    this.root.classList.toggle("finished", this.state.done);
    this.done.setAttribute("aria-pressed", String(this.state.done));
    this.done.classList.toggle("ready", !open.size && !this.state.done);
    for (const [key, step] of this.steps) (typeof step.focus === "function" ? step.focus() : step.focus).closest(".question, .score")?.classList.toggle("open", open.has(key));
  }

  keyOf(step) { return step.kind === "answer" ? `answer:${step.candidate}:${step.question.name}` : step.kind === "score" ? `score:${step.candidate}` : "rank"; }

  /** The source comes when the questions before it are answered. */
  reveal() {
    if (this.protocol.source !== "after" || this.shown || !this.session.shows(this.item)) return;
    this.session.act(this.item.id, "reveal", {}, false);
    const here = document.activeElement;
    const key = [...this.steps].find(([, step]) => step.focus === here || (typeof step.focus === "function" && here?.name && step.focus().name === here.name))?.[0];
    this.draw();
    if (key) this.focusStep(key);
  }

  // --- the way through --------------------------------------------------------------------------------------------

  focusStep(key) {
    const step = this.steps.get(key), element = typeof step.focus === "function" ? step.focus() : step.focus;
    element.focus();
  }

  /** To what is open next, or to Done. */
  advance() {
    const [step] = this.session.open(this.item);
    if (step) this.focusStep(this.keyOf(step));
    else this.done.focus();
  }

  /** Where work on this item begins. */
  begin() {
    const before = this.session.open(this.item).some((step) => step.question?.before_source);
    const target = this.marked.find((m) => m.side === "target");
    if (target && !before && !this.state.done) target.element.focus();
    else this.advance();
    this.root.scrollIntoView({ block: "nearest" });
  }

  /** A key pressed in a text where nothing is selected: it answers what is open next. */
  onward(event) {
    const [step] = this.session.open(this.item);
    if (step && event.key !== "Enter" && this.steps.get(this.keyOf(step)).press(event.key)) return this.advance();
    this.advance();
  }

  key(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input.words, select, dialog *")) {
      if (event.key === "Enter" && event.target.matches("input.words")) this.advance();
      return;
    }
    const here = [...this.steps].find(([, step]) => {
      const element = typeof step.focus === "function" ? step.focus() : step.focus;
      return element === event.target || (element.name && element.name === event.target.name);
    }) ?? (event.target.name?.startsWith(`${this.item.id}-rank`) ? ["rank", this.steps.get("rank")] : null);
    if (here && /^[0-9]$/.test(event.key) && here[1].press(event.key)) this.advance();
    else if (event.key === "Enter" && event.target !== this.done && event.target.tagName !== "BUTTON") {
      if (here?.[0].startsWith("score:")) { // Enter takes the score as it stands
        const slider = here[1].focus, candidate = here[0].slice(6);
        if (this.of(candidate).score === null) { this.act("score", { candidate, score: Number(slider.value) }); slider.dispatchEvent(new Event("input")); }
      }
      this.advance();
    } else if (event.key === "j" || event.key === "k") this.page.move(this, event.key === "j" ? 1 : -1);
    else return;
    event.preventDefault();
  }

  async finish() {
    if (this.state.done) { this.act("reopen", {}); return this.advance(); }
    const open = this.session.open(this.item);
    if (open.length) {
      const names = [...new Set(open.map((s) => (s.kind === "answer" ? told(s.question.text, this.page.lang) : this.say(s.kind))))];
      this.page.tell(this.say("incomplete", { what: names.join(", ") }));
      return this.advance();
    }
    this.act("finish", {});
    if (this.practice) return this.page.practise(this);
    this.page.move(this, 1);
  }

  /** What the server says of a practice item. */
  show(answer) {
    const { say } = this, several = this.item.candidates.length > 1;
    this.feedback.replaceChildren(...answer.feedback.map((f) => {
      const question = this.protocol.questions.find((q) => q.name === f.dimension);
      const at = several ? `${letter(this.item.candidates.findIndex((c) => c.id === f.candidate))}, ` : "";
      return make(`p.${f.right ? "right" : "wrong"}`, {}, make("b", {}, `${at}${question ? told(question.text, this.page.lang) : say(f.dimension)}: ${say(f.right ? "right" : "look_again")}`), ` ${told(f.words, this.page.lang)}`);
    }), make("div", {}, answer.passed ? "" : make("button", { type: "button", onclick: () => { this.act("reopen", {}); this.feedback.replaceChildren(); this.begin(); } }, say("try_again")), make("button.done", { type: "button", onclick: () => this.page.move(this, 1) }, say("go_on"))));
    this.feedback.querySelector("button.done").focus();
  }

  flag() {
    const { say } = this;
    if (this.state.flag !== null) { this.act("unflag", {}); return this.draw(); }
    const text = make("textarea", { rows: "3", maxlength: "4000", "aria-label": say("flag_ask") });
    dialog(say("flag_ask"), (close) => [text, make("div.foot", {}, make("button.quiet", { type: "button", onclick: close }, say("cancel")), make("button.done", { type: "button", onclick: () => { this.act("flag", { text: text.value }); close(); this.draw(); } }, say("send")))]);
    text.focus();
  }
}
