// The errors marked in one text: by drag, by tap, by keys.

import { draw, pointAt, select, selected, Text } from "./text.js";
import { make } from "./dom.js";

export class Spans {
  /**
   * `context`: say, severities, categories, side, lang, dir, label; `get()` gives the spans of the candidate, `set(spans)`
   * keeps others, `onward()` goes to the next step.
   */
  constructor(text, context) {
    Object.assign(this, context);
    this.text = new Text(text, this.lang);
    this.word = -1; // where the keys are
    this.anchor = -1;
    this.element = make("p.text", {
      lang: this.lang, dir: this.dir, tabindex: "0", role: "application", "aria-roledescription": this.say("spans"), "aria-label": `${this.label}: ${text}. ${this.say("mark_hint")}`,
      onkeydown: (event) => this.key(event), onpointerup: (event) => setTimeout(() => this.pointed(event), 0),
      onblur: (event) => { if (!this.tools?.contains(event.relatedTarget)) this.word = this.anchor = -1; },
    });
    this.tools = make("div.tools", { hidden: true });
    this.root = make("div.marked", {}, this.element, this.tools);
    this.redraw();
  }

  get mine() { return this.get().filter((span) => span.side === this.side); }

  redraw() {
    draw(this.element, this.text, this.mine, (mark, span, index) => {
      mark.className = span.severity;
      mark.title = [this.say(span.severity), span.category].filter(Boolean).join(", ");
      mark.dataset.span = index;
    });
  }

  keep(changed) { this.set([...this.get().filter((span) => span.side !== this.side), ...changed.sort((a, b) => a.start - b.start || a.end - b.end)]); this.redraw(); }

  add(place, severity, category = "") {
    const same = (span) => span.start === place.start && span.end === place.end;
    this.keep([...this.mine.filter((span) => !same(span)), { ...place, severity, category, side: this.side }]);
    this.close();
    window.getSelection().removeAllRanges();
    this.element.focus({ preventScroll: true });
  }

  remove(span) {
    this.keep(this.mine.filter((other) => other !== span));
    this.close();
    this.element.focus({ preventScroll: true });
  }

  // --- what is selected -------------------------------------------------------------------------------------------

  get place() {
    if (this.word >= 0) {
      const [from, to] = [Math.min(this.word, this.anchor), Math.max(this.word, this.anchor)];
      return { start: this.text.words[from].start, end: this.text.words[to].end };
    }
    return selected(this.element, this.text);
  }

  pointed(event) {
    const place = selected(this.element, this.text);
    this.word = this.anchor = -1;
    if (place) return this.offer(place);
    const point = pointAt(event.clientX, event.clientY, this.element, this.text);
    if (point === null || !this.text.words.length) return this.close();
    const under = this.mine.find((span) => span.start <= point && point < span.end);
    if (under) return this.offer(under, under);
    const index = this.text.wordAt(point), word = this.text.words[index];
    if (!this.tools.hidden && this.tapped) { // a second tap makes the place longer
      const longer = { start: Math.min(this.tapped.start, word.start), end: Math.max(this.tapped.end, word.end) };
      select(this.element, longer.start, longer.end);
      return this.offer(longer);
    }
    this.tapped = word;
    select(this.element, word.start, word.end);
    this.offer({ start: word.start, end: word.end });
    this.tapped = word;
  }

  /** The tools for a place: severities (and kinds of error), or removal of what is marked there. */
  offer(place, existing = null) {
    const { say } = this;
    const kinds = this.categories.length ? make("select", { "aria-label": say("category") }, this.categories.map((c) => make("option", { value: c, selected: existing?.category === c }, c))) : null;
    this.tools.replaceChildren(
      make("q", { lang: this.lang }, this.text.slice(place.start, place.end)),
      ...(kinds ? [kinds] : []),
      ...this.severities.map((severity, index) => make(`button.${severity}`, { type: "button", onclick: () => this.add({ start: place.start, end: place.end }, severity, kinds?.value ?? "") }, make("kbd", { "aria-hidden": "true" }, String(index + 1)), say(severity))),
      existing ? make("button", { type: "button", onclick: () => this.remove(existing) }, say("remove")) : "",
      make("button.quiet", { type: "button", "aria-label": say("cancel"), onclick: () => this.close() }, "×"),
    );
    this.tools.hidden = false;
    this.existing = existing;
  }

  close() {
    this.tools.hidden = true;
    this.tapped = this.existing = null;
  }

  // --- keys -------------------------------------------------------------------------------------------------------

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const back = this.dir === "rtl" ? "ArrowRight" : "ArrowLeft", words = this.text.words;
    const severity = this.severities[Number(event.key) - 1];
    if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && words.length) {
      const step = event.key === back ? -1 : 1;
      this.word = this.word < 0 ? (step > 0 ? 0 : words.length - 1) : Math.min(words.length - 1, Math.max(0, this.word + step));
      if (!event.shiftKey || this.anchor < 0) this.anchor = this.word;
      select(this.element, this.place.start, this.place.end);
      this.offer(this.place, this.mine.find((s) => s.start < this.place.end && s.end > this.place.start));
    } else if (severity && this.place) {
      const kind = this.tools.querySelector("select")?.value ?? "";
      this.add(this.place, severity, kind);
      this.word = this.anchor = -1;
    } else if ((event.key === "Delete" || event.key === "Backspace") && (this.existing || this.place)) {
      const gone = this.existing ?? this.mine.find((s) => s.start < this.place.end && s.end > this.place.start);
      if (gone) this.remove(gone);
    } else if (event.key === "Escape") {
      this.close();
      this.word = this.anchor = -1;
      window.getSelection().removeAllRanges();
    } else if (event.key === "Enter" || (/^[0-9]$/.test(event.key) && !this.place)) {
      this.onward(event);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
