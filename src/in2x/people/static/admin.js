// Draws the organiser's page anew every five seconds, while nobody is typing or has a menu open.
const busy = () => document.activeElement?.matches("input, select") || document.querySelector("details[open]");

setInterval(async () => {
  if (busy() || document.hidden) return;
  const answer = await fetch(document.body.dataset.here).catch(() => null);
  if (!answer?.ok || busy()) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.querySelector(`[data-live="${part.dataset.live}"]`);
    if (fresh) part.replaceWith(fresh);
  }
}, 5000);
