// What this browser keeps: settings, glossaries, characters, history. Nothing of it is kept by the server.

const MOST = 100; // entries of the history
const KEY = "in2x-page-";

/** What is kept under `name`, or `otherwise` (also where it is not of the same kind, or nothing may be kept). */
export function kept(name, otherwise) {
  try {
    const found = JSON.parse(localStorage.getItem(KEY + name));
    return found !== null && typeof found === typeof otherwise && Array.isArray(found) === Array.isArray(otherwise) ? found : otherwise;
  } catch { return otherwise; }
}

/** Keep `value`; false where there is no room or it may not be kept. */
export function keep(name, value) {
  try { localStorage.setItem(KEY + name, JSON.stringify(value)); return true; } catch { return false; }
}

export function forget(name) { try { localStorage.removeItem(KEY + name); } catch { /* nothing is kept then */ } }

export const glossary = (pair) => kept(`glossary-${pair}`, []);
export const characters = (target) => kept(`characters-${target}`, []);

/** Add a translation to the history; one that only goes on from the last takes its place. */
export function remember(entry) {
  if (!kept("remember", true)) return;
  const past = kept("history", []);
  const last = past[0];
  const same = last && last.source_lang === entry.source_lang && last.target_lang === entry.target_lang;
  if (same && (entry.text.startsWith(last.text) || last.text.startsWith(entry.text))) past.shift();
  past.unshift(entry);
  for (let most = MOST; most > 0 && !keep("history", past.slice(0, most)); most >>= 1);
}
