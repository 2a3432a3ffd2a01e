// Copies of a picture, ready to be pasted into a page: its alt text, an HTML tag, Markdown.
//
// The source is the file's name, as it is called once it is downloaded and put beside the page.
// imgapp's own links are private and expire within the hour, so a page must not lead to them.

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const html = (text) => text.replace(/[&<>"']/g, (sign) => ENTITIES[sign]);
const oneLine = (text) => text.replace(/\s+/g, " ").trim();

// RFC 3986: a relative reference of one segment; a name with a colon in it is not taken for a scheme.
export const source = (filename) =>
  encodeURIComponent(filename.toWellFormed?.() ?? filename).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );

export const imgTag = (altText, filename) =>
  `<img src="${html(source(filename))}" alt="${html(oneLine(altText))}">`;

// CommonMark: what would be markup within the alt text is escaped.
export const markdown = (altText, filename) =>
  `![${oneLine(altText).replace(/[\\`*_[\]<>&~]/g, "\\$&")}](${source(filename)})`;
