// Two panes: the source, and its translation sentence by sentence with findings and alternatives.

import { make } from "./dom.js";
import { marked, reasons, worst } from "./findings.js";
import { kept, keep, remember } from "./kept.js";
import { ask, lines } from "./server.js";

const PAUSE = 150; // milliseconds without a key after which a text is translated
const LONG = 4000; // characters from which on that is asked for by Ctrl+Enter
const KNOWN = 500; // sentences whose answers are shown at once when they come again
const MORE = 4; // alternatives

export class Panes {
  /** `page`: say, told, fault, manner() -> how texts are wanted, nameOf, detected(code). */
  constructor(page) {
    this.page = page;
    this.sentences = []; // {source, gap, speaker, answer: {text, findings, failed} | undefined}
    this.known = new Map();
    this.at = -1;
    this.checking = false;
    this.draw();
  }

  // --- drawing ----------------------------------------------------------------------------------------------------

  draw() {
    const { say } = this.page, text = this.source?.value ?? kept("text", ""), own = this.own?.value ?? "";
    this.source = make("textarea.pane", { id: "source", rows: 9, maxlength: "100000", placeholder: say("type_here"), "aria-label": say("source"), spellcheck: "false", oninput: () => this.typed() });
    this.source.value = text;
    this.count = make("span.soft");
    this.out = make("div.pane.out", { role: "group", "aria-label": say("translation"), onclick: (event) => this.chosen(event), onkeydown: (event) => this.key(event) });
    this.own = make("textarea.pane", { rows: 9, maxlength: "200000", placeholder: say("check_here"), "aria-label": say("translation"), spellcheck: "false" });
    this.own.value = own;
    this.state = make("span.soft", { role: "status" });
    this.details = make("section.details", { "aria-label": say("findings") });
    this.run = make("button.done", { type: "button", onclick: () => this.go() });
    this.mode = make("button.quiet", { type: "button", onclick: () => this.turn() });
    this.root = make("div.panes", {},
      make("div.side", {}, this.source, make("div.foot", {}, this.run, this.count, make("button.quiet.last", { type: "button", onclick: () => this.clear() }, say("clear")))),
      make("div.side", {}, this.out, this.own, make("div.foot", {}, this.state, make("span.last", {}, this.mode, make("button", { type: "button", onclick: () => this.copy() }, say("copy"))))),
      this.details);
    this.languages();
    this.modes();
    this.show();
  }

  /** The languages have changed: fonts and voices follow. */
  languages() {
    const { source_lang, target_lang } = this.page.pair();
    this.source.lang = source_lang;
    this.out.lang = this.own.lang = target_lang;
  }

  modes() {
    const { say } = this.page;
    this.run.replaceChildren(say(this.checking ? "check_now" : "translate"));
    this.mode.replaceChildren(say(this.checking ? "check_end" : "check"));
    this.own.hidden = !this.checking;
    this.out.hidden = this.checking && !this.sentences.length;
  }

  turn() {
    if (!this.checking) this.own.value = this.text();
    this.checking = !this.checking;
    this.abort?.abort();
    this.sentences = []; this.at = -1;
    this.modes(); this.show();
    if (this.checking) this.own.focus(); else this.go();
  }

  // --- asking -----------------------------------------------------------------------------------------------------

  typed() {
    keep("text", this.source.value.slice(0, 20_000));
    clearTimeout(this.timer);
    this.count.textContent = this.source.value.length.toLocaleString(this.page.lang);
    if (this.checking) return;
    if (this.source.value.length > LONG) { this.state.textContent = this.page.say("long"); return; }
    this.timer = setTimeout(() => this.go(false), PAUSE);
  }

  /** Translate, or check. `asked`: whether the user said so, and did not only stop typing. */
  async go(asked = true) {
    const { page } = this, { say } = page;
    clearTimeout(this.timer);
    this.abort?.abort();
    const text = this.source.value;
    if (!text.trim()) { this.sentences = []; this.at = -1; this.show(); return; }
    const abort = this.abort = new AbortController(), manner = page.manner(), wish = JSON.stringify(manner);
    this.state.textContent = say("working");
    this.out.setAttribute("aria-busy", "true");
    try {
      if (this.checking) {
        const made = await ask("/page/check", { ...manner, text, translation: this.own.value }, { signal: abort.signal });
        this.open(made, wish);
        for (const answer of made.answers) this.sentences[answer.at].answer = answer;
      } else {
        for await (const row of lines("/page/translate", { ...manner, text }, { signal: abort.signal })) {
          if (row.sentences) this.open(row, wish); else this.answer(row, wish);
        }
        this.past(text, manner);
      }
      this.modes();
      this.show();
      if (asked) this.out.querySelector(".sentence")?.scrollIntoView({ block: "nearest" });
    } catch (error) {
      if (error.name === "AbortError") return; // another request is on its way
      this.state.textContent = say("stopped");
      page.fault(error, () => this.go(asked));
    } finally {
      if (this.abort === abort) this.out.removeAttribute("aria-busy");
    }
  }

