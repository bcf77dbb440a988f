// The drawers at the side: glossary, characters, history. What is changed in one is kept at once.

import { dialog, make } from "./dom.js";
import { characters, forget, glossary, keep, kept } from "./kept.js";
import { merged, read, written } from "./tables.js";

const SHOWN = 200; // rows of a glossary that are drawn at once

function drawer(title, closeWord, fill, closed) {
  const box = dialog(title, (close) => [make("button.quiet.shut", { type: "button", "aria-label": closeWord, title: closeWord, onclick: close }, "×"), ...fill(close)]);
  box.classList.add("drawer");
  box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
  box.addEventListener("close", closed);
  return box;
}

export function save(name, type, content) {
  const link = make("a", { href: URL.createObjectURL(new Blob([content], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const field = (label, value, put, extra = {}) => make("input.words", { type: "text", value, "aria-label": label, placeholder: label, oninput: (event) => put(event.target.value.trim()), ...extra });

/** The glossary of a pair of languages. `page`: say, told, nameOf(code). */
export function glossaryDrawer(page, source, target, changed) {
  const { say } = page, pair = `${source}-${target}`;
  const rows = make("tbody"), count = make("p.soft", { role: "status" });
  let terms = glossary(pair), wanted = "";
  const store = () => { if (!keep(`glossary-${pair}`, terms.filter((term) => term.source))) page.told(say("full")); count.textContent = say("terms", { n: terms.filter((t) => t.source).length }); };
  const row = (term) => make("tr", {},
    make("td", {}, field(say("term"), term.source, (value) => { term.source = value; store(); }, { lang: source, maxlength: "200" })),
    make("td", {}, field(say("rendering"), term.target, (value) => { term.target = value; store(); }, { lang: target, maxlength: "200" })),
    make("td", {}, field(say("forbidden"), (term.forbidden ?? []).join("|"), (value) => { term.forbidden = value.split("|").map((one) => one.trim()).filter(Boolean); store(); }, { lang: target })),
    make("td", {}, make("button.quiet", { type: "button", "aria-label": say("remove_of", { a: term.source }), title: say("remove"), onclick: () => { terms = terms.filter((one) => one !== term); store(); draw(); } }, "×")));
  const draw = () => {
    const found = terms.filter((term) => !wanted || `${term.source}\n${term.target}`.toLowerCase().includes(wanted));
    rows.replaceChildren(...found.slice(0, SHOWN).map(row), ...(found.length > SHOWN ? [make("tr", {}, make("td.soft", { colSpan: 4 }, say("more_rows", { n: found.length - SHOWN })))] : []));
  };
  const add = () => { terms.unshift({ source: "", target: "", forbidden: [], note: "" }); draw(); rows.querySelector("input").focus(); };
  const take = async (event) => {
    const added = read(await event.target.files[0].text());
    event.target.value = "";
    if (!added.length) return page.told(say("not_table"));
    terms = merged(terms, added); store(); draw(); page.told(say("imported", { n: added.length }));
  };
  const file = make("input", { type: "file", accept: ".tsv,.csv,.txt,text/tab-separated-values,text/csv", "aria-label": say("import"), onchange: take, hidden: true });
  const names = { from: page.nameOf(source), to: page.nameOf(target) };
  const box = drawer(say("glossary_of", names), say("close"), () => [
    make("div.row", {}, make("button.done", { type: "button", onclick: add }, say("add")), make("button", { type: "button", onclick: () => file.click() }, say("import")), file,
      make("button", { type: "button", onclick: () => save(`glossary-${pair}.tsv`, "text/tab-separated-values", written(terms)) }, say("export")),
      make("input.words.grow", { type: "search", "aria-label": say("filter"), placeholder: say("filter"), oninput: (event) => { wanted = event.target.value.toLowerCase(); draw(); } })),
    make("table.terms", {}, make("thead", {}, make("tr", {}, ["term", "rendering", "forbidden"].map((key) => make("th", { scope: "col" }, say(key))), make("td"))), rows),
    count, make("p.soft", {}, say("variants")), make("p.soft", {}, say("kept_here"))], changed);
  store(); draw();
  if (!terms.length) add();
  return box;
}

/** The characters of texts in a target language with its registers. */
export function charactersDrawer(page, target, registers, changed) {
  const { say } = page;
  const list = make("div.people");
  let people = characters(target);
  const store = () => { if (!keep(`characters-${target}`, people.filter((one) => one.name))) page.told(say("full")); };
  const labelled = (key, input) => make("label.field", {}, make("span", {}, say(key)), input);
  const text = (person, key, name, extra) => labelled(key, make("input.words", { type: "text", value: person[name] ?? "", maxlength: "200", oninput: (event) => { person[name] = event.target.value.trim(); store(); }, ...extra }));
  const card = (person) => make("fieldset.person", {}, make("legend", { hidden: !person.name }, person.name),
    text(person, "person_name", "name"), text(person, "person_target", "target", { lang: target }),
    labelled("register", make("select", { onchange: (event) => { person.register = event.target.value || null; store(); } }, ["", ...registers].map((one) => make("option", { value: one, selected: one === (person.register ?? "") }, say(one || "any"))))),
    text(person, "first_person", "first_person", { lang: target }), text(person, "voice", "voice"),
    make("button.quiet", { type: "button", "aria-label": say("remove_of", { a: person.name }), onclick: () => { people = people.filter((one) => one !== person); store(); draw(); } }, say("remove")));
  const draw = () => list.replaceChildren(...(people.length ? people.map(card) : [make("p.soft", {}, say("no_characters"))]));
  const add = () => { people.push({ name: "", target: "", register: null, first_person: "", voice: "" }); draw(); list.querySelector("fieldset:last-child input").focus(); };
  const box = drawer(say("characters_of", { to: page.nameOf(target) }), say("close"), () => [
    make("div.row", {}, make("button.done", { type: "button", onclick: add }, say("add"))), list, make("p.soft", {}, say("script_hint")), make("p.soft", {}, say("kept_here"))], changed);
  draw();
  return box;
}

/** What was translated before. `restore(entry)` brings one back. */
export function historyDrawer(page, restore) {
  const { say } = page;
  const list = make("ul.history");
  let wanted = "", shut = () => {};
  const draw = () => {
    const past = kept("history", []);
    const found = past.filter((one) => !wanted || `${one.text}\n${one.translation}`.toLowerCase().includes(wanted));
    list.replaceChildren(...(found.length ? found : []).map((one) => make("li", {},
      make("button.past", { type: "button", "aria-label": `${say("restore")}: ${one.text.slice(0, 80)}`, onclick: () => { shut(); restore(one); } },
        make("small", {}, `${page.nameOf(one.source_lang)} → ${page.nameOf(one.target_lang)} · ${new Date(one.when).toLocaleString(page.lang)}`),
        make("span", { lang: one.source_lang }, one.text.slice(0, 160)), make("span.soft", { lang: one.target_lang }, one.translation.slice(0, 160))),
      make("button.quiet", { type: "button", title: say("remove"), "aria-label": say("remove_of", { a: one.text.slice(0, 40) }), onclick: () => { keep("history", past.filter((other) => other !== one)); draw(); } }, "×"))));
    if (!found.length) list.replaceChildren(make("li.soft", {}, say("no_history")));
  };
  const on = make("input", { type: "checkbox", checked: kept("remember", true), onchange: (event) => keep("remember", event.target.checked) });
  drawer(say("history"), say("close"), (close) => { shut = close; return [
    make("div.row", {}, make("input.words.grow", { type: "search", "aria-label": say("search"), placeholder: say("search"), oninput: (event) => { wanted = event.target.value.toLowerCase(); draw(); } }),
      make("button", { type: "button", onclick: () => { forget("history"); draw(); } }, say("clear_history"))),
    make("label.row", {}, on, say("keep_history")), list]; }, () => {});
  draw();
}
