// Calls of the server (dialects/page.py).

export class Fault extends Error {
  constructor(status, code, message, wait = 0) { super(message); this.status = status; this.code = code; this.wait = wait; }
}

const TOKEN = "in2x-token";
let token = "";
try { token = sessionStorage.getItem(TOKEN) ?? ""; } catch { /* it lasts as long as the page */ }

/** The token that calls carry from now on; it lasts until the tab is closed. */
export function carry(given) { token = given; try { sessionStorage.setItem(TOKEN, given); } catch { /* as above */ } }

/** The answer to a call whose status is good. `body`: an object (JSON), a FormData, or undefined for GET. */
export async function call(path, body, { signal, method } = {}) {
  const form = body instanceof FormData;
  const headers = { ...(token && { Authorization: `Bearer ${token}` }), ...(body && !form && { "Content-Type": "application/json" }) };
  let answer;
  try {
    answer = await fetch(path, { method: method ?? (body ? "POST" : "GET"), headers, body: form ? body : body && JSON.stringify(body), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Fault(0, "offline", "");
  }
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  throw new Fault(answer.status, said.error ?? "fault", said.message ?? "", Number(answer.headers.get("Retry-After") ?? 0));
}

export async function ask(path, body, options) {
  const said = await (await call(path, body, options)).json();
  if (said.error && said.status >= 400) throw new Fault(said.status, said.error, said.message); // it came late, behind a good status
  return said;
}

/** The lines of an answer as they come. */
export async function* lines(path, body, options) {
  const reader = (await call(path, body, options)).body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    let part;
    try { part = await reader.read(); } catch (error) { if (error.name === "AbortError") throw error; throw new Fault(0, "offline", ""); }
    const rows = (rest + (part.value ?? "")).split("\n");
    rest = rows.pop();
    for (const row of rows.filter(Boolean).map((text) => JSON.parse(text))) {
      if (row.error) throw new Fault(row.status, row.error, row.message);
      yield row;
    }
    if (part.done) return;
  }
}
