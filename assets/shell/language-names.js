// Names of languages (BCP 47), as the browser writes them in English, the language of the page.

let names;

export function languageName(tag) {
  try {
    names ??= new Intl.DisplayNames("en", { type: "language" });
    return names.of(tag) ?? tag;
  } catch {
    return tag; // not well formed
  }
}