  open({ source_lang, sentences }, wish) {
    const chosen = this.sentences[this.at]?.source;
    this.page.detected(source_lang);
    this.sentences = sentences.map((one) => ({ ...one, answer: this.known.get(`${wish}\n${one.speaker}\n${one.source}`) }));
    this.at = chosen ? this.sentences.findIndex((one) => one.source === chosen) : -1;
    this.modes();
    this.show();
  }

  answer(row, wish) {
    const one = this.sentences[row.at];
    one.answer = row;
    this.known.set(`${wish}\n${one.speaker}\n${one.source}`, row);
    if (this.known.size > KNOWN) this.known.delete(this.known.keys().next().value);
    this.due ??= requestAnimationFrame(() => { this.due = null; this.show(); }); // of a long text many come at once
  }

  past(text, manner) {
    if (this.sentences.every((one) => one.answer)) remember({ when: Date.now(), source_lang: this.page.pair().source_lang, target_lang: manner.target_lang, register: manner.register, text: text.slice(0, 5000), translation: this.text().slice(0, 5000) });
  }

  // --- the translation --------------------------------------------------------------------------------------------

  text() { return this.sentences.map((one) => one.gap + (one.answer?.text ?? "")).join(""); }

  show() {
    const { say } = this.page, focused = this.out.contains(document.activeElement);
    const nodes = this.sentences.flatMap((one, at) => [one.gap, this.sentence(one, at)]);
    this.out.replaceChildren(...(nodes.length ? nodes : [make("p.soft", { lang: this.page.lang }, say("nothing"))]));
    if (focused) this.out.querySelector("[tabindex='0']")?.focus();
    this.count.textContent = this.source.value.length.toLocaleString(this.page.lang);
    const done = this.sentences.filter((one) => one.answer);
    if (this.sentences.length && done.length === this.sentences.length) {
      const f = done.reduce((sum, one) => sum + one.answer.findings.length, 0);
      this.state.textContent = say(done.length === 1 ? "ready_one" : "ready", { n: done.length, f });
    } else if (!this.sentences.length) this.state.textContent = "";
    this.explain();
  }

  sentence(one, at) {
    const { say } = this.page, { answer } = one;
    if (!answer) return make("span.sentence.waiting", { "aria-hidden": "true" }, "…");
    const bad = answer.failed ? "critical" : worst(answer.findings);
    const whole = bad && !answer.findings.some((finding) => finding.start >= 0 && finding.end > finding.start);
    return make(`span.sentence${bad ? `.${bad}` : ""}${whole ? ".whole" : ""}`, { role: "button", tabindex: at === Math.max(0, this.at) ? "0" : "-1", "aria-pressed": String(at === this.at), "data-at": String(at) },
      answer.failed ? make("span", { lang: this.page.pair().source_lang }, answer.text || one.source) : marked(answer.text, answer.findings),
      answer.findings.length ? make("span.only-heard", { lang: this.page.lang }, ` (${say("with_findings", { n: answer.findings.length })})`) : "");
  }

