// Elements in one line.

/** `make("p.lead", {lang: "ja", onclick: f}, child, ...)`; text children are text, never HTML. */
export function make(what, attributes = {}, ...children) {
  const [name, ...classes] = what.split(".");
  const element = document.createElement(name || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && typeof value !== "string") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A dialog that closes by Escape and by its own buttons; `fill(close)` gives its content. */
export function dialog(title, fill) {
  const box = make("dialog", { "aria-label": title });
  const close = () => { box.close(); box.remove(); };
  box.append(make("h2", {}, title), ...fill(close));
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  return box;
}
