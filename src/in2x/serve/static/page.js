// The translator's page: languages and manner, the two panes, documents, drawers, keys.

import { dialog, make } from "./dom.js";
import { Documents } from "./documents.js";
import { charactersDrawer, glossaryDrawer, historyDrawer } from "./drawers.js";
import { characters, glossary, keep, kept } from "./kept.js";
import { Panes } from "./panes.js";
import { ask, carry, Fault } from "./server.js";
import { choose, LANGUAGES, nameOf, speaker } from "./words.js";

const TOLD = 4000; // milliseconds that a message stands

class Page {
  async start() {
    this.theme(kept("theme", ""));
    this.lang = choose([], kept("lang", ""));
    this.say = speaker(this.lang);
    try { this.settings = await ask("/page/settings"); } catch (error) { this.fault(error); setTimeout(() => this.start(), 3000); return; }
    const { languages, source_lang, target_lang } = this.settings, codes = languages.map((one) => one.code);
    const good = (code, otherwise) => (codes.includes(code) ? code : otherwise);
    this.source = good(kept("source", source_lang ?? ""), ""); // "": as the text shows
    this.target = good(kept("target", ""), good(target_lang, good(this.lang, codes.at(-1))));
    this.seen = good(kept("seen", ""), "");
    this.register = kept("register", "");
    this.speaker = "";
    this.view = "text";
    this.panes = new Panes(this);
    this.documents = new Documents(this);
    this.draw();
    addEventListener("keydown", (event) => this.key(event));
    if (this.panes.source.value) this.panes.go(false);
    this.panes.source.focus();
  }

  // --- what the rest asks for -------------------------------------------------------------------------------------

  nameOf(code) {
    try { return new Intl.DisplayNames([this.lang], { type: "language" }).of(code); } catch { return code; }
  }

  registers() { return this.settings.languages.find((one) => one.code === this.target)?.registers ?? []; }

  /** Both languages; of a source that is told from the text, what the last one showed, else another than the target. */
  pair() {
    const seen = this.source || this.seen;
    const source_lang = seen && seen !== this.target ? seen : this.settings.languages.find((one) => one.code !== this.target)?.code ?? "";
    return { source_lang, target_lang: this.target };
  }

  /** How texts are wanted, as calls carry it. */
  manner() {
    const { source_lang, target_lang } = this.pair();
    return {
      source_lang: this.source || null, target_lang, register: this.registers().includes(this.register) ? this.register : null, speaker: this.speaker,
      terms: glossary(`${source_lang}-${target_lang}`).map(({ source, target, forbidden, note }) => ({ source, target: target ?? "", forbidden: forbidden ?? [], note: note ?? "" })),
      characters: characters(target_lang).map(({ name, target, register, first_person, voice }) => ({ name, target: target ?? "", register: register || null, first_person: first_person ?? "", voice: voice ?? "" })),
    };
  }

  detected(code) {
    if (this.source || code === this.seen) return;
    const before = this.pair().source_lang;
    this.seen = code;
    keep("seen", code);
    this.choosers();
    if (glossary(`${before}-${this.target}`).length || glossary(`${code}-${this.target}`).length) setTimeout(() => this.panes.go(false)); // another glossary is due
  }

  told(text) {
    const box = document.getElementById("say");
    box.textContent = text;
    clearTimeout(this.silence);
    this.silence = setTimeout(() => { box.textContent = ""; }, TOLD);
  }

  /** Say what went wrong; `again` is tried where that helps. */
  fault(error, again) {
    if (!(error instanceof Fault)) { this.told(this.say("fault")); throw error; }
    if (error.status === 401 || error.status === 403) return this.token(error.code === "wrong-token", again);
    if (error.code === "same-language" && !this.source && again) return this.turned(again);
    if (error.status === 429 && again) setTimeout(again, 1000 * Math.max(1, error.wait));
    this.told(["offline", "too-many", "same-language"].includes(error.code) ? this.say(error.code) : error.status >= 500 ? this.say("fault") : error.message);
  }