  chosen(event) {
    const span = event.target.closest(".sentence[data-at]");
    if (span && getSelection().isCollapsed) this.choose(Number(span.dataset.at));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.choose(Number(event.target.dataset.at)); }
    else if (event.key === "ArrowRight" || event.key === "ArrowDown") { event.preventDefault(); this.move(1); }
    else if (event.key === "ArrowLeft" || event.key === "ArrowUp") { event.preventDefault(); this.move(-1); }
  }

  move(by) {
    if (!this.sentences.length) return;
    this.choose(Math.max(0, Math.min(this.sentences.length - 1, this.at + by)));
    this.out.querySelector("[tabindex='0']")?.focus();
  }

  /** The next sentence that something is wrong with, round about. */
  next() {
    const order = this.sentences.map((_, n) => (this.at + 1 + n) % this.sentences.length);
    const at = order.find((n) => this.sentences[n].answer?.findings.length || this.sentences[n].answer?.failed);
    if (at !== undefined) { this.choose(at); this.out.querySelector("[tabindex='0']")?.focus(); }
  }

  async choose(at) {
    const one = this.sentences[at];
    if (!one?.answer) return;
    this.at = at;
    this.alternatives = null;
    this.show();
    if (this.checking) return;
    this.asking?.abort();
    const asking = this.asking = new AbortController();
    try {
      const body = { ...this.page.manner(), source_lang: this.page.pair().source_lang, text: one.source, speaker: one.speaker, count: MORE };
      const { alternatives } = await ask("/page/alternatives", body, { signal: asking.signal });
      if (this.sentences[this.at] !== one) return;
      this.alternatives = alternatives;
      this.offer();
    } catch (error) {
      if (error.name === "AbortError") return;
      this.alternatives = [];
      this.offer();
      this.page.fault(error);
    }
  }

  unchoose() { this.asking?.abort(); this.at = -1; this.show(); }

  // --- a sentence -------------------------------------------------------------------------------------------------

  explain() {
    const { say } = this.page, one = this.sentences[this.at];
    if (!one?.answer) {
      const some = this.sentences.some((s) => s.answer?.findings.length || s.answer?.failed);
      this.details.replaceChildren(...(this.sentences.length ? [make("p.soft", {}, say("choose_hint")), ...(some ? [make("button", { type: "button", onclick: () => this.next() }, make("kbd", {}, "N"), say("next_finding"))] : [])] : []));
      return;
    }
    const { answer } = one;
    this.others = make("div");
    const edit = make("textarea.words", { rows: 2, lang: this.page.pair().target_lang, "aria-label": say("edit") });
    edit.value = answer.text;
    const languages = this.page.pair();
    this.details.replaceChildren(
      make("div.row", {}, make("h2", {}, say("sentence")), make("button.quiet.last", { type: "button", "aria-label": say("close"), title: say("close"), onclick: () => this.unchoose() }, "×")),
      make("p.of", { lang: languages.source_lang }, one.source),
      answer.failed ? make("p.notice", {}, say("failed", { why: answer.failed })) : "",
      answer.findings.length ? reasons(answer.findings, answer.text, say) : make("p.soft", {}, say("no_findings")),
      ...(this.checking ? [] : [make("h3", {}, say("alternatives")), this.others]),
      make("h3", {}, say("edit")), edit, make("div.row", {}, make("button", { type: "button", onclick: () => this.correct(edit.value.trim()) }, say("use"))));
    this.offer();
  }

  /** The alternatives, in their place: what is being written below stays. */
  offer() {
    const { say } = this.page, { target_lang } = this.page.pair();
    const others = this.alternatives?.filter((other) => other.text !== this.sentences[this.at]?.answer?.text);
    this.others.replaceChildren(others === undefined ? make("p.soft", { role: "status" }, say("working")) : others.length ? make("ol.others", {}, others.map((other, n) => make("li", {}, make("button", { type: "button", onclick: () => this.use(other) }, make("kbd", {}, String(n + 1)), make("span", { lang: target_lang }, marked(other.text, other.findings)))))) : make("p.soft", {}, say("no_alternatives")));
  }

  take(number) {
    const others = this.alternatives?.filter((other) => other.text !== this.sentences[this.at]?.answer?.text);
    if (others?.[number]) this.use(others[number]);
  }

  use(other) {
    const one = this.sentences[this.at];
    if (this.alternatives && !this.alternatives.some((known) => known.text === one.answer.text)) this.alternatives = [...this.alternatives, one.answer];
    one.answer = { ...other, at: this.at, failed: "" };
    this.show();
  }

  /** A sentence as the user has it, checked again. */
  async correct(text) {
    const one = this.sentences[this.at];
    if (!text || text === one.answer.text) return;
    try {
      const body = { ...this.page.manner(), source_lang: this.page.pair().source_lang, speaker: one.speaker, text: one.source.replaceAll("\n", " "), translation: text.replaceAll("\n", " ") };
      const { answers } = await ask("/page/check", body);
      let at = 0;
      const findings = answers.flatMap((answer) => {
        const start = text.indexOf(answer.text, at), before = Array.from(text.slice(0, Math.max(0, start))).length;
        at = Math.max(at, start + answer.text.length);
        return answer.findings.map((f) => (f.start < 0 ? f : { ...f, start: f.start + before, end: f.end + before }));
      });
      this.use({ text, findings });
    } catch (error) { this.page.fault(error); }
  }

  // --- the rest ---------------------------------------------------------------------------------------------------

  async copy() {
    const text = this.checking && !this.sentences.length ? this.own.value : this.text();
    try { await navigator.clipboard.writeText(text); this.page.told(this.page.say("copied")); } catch { getSelection().selectAllChildren(this.out); }
  }

  clear() { this.source.value = this.own.value = ""; this.abort?.abort(); this.asking?.abort(); this.sentences = []; this.at = -1; keep("text", ""); this.modes(); this.show(); this.source.focus(); }

  put(text) { this.checking = false; this.modes(); this.source.value = text; keep("text", text.slice(0, 20_000)); return this.go(); }
}
