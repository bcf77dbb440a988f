// Documents: dropped, sent, watched, looked through, fetched. Which they are is kept here; they lie at the server.

import { make } from "./dom.js";
import { save } from "./drawers.js";
import { marked, reasons } from "./findings.js";
import { keep, kept } from "./kept.js";
import { ask, call, Fault } from "./server.js";

const AGAIN = 800; // milliseconds between two looks at what is being translated
const ROWS = 100; // of a view, at once
const NAMES = { translated: "translated", skipped: "skipped", failed: "state_failed", untouched: "untouched", pending: "pending" };

export class Documents {
  constructor(page) { this.page = page; this.papers = kept("documents", []); this.shown = null; this.draw(); }

  draw() {
    const { say, settings } = this.page;
    this.file = make("input", { type: "file", multiple: true, hidden: true, accept: settings.formats.join(","), "aria-label": say("choose_file"), onchange: () => { this.take(this.file.files); this.file.value = ""; } });
    this.list = make("ul.papers");
    this.sight = make("section.view", { hidden: true });
    const over = (on) => (event) => { event.preventDefault(); this.place.classList.toggle("over", on); };
    this.place = make("div.drop", { ondragover: over(true), ondragenter: over(true), ondragleave: over(false), ondrop: (event) => { over(false)(event); this.take(event.dataTransfer.files); } },
      make("p", {}, say("drop")), make("button.done", { type: "button", onclick: () => this.file.click() }, say("choose_file")), this.file,
      make("p.soft", {}, say("formats", { list: settings.formats.map((one) => one.slice(1)).join(" ") })), make("p.soft", {}, say("doc_hint")));
    this.root = make("div.documents", { hidden: true }, this.place, this.list, this.sight);
    this.rows();
    if (this.shown) this.open(this.shown, this.wanted);
  }

  store() { keep("documents", this.papers.filter((one) => one.id)); }

  async take(files) {
    const { page } = this, { say, settings } = page;
    for (const file of files) {
      const suffix = file.name.slice(file.name.lastIndexOf(".")).toLowerCase();
      if (!settings.formats.includes(suffix)) { page.told(say("unknown_format", { name: file.name })); continue; }
      if (file.size > settings.largest_file) { page.told(say("too_large", { name: file.name, n: Math.floor(settings.largest_file / 2 ** 20) })); continue; }
      await this.send(file);
    }
  }

  async send(file) {
    const paper = { name: file.name, state: "uploading", done: 0, segments: 0 };
    this.papers.unshift(paper);
    this.rows();
    const form = new FormData();
    form.append("wish", JSON.stringify({ ...this.page.manner(), text: "" }));
    form.append("file", file, file.name);
    try { Object.assign(paper, await ask("/page/documents", form)); } catch (error) {
      this.papers = this.papers.filter((one) => one !== paper);
      this.rows();
      this.page.fault(error, error.status === 401 || error.status === 403 ? () => this.send(file) : undefined);
      return;
    }
    this.store();
    this.rows();
    this.look();
  }

  /** Ask how far they are, until all are finished. */
  async look() {
    clearTimeout(this.timer);
    for (const paper of this.papers.filter((one) => one.id && !["done", "error", "gone"].includes(one.state))) {
      try { Object.assign(paper, await ask(`/page/documents/${paper.id}`, { key: paper.key })); } catch (error) {
        if (error instanceof Fault && error.status === 404) paper.state = "gone"; else { this.page.fault(error, () => this.look()); break; }
      }
      this.row(paper);
      if (this.shown === paper) this.fill();
    }
    this.store();
    if (this.papers.some((one) => ["queued", "translating"].includes(one.state))) this.timer = setTimeout(() => this.look(), AGAIN);
  }

  // --- the list ---------------------------------------------------------------------------------------------------

  rows() {
    this.drawn = new Map();
    this.list.replaceChildren(...(this.papers.length ? this.papers.map((paper) => { const row = make("li.paper"); this.drawn.set(paper, row); this.row(paper); return row; }) : [make("li.soft", {}, this.page.say("no_documents"))]));
  }

