// What was done and is not saved yet. Every event goes into the browser's own database before it is sent, and out of it
// when the server has it: a lost connection, a closed page and a server that restarts lose nothing.

const WAIT = { first: 120, least: 1000, most: 30000 }; // milliseconds
const MOST = 200; // events a call

function database(name) {
  return new Promise((done, failed) => {
    const asked = indexedDB.open(name, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("events", { keyPath: "order", autoIncrement: true });
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
  });
}

function settled(request) {
  return new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
}

function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // a page on plain http has no randomUUID
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

export class Fault extends Error {
  constructor(status, code, message) { super(message); this.status = status; this.code = code; }
}

/** The server, asked with the token of the link. */
export class Server {
  constructor(token) { this.token = token; }

  async ask(path, body) {
    let answer;
    try {
      answer = await fetch(path, {
        method: body === undefined ? "GET" : "POST",
        headers: { Authorization: `Bearer ${this.token}`, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
        body: body === undefined ? undefined : JSON.stringify(body),
        cache: "no-store",
      });
    } catch { throw new Fault(0, "offline", "no connection"); }
    const value = await answer.json().catch(() => ({}));
    if (!answer.ok) {
      const fault = new Fault(answer.status, value.error ?? "fault", value.message ?? "");
      fault.wait = 1000 * Number(answer.headers.get("Retry-After") ?? 0);
      throw fault;
    }
    return value;
  }
}

export class Outbox {
  /** `told(waiting, fault)` hears how many events wait; `answered(answer)` what the server says of those it took. */
  constructor(server, name, told, answered) {
    Object.assign(this, { server, name, told, answered });
    this.tab = uuid();
    this.versions = {};
    this.queue = [];
    this.coming = 0; // events that are about to stand in the queue
    this.sending = null;
    this.fault = null;
    this.pause = WAIT.least;
    this.ready = this._open();
    addEventListener("online", () => this.flush(0));
    addEventListener("visibilitychange", () => this.flush(0));
  }

  async _open() {
    try {
      this.database = await database(`in2x-${this.name}`);
      this.queue = (await settled(this.database.transaction("events").objectStore("events").getAll())).concat(this.queue);
    } catch { this.database = null; } // a private window may have none: then memory alone
    this.told(this.waiting, null);
    if (this.queue.length) this.flush(0);
  }

  /** Keep an event and send it soon. */
  async add(item, kind, value) {
    const event = { id: uuid(), item, kind, value, time: Date.now() / 1000, version: this.versions[item] ?? 0 };
    this.coming++;
    this.told(this.waiting, this.fault); // at once: what is not sent must never read as saved
    await this.ready;
    if (this.database) {
      const kept = this.database.transaction("events", "readwrite").objectStore("events").add({ ...event });
      event.order = await settled(kept).catch(() => undefined);
    }
    this.queue.push(event);
    this.coming--;
    this.flush(WAIT.first);
  }

  get waiting() { return this.queue.length + this.coming; }

  flush(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this._send(), delay);
  }

  /** Wait until all is saved; false where that fails. */
  async emptied() {
    while (this.waiting) {
      if (this.queue.length) await this._send();
      else await new Promise((done) => setTimeout(done, 10));
      if (this.fault) return false;
    }
    return true;
  }

  async _send() {
    if (this.sending) { await this.sending; if (this.queue.length && !this.fault) this.flush(WAIT.first); return; }
    if (!this.queue.length) return;
    this.sending = this._post(this.queue.slice(0, MOST)).finally(() => { this.sending = null; });
    await this.sending;
  }

  async _post(batch) {
    try {
      const events = batch.map(({ order, ...event }) => event);
      const answer = await this.server.ask("/api/events", { tab: this.tab, events });
      const gone = new Set([...answer.saved, ...answer.refused.map((r) => r.id)]);
      if (this.database) {
        const store = this.database.transaction("events", "readwrite").objectStore("events");
        for (const event of batch) if (gone.has(event.id) && event.order !== undefined) store.delete(event.order);
      }
      this.queue = this.queue.filter((event) => !gone.has(event.id));
      Object.assign(this.versions, answer.versions);
      this.fault = null;
      this.pause = WAIT.least;
      this.answered(answer);
      if (this.queue.length) this.flush(0);
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      this.fault = fault;
      this.pause = Math.min(WAIT.most, 2 * this.pause);
      if (![401, 403].includes(fault.status)) this.flush(Math.max(fault.wait ?? 0, this.pause * (0.5 + Math.random())));
    }
    this.told(this.waiting, this.fault);
  }
}
