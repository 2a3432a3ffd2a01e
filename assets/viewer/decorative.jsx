// The decorative switch: empties the alt text, and brings back what it was.

import { useEffect, useState } from "react";
import { save } from "$/public/viewer/picture-edits.js";
import { say } from "$/public/viewer/viewer-toast.js";

const altTexts = new Map();

export function DecorativeSwitch({ imageId, value, altText }) {
  const [wanted, setWanted] = useState(null);
  const [problem, setProblem] = useState("");
  useEffect(() => setWanted(null), [value]);
  const on = wanted ?? value;
  const turn = async () => {
    const changes = { decorative: !on };
    if (on && altTexts.has(imageId)) changes.alt_text = altTexts.get(imageId);
    if (!on && altText) altTexts.set(imageId, altText);
    setWanted(!on);
    setProblem("");
    try {
      await save(imageId, changes);
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