  /** The text is in the language wanted: the other of the two is meant. */
  turned(again) {
    const other = this.pair().source_lang;
    this.seen = this.target;
    if (other === this.target || !other) return this.told(this.say("same-language"));
    this.target = other;
    keep("target", other); keep("seen", this.seen);
    this.choosers();
    again();
  }

  token(wrong, again) {
    if (document.querySelector("dialog.token")) return;
    const field = make("input.words", { type: "password", autocomplete: "off", "aria-label": this.say("token_field"), required: true });
    const box = dialog(this.say("token"), (close) => [wrong ? make("p.notice", {}, this.say("token_wrong")) : "",
      make("form", { onsubmit: (event) => { event.preventDefault(); carry(field.value.trim()); close(); again?.(); } }, field, make("div.row", {}, make("button.done", {}, this.say("go")), make("button", { type: "button", onclick: close }, this.say("cancel"))))]);
    box.classList.add("token");
  }

  // --- drawing ----------------------------------------------------------------------------------------------------

  draw() {
    this.say = speaker(this.lang);
    const { say } = this;
    document.documentElement.lang = this.lang;
    document.title = `in2x · ${this.settings.model}`;
    const quiet = (key, sign, run) => make("button.quiet", { type: "button", title: say(key), "aria-label": say(key), onclick: run }, sign);
    const tab = (name) => make("button.tab", { type: "button", "aria-pressed": String(this.view === name), onclick: () => this.go(name) }, say(name));
    const drawers = [["glossary", () => this.glossary()], ["characters", () => this.characters()], ["history", () => this.history()]];
    document.getElementById("top").replaceChildren(make("div.bar", {}, make("b.title", { title: `${say("model")}: ${this.settings.model}` }, "in2x"),
      make("nav.tabs", {}, tab("text"), tab("documents")),
      make("span.drawers", {}, drawers.map(([key, run]) => make("button.quiet", { type: "button", onclick: run }, say(key)))),
      make("span.tools", {},
        make("select", { "aria-label": say("language"), onchange: (event) => { this.lang = event.target.value; keep("lang", this.lang); this.redraw(); } }, LANGUAGES.map((lang) => make("option", { value: lang, lang, selected: lang === this.lang }, nameOf(lang)))),
        quiet("theme", "◐", () => this.theme(this.dark() ? "light" : "dark")), quiet("help", "?", () => this.help()))));
    this.controls = make("div.controls");
    document.getElementById("main").replaceChildren(make("h1.only-heard", {}, "in2x"), this.controls, this.panes.root, this.documents.root);
    this.choosers();
    this.go(this.view);
  }

  redraw() { this.say = speaker(this.lang); this.panes.draw(); this.documents.draw(); this.draw(); }

  choosers() {
    const { say } = this, { languages } = this.settings, people = characters(this.target);
    const option = (value, label, now) => make("option", { value, selected: value === now }, label);
    const changed = (put) => (event) => { put(event.target.value); this.changed(); };
    const chooser = (key, now, options, put) => make("label.chooser", {}, make("span", {}, say(key)), make("select", { onchange: changed(put), id: `choose-${key}` }, options.map(([value, label]) => option(value, label, now))));
    const named = languages.map((one) => [one.code, this.nameOf(one.code)]);
    const auto = this.seen && !this.source ? say("auto_is", { lang: this.nameOf(this.seen) }) : say("auto");
    const focused = document.activeElement?.id;
    if (!people.some((one) => one.name === this.speaker)) this.speaker = "";
    this.controls.replaceChildren(
      chooser("from", this.source, [["", auto], ...named], (value) => { if (value && value === this.target) this.target = this.pair().source_lang; this.source = value; }),
      make("button.swap", { type: "button", title: say("swap"), "aria-label": say("swap"), onclick: () => this.swap() }, "⇄"),
      chooser("to", this.target, named, (value) => { const old = this.target; if (value === this.pair().source_lang) { this.seen = old; if (this.source) this.source = old; } this.target = value; }),
      this.registers().length ? chooser("register", this.register, [["", say("any")], ...this.registers().map((one) => [one, say(one)])], (value) => { this.register = value; }) : "",
      people.length ? chooser("speaker", this.speaker, [["", say("nobody")], ...people.map((one) => [one.name, one.name])], (value) => { this.speaker = value; }) : "");
    if (focused) document.getElementById(focused)?.focus();
    this.panes.languages();
  }

