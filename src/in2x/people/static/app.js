// The page of an annotator: who is asked, where they are, whether all is saved.

import { dialog, make } from "./dom.js";
import { Item } from "./item.js";
import { Fault, Outbox, Server } from "./outbox.js";
import { Session } from "./session.js";
import { choose, nameOf, LANGUAGES, speaker, told } from "./words.js";

const AGAIN = 30_000; // milliseconds between looks whether the campaign changed
const token = location.pathname.split("/").pop();
const remembered = (key) => { try { return localStorage.getItem(`in2x-${key}`); } catch { return null; } };
const remember = (key, value) => { try { localStorage.setItem(`in2x-${key}`, value); } catch { /* a private window */ } };

class Page {
  async start() {
    this.theme(remembered("theme"));
    this.server = new Server(token);
    this.lang = choose([], remembered("lang"));
    this.say = speaker(this.lang);
    let task, state;
    try { [task, state] = await Promise.all([this.server.ask("/api/task"), this.server.ask("/api/state")]); } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      if (fault.status === 0 || fault.status >= 500 || fault.status === 429) { setTimeout(() => this.start(), 3000); return this.alone(this.say(fault.status ? "fault" : "offline", { n: 0 })); }
      return this.alone(this.say(fault.code));
    }
    this.task = task;
    this.lang = choose(task.interface, remembered("lang"));
    const name = `${task.campaign}-${task.annotator}`;
    this.position = `position-${name}`;
    this.outbox = new Outbox(this.server, name, (n, fault) => this.status(n, fault), (answer) => this.heard(answer));
    await this.outbox.ready;
    this.session = new Session(task, state, this.outbox, (id, why) => this.items?.find((i) => i.item.id === id)?.draw(why));
    this.at = Math.max(-1, Math.min(task.screens.length, Number(remembered(this.position) ?? -1)));
    this.draw();
    addEventListener("keydown", (event) => this.key(event));
    addEventListener("beforeunload", (event) => { if (this.outbox.waiting && !this.outbox.database) event.preventDefault(); });
    setInterval(() => this.look(), AGAIN);
  }

  alone(text) { document.getElementById("main").replaceChildren(make("div.alone", {}, make("p", {}, text))); }

  // --- drawing ----------------------------------------------------------------------------------------------------

  draw() {
    this.say = speaker(this.lang);
    document.documentElement.lang = this.lang;
    document.title = told(this.task.title, this.lang);
    const { say, task } = this;
    this.bar = make("progress", { "aria-label": say("progress", { done: "", total: "" }).trim() || say("done") });
    this.count = make("span.count");
    this.clock = make("span.clock");
    this.saved = make("span.saved", { role: "status" });
    const offered = LANGUAGES.filter((lang) => !task.interface.length || task.interface.includes(lang));
    const languages = make("select", { "aria-label": say("language"), onchange: (event) => { this.lang = event.target.value; remember("lang", this.lang); this.draw(); } }, offered.map((lang) => make("option", { value: lang, selected: lang === this.lang, lang }, nameOf(lang))));
    document.getElementById("top").replaceChildren(make("div.bar", {}, make("b.title", {}, told(task.title, this.lang)), this.bar, this.count, this.clock, this.saved,
      make("span.tools", {}, languages, make("button.quiet", { type: "button", title: say("theme"), "aria-label": say("theme"), onclick: () => this.theme(document.documentElement.dataset.theme === "dark" || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches) ? "light" : "dark") }, "◐"),
        make("button.quiet", { type: "button", title: say("undo"), "aria-label": say("undo"), onclick: () => this.undo() }, "↶"),
        make("button.quiet", { type: "button", title: say("help"), "aria-label": say("help"), onclick: () => this.help() }, "?"))));
    this.status(this.outbox.waiting, this.outbox.fault);
    this.show(this.at);
  }

  show(at) {
    this.at = at;
    remember(this.position, String(at));
    this.items = [];
    const main = document.getElementById("main"), { say, task } = this;
    if (at < 0) {
      const text = told(task.guidelines, this.lang);
      main.replaceChildren(make("div.intro", {}, make("h1", {}, told(task.title, this.lang)), make("h2", {}, say("guidelines")), text.split(/\n\s*\n/).map((p) => make("p", {}, p)), make("h2", {}, say("keys")), this.keys(), make("button.done", { type: "button", onclick: () => this.show(0) }, say(this.session.finished ? "go_on" : "start"))));
    } else if (at >= task.screens.length) {
      const left = task.screens.map((screen, index) => ({ index, n: screen.items.filter((item) => !this.session.of(item.id).done).length })).filter((s) => s.n);
      main.replaceChildren(make("div.intro", {}, make("h1", {}, say(left.length ? "some_left" : "thanks")), left.map((s) => make("p", {}, make("button", { type: "button", onclick: () => this.show(s.index) }, `${this.named(s.index)} (${s.n})`))), make("p.end", {}, this.outbox.waiting ? "" : say("all_saved")), make("button", { type: "button", onclick: () => this.show(task.screens.length - 1) }, say("previous"))));
    } else {
      const screen = task.screens[at];
      this.items = screen.items.map((item, index) => new Item(item, index + 1, screen.practice, this));
      main.replaceChildren(make("div.where", {}, make("h1", {}, this.named(at)), screen.domain ? make("span", {}, screen.domain) : ""), ...this.items.map((i) => i.root),
        make("nav.pages", {}, make("button", { type: "button", onclick: () => this.show(at - 1) }, say("previous")), make("button", { type: "button", onclick: () => this.show(at + 1) }, say("next"))));
      (this.items.find((i) => !i.state.done) ?? this.items[0])?.begin();
    }
    if (!this.items.length) main.focus();
    if (!this.items.some((i) => !i.state.done)) scrollTo(0, 0);
    this.changed();
  }

  /** What a page is called: practice, or its number among the texts that count. */
  named(at) {
    const screens = this.task.screens, texts = screens.filter((s) => !s.practice);
    return screens[at].practice ? this.say("practice") : this.say("document", { n: texts.indexOf(screens[at]) + 1, m: texts.length });
  }

  keys() { return make("ul.keys", {}, ["k_move", "k_mark", "k_score", "k_answer", "k_enter", "k_jk", "k_undo", "k_help"].map((key) => make("li", {}, this.say(key)))); }
  help() { dialog(this.say("keys"), (close) => [this.keys(), ...told(this.task.guidelines, this.lang).split(/\n\s*\n/).map((p) => make("p", {}, p)), make("button.done", { type: "button", onclick: close }, this.say("go_on"))]); }

  theme(name) {
    if (!name) return;
    document.documentElement.dataset.theme = name;
    remember("theme", name);
  }

  // --- what items ask of the page ---------------------------------------------------------------------------------

  /** To the item `step` places on, on the next page where this one ends. */
  move(item, step) {
    const next = this.items[this.items.indexOf(item) + step];
    if (next) return next.begin();
    if (step > 0) this.show(this.at + 1);
  }

  changed() {
    const total = this.session.counted.length, done = this.session.finished, { progress } = this.task;
    this.bar.max = total || 1;
    this.bar.value = done;
    this.count.textContent = this.say("progress", { done, total });
    if (progress.budget_seconds) {
      const spent = [...Object.values(this.session.states)].reduce((sum, s) => sum + s.seconds, 0);
      const left = Math.ceil((progress.budget_seconds - spent) / 60);
      this.clock.textContent = left > 0 ? this.say("left", { n: left }) : this.say("over");
    }
  }

  tell(text) {
    const box = document.getElementById("say");
    box.textContent = text;
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => { box.textContent = ""; }, 6000);
  }

  async practise(item) {
    if (!(await this.outbox.emptied())) return;
    try { item.show(await this.server.ask(`/api/practice/${encodeURIComponent(item.item.id)}`, {})); } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      this.move(item, 1);
    }
  }

  undo() {
    const id = this.session.undo();
    const item = this.items.find((i) => i.item.id === id);
    if (item) { item.draw(); item.begin(); }
    this.changed();
  }

  key(event) {
    if ((event.ctrlKey || event.metaKey) && event.key === "z" && !event.target.matches("input.words, textarea")) { event.preventDefault(); this.undo(); }
    if (event.key === "?" && !event.target.matches("input.words, textarea") && !document.querySelector("dialog")) this.help();
  }

  // --- the server -------------------------------------------------------------------------------------------------

  heard(answer) {
    this.session.heard(answer);
    for (const refused of answer.refused ?? []) this.tell(this.say("refused", { why: refused.why }));
    const end = document.querySelector(".end");
    if (end && !this.outbox.waiting) end.textContent = this.say("all_saved");
  }

  status(waiting, fault) {
    if (!this.saved) return;
    const key = !fault ? (waiting ? "unsent" : "saved") : fault.status === 0 ? "offline" : fault.status === 409 ? fault.code : fault.status === 401 || fault.status === 403 ? fault.code : "unsaved";
    this.saved.textContent = this.say(key, { n: waiting });
    this.saved.className = `saved ${fault ? "trouble" : waiting ? "busy" : "fine"}`;
  }

  /** Whether the campaign was edited, reassigned, paused or closed meanwhile. */
  async look() {
    if (document.hidden) return;
    try {
      const task = await this.server.ask("/api/task");
      if (this.saved.classList.contains("trouble") && this.outbox.waiting) this.outbox.flush(0);
      if (task.status !== "open") this.tell(this.say(task.status));
      const shape = (t) => JSON.stringify(t.screens.map((s) => s.items.map((i) => [i.id, i.source, i.candidates])));
      if (shape(task) !== shape(this.task)) location.reload();
    } catch (fault) { if (!(fault instanceof Fault)) throw fault; }
  }
}

new Page().start();
