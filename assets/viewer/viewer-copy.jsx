// Copy buttons: three ways to take a picture's alt text along.

import { Copy } from "lucide-react";
import { copyText } from "$/public/shell/clipboard.js";
import { imgTag, markdown } from "$/public/viewer/viewer-copies.js";
import { say } from "$/public/viewer/viewer-toast.js";

const WAYS = [
  { key: "c", name: "Text", label: "Copy the alt text", done: "Alt text copied", of: (text) => text },
  { key: "i", name: "<img>", label: "Copy an HTML <img> tag", done: "<img> tag copied", of: imgTag },
  { key: "m", name: "Markdown", label: "Copy as Markdown", done: "Markdown copied", of: markdown },
];

export function CopyWays({ altText, decorative, filename }) {
  const take = async ({ key, done, of }) => {
    // An empty `alt` would claim that the picture is decorative.
    if (!altText && !decorative) return say("There is no alt text to copy yet");
    if (!altText && key === "c") return say("Decorative: its alt text is empty");
    const copied = await copyText(of(altText, filename));
    return say(copied ? done : "The browser does not let this page copy");
  };
  return (
    <div className="copy-ways" role="group" aria-label="Copy">
      <Copy size={14} aria-hidden />
      {WAYS.map((way) => (
        <button
          key={way.key}
          type="button"
          className="button small"
          aria-label={way.label}
          aria-keyshortcuts={way.key}
          title={`${way.label} (${way.key})`}
          onClick={() => take(way)}
        >
          {way.name}
        </button>
      ))}
    </div>
  );
}