  /** Languages, register, glossary or characters are others now. */
  changed() {
    keep("source", this.source); keep("target", this.target); keep("register", this.register); keep("seen", this.seen);
    this.choosers();
    if (this.view === "text" && this.panes.source.value.trim() && !this.panes.checking) this.panes.go(false);
  }

  swap() {
    const { source_lang, target_lang } = this.pair(), made = this.panes.text();
    this.target = source_lang;
    this.seen = target_lang;
    if (this.source) this.source = target_lang;
    keep("source", this.source); keep("target", this.target); keep("seen", this.seen);
    this.choosers();
    if (made.trim() && this.view === "text") this.panes.put(made);
  }

  go(view) {
    this.view = view;
    this.panes.root.hidden = view !== "text";
    this.documents.root.hidden = view !== "documents";
    for (const [n, button] of document.querySelectorAll("nav.tabs .tab").entries()) button.setAttribute("aria-pressed", String(["text", "documents"][n] === view));
    if (view === "documents") this.documents.look();
  }

  // --- drawers, theme, keys ---------------------------------------------------------------------------------------

  glossary() { const { source_lang, target_lang } = this.pair(); glossaryDrawer(this, source_lang, target_lang, () => this.changed()); }
  characters() { charactersDrawer(this, this.target, this.registers(), () => this.changed()); }

  history() {
    historyDrawer(this, (entry) => {
      const known = (code) => this.settings.languages.some((one) => one.code === code);
      if (known(entry.source_lang) && known(entry.target_lang)) { this.source = this.source && entry.source_lang; this.seen = entry.source_lang; this.target = entry.target_lang; this.register = entry.register ?? ""; }
      this.go("text");
      this.choosers();
      this.panes.put(entry.text);
    });
  }

  dark() { const { theme } = document.documentElement.dataset; return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches; }

  theme(name) {
    if (name) document.documentElement.dataset.theme = name;
    keep("theme", name);
  }

  help() {
    const { say } = this;
    const keys = [["k_go", "Ctrl+Enter"], ["k_focus", "/"], ["k_swap", "Alt+S"], ["k_drawers", "G", "C", "H", "D", "T"], ["k_move", "J", "K"], ["k_choose", "1 … 4"], ["k_finding", "N"], ["k_close", "Esc"], ["k_help", "?"]];
    dialog(say("keys"), (close) => [make("dl.keys", {}, keys.flatMap(([key, ...names]) => [make("dt", {}, names.map((name) => make("kbd", {}, name))), make("dd", {}, say(key))])), make("div.row", {}, make("button", { type: "button", onclick: close }, say("close")))]);
  }

  key(event) {
    if (document.querySelector("dialog[open]")) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") { event.preventDefault(); this.go("text"); this.panes.go(); return; }
    if (event.altKey && event.code === "KeyS") { event.preventDefault(); this.swap(); return; }
    const writing = event.target.matches?.("textarea, input, select");
    if (event.key === "Escape") { if (writing) event.target.blur(); else this.panes.unchoose(); return; }
    if (writing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const run = { "/": () => { this.go("text"); this.panes.source.focus(); }, g: () => this.glossary(), c: () => this.characters(), h: () => this.history(), d: () => this.go("documents"), t: () => this.go("text"), "?": () => this.help(),
      j: () => this.panes.move(1), k: () => this.panes.move(-1), n: () => this.panes.next() }[event.key] ?? (/^[1-9]$/.test(event.key) ? () => this.panes.take(Number(event.key) - 1) : null);
    if (run) { event.preventDefault(); run(); }
  }
}

new Page().start();
