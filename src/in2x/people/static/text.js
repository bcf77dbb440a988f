// Texts and places in them. The server counts code points, the browser UTF-16 units; they meet here and nowhere else.
// A text is shown as runs: plain text, and ruby written as 漢字《かんじ》, whose reading cannot be marked by itself.

const RUBY = /([\p{Script=Han}々〆ヶ]+)《([^《》\n]{1,20})》|｜([^《》｜\n]{1,30})《([^《》\n]{1,20})》/gu;

const segmenters = new Map();

function segmenter(lang, granularity) {
  const key = `${lang}/${granularity}`;
  if (!segmenters.has(key)) {
    let made;
    try { made = new Intl.Segmenter(lang, { granularity }); } catch { made = new Intl.Segmenter(undefined, { granularity }); }
    segmenters.set(key, made);
  }
  return segmenters.get(key);
}

/** A text whose places can be told in code points and in UTF-16 units. */
export class Text {
  constructor(text, lang) {
    this.text = text;
    this.lang = lang;
    this.points = []; // UTF-16 unit -> code points before it
    let count = 0;
    for (const char of text) {
      for (let i = 0; i < char.length; i++) this.points.push(count);
      count++;
    }
    this.points.push(count);
    this.units = new Array(count + 1); // code point -> UTF-16 unit
    for (let unit = text.length; unit >= 0; unit--) this.units[this.points[unit]] = unit;
    this._graphemes = this._words = null;
  }

  get length() { return this.units.length - 1; }
  slice(start, end) { return this.text.slice(this.units[start], this.units[end]); }

  _ends(granularity) {
    const found = [];
    for (const part of segmenter(this.lang, granularity).segment(this.text)) {
      found.push({ start: this.points[part.index], end: this.points[part.index + part.segment.length], word: part.isWordLike });
    }
    return found;
  }

  get graphemes() { return (this._graphemes ??= this._ends("grapheme")); }
  /** Words, and signs between them; white space stands in none. */
  get words() { return (this._words ??= this._ends("word").filter((w) => this.slice(w.start, w.end).trim())); }

  /** The whole graphemes that [start, end) touches, without white space around them; null where nothing is left. */
  snap(start, end) {
    const touched = this.graphemes.filter((g) => g.start < end && g.end > start && this.slice(g.start, g.end).trim());
    return touched.length ? { start: touched[0].start, end: touched[touched.length - 1].end } : null;
  }

  /** Index of the word at or behind a code point. */
  wordAt(point) {
    const at = this.words.findIndex((w) => w.end > point);
    return at < 0 ? this.words.length - 1 : at;
  }

  /** [{start, end, ruby}] in code points: runs of the text, those with a reading apart. `end` includes the reading. */
  get runs() {
    const runs = [];
    let last = 0;
    const plain = (start, end) => { if (end > start) runs.push({ start, end, base: [start, end], ruby: "" }); };
    for (const match of this.text.matchAll(RUBY)) {
      const start = this.points[match.index], end = this.points[match.index + match[0].length];
      plain(last, start);
      const bar = match[3] ? 1 : 0;
      const base = [start + bar, start + bar + [...(match[1] ?? match[3])].length];
      runs.push({ start, end, base, ruby: match[2] ?? match[4] });
      last = end;
    }
    plain(last, this.length);
    return runs;
  }
}

const places = new WeakMap(); // text node -> code point of its first character

/** Fill `element` with the text, `spans` ([{start, end, ...}]) marked; `decorate(mark, span, index)` dresses a mark. */
export function draw(element, text, spans, decorate) {
  const cuts = new Set(spans.flatMap((s) => [s.start, s.end]));
  const pieces = [];
  for (const run of text.runs) {
    if (run.ruby) { pieces.push(run); continue; }
    let from = run.start;
    for (const cut of [...cuts].filter((c) => c > run.start && c < run.end).sort((a, b) => a - b).concat(run.end)) {
      pieces.push({ start: from, end: cut, base: [from, cut], ruby: "" });
      from = cut;
    }
  }
  element.replaceChildren(...pieces.map((piece) => {
    let node = document.createTextNode(text.slice(...piece.base));
    places.set(node, piece.base[0]);
    if (piece.ruby) {
      const ruby = document.createElement("ruby"), reading = document.createElement("rt");
      reading.textContent = piece.ruby;
      ruby.append(node, reading);
      node = ruby;
    }
    const over = spans.map((span, index) => ({ span, index })).filter(({ span }) => span.start < piece.end && span.end > piece.start);
    for (const { span, index } of over) {
      const mark = document.createElement("mark");
      mark.append(node);
      decorate(mark, span, index);
      node = mark;
    }
    return node;
  }));
}

function pointOf(node, offset, text, element) {
  if (places.has(node)) return places.get(node) + [...node.data.slice(0, offset)].length;
  if (node.nodeType === Node.ELEMENT_NODE) {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    const child = node.childNodes[offset];
    while (walker.nextNode()) {
      const here = walker.currentNode;
      if (places.has(here) && child && (child === here || child.contains(here) || child.compareDocumentPosition(here) & Node.DOCUMENT_POSITION_FOLLOWING)) return places.get(here);
    }
    return text.length;
  }
  const ruby = node.parentElement?.closest("ruby"); // in a reading: behind its base
  const base = ruby && [...ruby.childNodes].find((n) => places.has(n));
  return base ? places.get(base) + [...base.data].length : null;
}

/** What is selected inside `element`, in code points and snapped to graphemes; null where nothing is. */
export function selected(element, text) {
  const selection = window.getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  if (!element.contains(range.startContainer) || !element.contains(range.endContainer)) return null;
  const start = pointOf(range.startContainer, range.startOffset, text, element);
  const end = pointOf(range.endContainer, range.endOffset, text, element);
  return start === null || end === null ? null : text.snap(Math.min(start, end), Math.max(start, end));
}

/** Select the code points [start, end) of `element`. */
export function select(element, start, end) {
  const range = document.createRange();
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let begun = false;
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!places.has(node)) continue;
    const chars = [...node.data], from = places.get(node), to = from + chars.length;
    const units = (point) => chars.slice(0, point - from).join("").length;
    if (!begun && start < to) { range.setStart(node, units(Math.max(start, from))); begun = true; }
    if (begun && end >= from) range.setEnd(node, units(Math.min(end, to)));
    if (end <= to) break;
  }
  const selection = window.getSelection();
  selection.removeAllRanges();
  if (begun) selection.addRange(range);
}

/** The code point under a click or a tap; null where there is none. */
export function pointAt(x, y, element, text) {
  let node, offset;
  if (document.caretPositionFromPoint) {
    const at = document.caretPositionFromPoint(x, y);
    [node, offset] = at ? [at.offsetNode, at.offset] : [];
  } else if (document.caretRangeFromPoint) {
    const at = document.caretRangeFromPoint(x, y);
    [node, offset] = at ? [at.startContainer, at.startOffset] : [];
  }
  return node && element.contains(node) ? pointOf(node, offset, text, element) : null;
}
