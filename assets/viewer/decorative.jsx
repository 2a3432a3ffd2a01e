// The decorative switch: empties the alt text, and brings back what it was.

import { useEffect, useState } from "react";
import { saveText } from "$/public/viewer/picture-edits.js";
import { say } from "$/public/viewer/viewer-toast.js";

const altTexts = new Map();

export function DecorativeSwitch({ imageId, language, version, value, altText }) {
  const [wanted, setWanted] = useState(null);
  const [problem, setProblem] = useState("");
  useEffect(() => setWanted(null), [value]);
  const on = wanted ?? value;
  const key = `${imageId} ${language}`;
  const holds = (text) => Boolean(text?.decorative) === value && (text?.alt_text ?? "") === altText;
  const turn = async () => {
    const changes = { decorative: !on };
    if (on && altTexts.has(key)) changes.alt_text = altTexts.get(key);
    if (!on && altText) altTexts.set(key, altText);
    setWanted(!on);
    setProblem("");
    try {
      await saveText(imageId, language, version, changes, holds);
      say(on ? "Not decorative" : "Decorative: screen readers skip it");
    } catch (error) {
      setWanted(null);
      setProblem(`Not saved: ${error.message}`);
    }
  };
  return (
    <>
      <button
        type="button"
        role="switch"
        className="toggle decorative"
        aria-checked={on}
        onClick={turn}
      >
        <span className="switch-track" aria-hidden />
        <span>
          Decorative
          <small>It says nothing: screen readers skip it.</small>
        </span>
      </button>
      {problem && (
        <p role="alert" className="form-message">
          {problem}
        </p>
      )}
    </>
  );
}
