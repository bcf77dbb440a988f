// Glossaries as tables of text, as `in2x translate --glossary` reads them: a header, tabs between the cells.

const COLUMNS = ["source", "target", "forbidden", "note"];
const flat = (cell) => String(cell ?? "").replace(/[\t\r\n]+/g, " ").trim();

export const written = (terms) => [COLUMNS, ...terms.map((term) => [term.source, term.target, (term.forbidden ?? []).join("|"), term.note])]
  .map((row) => row.map(flat).join("\t")).join("\n") + "\n";

/** The terms of a table. A first row that names source and target says which column is which; CSV may be quoted. */
export function read(text) {
  const plain = text.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
  const rows = (plain.includes("\t") ? plain.split("\n").map((line) => line.split("\t")) : quoted(plain)).filter((row) => row.some((cell) => cell.trim()) && !row[0].startsWith("#"));
  const first = (rows[0] ?? []).map((cell) => cell.trim().toLowerCase());
  const named = first.includes("source") && first.includes("target");
  const names = named ? first : COLUMNS;
  return rows.slice(named ? 1 : 0).map((row) => Object.fromEntries(names.map((name, at) => [name, flat(row[at])])))
    .filter((row) => row.source && (row.target || row.forbidden))
    .map((row) => ({ source: row.source, target: row.target ?? "", forbidden: (row.forbidden ?? "").split("|").map((one) => one.trim()).filter(Boolean), note: row.note ?? "" }));
}

function quoted(text) {
  const rows = [[]];
  for (const [, open, cell, end] of text.matchAll(/(?:("(?:[^"]|"")*")|([^,\n]*))(,|\n|$)/g)) {
    rows.at(-1).push(open ? open.slice(1, -1).replaceAll('""', '"') : cell);
    if (end === "\n") rows.push([]);
    if (!end) break;
  }
  return rows;
}

/** Two lists of terms as one: of the same source, the later counts. */
export const merged = (old, added) => [...new Map([...old, ...added].map((term) => [term.source, term])).values()];
