// Words of a page in several languages: a table {language: {key: words}}. What is missing in one is taken from the first.

export function dictionary(table) {
  const LANGUAGES = Object.keys(table);
  return {
    LANGUAGES,
    nameOf: (lang) => table[lang].name,

    /** The language to begin with: what was chosen before, else the first of the browser's that is offered. */
    choose(offered, remembered) {
      const known = (offered.length ? offered : LANGUAGES).filter((lang) => table[lang]);
      if (known.includes(remembered)) return remembered;
      const wished = navigator.languages.map((tag) => tag.split("-")[0]).find((lang) => known.includes(lang));
      return wished ?? known[0] ?? LANGUAGES[0];
    },

    /** `say(key, {n: 3})` in a language. */
    speaker: (lang) => (key, values = {}) =>
      (table[lang][key] ?? table[LANGUAGES[0]][key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole),
  };
}
