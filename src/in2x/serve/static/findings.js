// A translation with what is wrong in it: places are marked, reasons are told.

import { make } from "./dom.js";

const RANK = ["", "minor", "major", "critical"];
const rank = (finding) => RANK.indexOf(finding.severity);

export const worst = (findings) => RANK[Math.max(0, ...findings.map(rank))];

/** `text` as nodes, the places of `findings` (in code points) as marks. */
export function marked(text, findings) {
  const points = Array.from(text), level = new Uint8Array(points.length);
  for (const one of findings) for (let at = Math.max(0, one.start); one.start >= 0 && at < Math.min(one.end, points.length); at++) level[at] = Math.max(level[at], rank(one));
  const nodes = [];
  for (let start = 0, end; start < points.length; start = end) {
    for (end = start; end < points.length && level[end] === level[start]; end++);
    const part = points.slice(start, end).join("");
    nodes.push(level[start] ? make(`mark.${RANK[level[start]]}`, {}, part) : part);
  }
  return nodes;
}

/** The reasons, gravest first; each shows its place. */
export function reasons(findings, text, say) {
  const points = Array.from(text);
  return make("ul.findings", {}, [...findings].sort((a, b) => rank(b) - rank(a)).map((one) => make("li", {},
    make(`b.severity.${one.severity}`, {}, say(one.severity)), make("b", {}, say(`p_${one.principle}`)),
    one.start >= 0 ? make("q", {}, points.slice(one.start, one.end).join("")) : "", make("span.why", { lang: "en" }, one.why))));
}