  row(paper) {
    const { say } = this.page, { name, state, done, segments } = paper;
    const words = { uploading: say("uploading"), queued: say("queued"), translating: say("translating", { done, total: segments }), done: say("done"), error: `${say("error")}: ${paper.error}`, gone: say("gone") }[state];
    const row = this.drawn.get(paper), focused = row.contains(document.activeElement) && document.activeElement.dataset.does;
    const does = (key, run, style = "") => make(`button${style}`, { type: "button", "data-does": key, "aria-label": `${say(key)}: ${name}`, onclick: run }, say(key));
    row.replaceChildren(make("b.name", {}, name), make(`span.state.${state}`, {}, words),
      ["queued", "translating", "uploading"].includes(state) ? make("progress", { max: segments || 1, value: state === "uploading" ? 0 : done, "aria-label": say("progress_of", { name }) }) : "",
      make("span.last", {}, paper.id && state !== "gone" && state !== "error" ? does("open", () => this.open(paper)) : "", state === "done" ? does("download", () => this.fetch(paper), ".done") : "", does("remove", () => this.drop(paper), ".quiet")));
    if (focused) row.querySelector(`[data-does=${focused}]`)?.focus();
  }

  async fetch(paper) {
    try {
      const answer = await call(`/page/documents/${paper.id}/result`, { key: paper.key });
      const dot = paper.name.lastIndexOf(".");
      save(`${paper.name.slice(0, dot)}.${paper.target_lang}${paper.name.slice(dot)}`, answer.headers.get("Content-Type") ?? "", await answer.blob());
    } catch (error) { this.lost(paper, error); }
  }

  /** A call about a document failed: it may have been deleted at the server. */
  lost(paper, error) {
    if (!(error instanceof Fault) || error.status !== 404) return this.page.fault(error);
    paper.state = "gone";
    this.sight.hidden = true;
    this.store();
    this.row(paper);
  }

  async drop(paper) {
    if (this.shown === paper) { this.shown = null; this.sight.hidden = true; }
    this.papers = this.papers.filter((one) => one !== paper);
    this.store();
    this.rows();
    if (paper.id && paper.state !== "gone") await ask(`/page/documents/${paper.id}`, { key: paper.key }, { method: "DELETE" }).catch(() => {});
  }

  // --- one of them ------------------------------------------------------------------------------------------------

  /** Show what became of each text of a document. */
  open(paper, wanted = "all") {
    const { say } = this.page;
    this.shown = paper; this.wanted = wanted; this.most = ROWS;
    this.numbers = make("p.coverage", { role: "status" });
    this.table = make("tbody");
    this.more = make("button", { type: "button", hidden: true, onclick: () => { this.most += ROWS; this.fill(); } }, say("show_more"));
    const filter = make("label.chooser", {}, make("span", {}, say("filter")), make("select", { onchange: (event) => { this.wanted = event.target.value; this.most = ROWS; this.fill(); } },
      [["all", "all"], ["findings", "with"], ["failed", "state_failed"], ["skipped", "skipped"]].map(([value, key]) => make("option", { value, selected: value === wanted }, say(key)))));
    this.sight.setAttribute("aria-label", say("view_of", { name: paper.name }));
    this.sight.replaceChildren(make("div.row", {}, make("h2", {}, paper.name), filter, make("button.quiet.last", { type: "button", "aria-label": say("close"), title: say("close"), onclick: () => { this.shown = null; this.sight.hidden = true; } }, "×")),
      this.numbers, make("table.segments", {}, make("thead", {}, make("tr", {}, ["place", "source", "translation"].map((key) => make("th", { scope: "col" }, say(key))))), this.table), this.more);
    this.sight.hidden = false;
    return this.fill();
  }

  async fill() {
    const { say } = this.page, paper = this.shown, wanted = this.wanted;
    let view;
    try { view = await ask(`/page/documents/${paper.id}/view`, { key: paper.key, wanted, most: this.most }); } catch (error) { this.lost(paper, error); return; }
    if (this.shown !== paper || this.wanted !== wanted) return;
    this.numbers.textContent = say("coverage", view.counts);
    this.table.replaceChildren(...view.rows.map((row) => make(`tr.${row.state}`, {}, make("td.soft", {}, row.place),
      make("td", { lang: view.source_lang }, row.source),
      make("td", {}, row.state === "translated" ? make("span", { lang: view.target_lang }, marked(row.text, row.findings)) : make("span.notice", {}, say(NAMES[row.state]), row.why ? make("span", { lang: "en" }, `: ${row.why}`) : ""), row.findings.length ? reasons(row.findings, row.text, say) : ""))));
    this.more.hidden = view.total <= view.rows.length;
  }
}
