// The copy button: copies a text and says so.

import { useEffect, useState } from "react";
import { Check, Copy } from "lucide-react";
import { copyText } from "$/public/shell/clipboard.js";

export function CopyButton({ text, label }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => setCopied(false), [text]);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <button
      type="button"
      className="button small"
      onClick={async () => setCopied(await copyText(text))}
    >
      {copied ? <Check size={15} aria-hidden /> : <Copy size={15} aria-hidden />}
      <span aria-live="polite">{copied ? "Copied" : label}</span>
    </button>
  );
}
