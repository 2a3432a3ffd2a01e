// The language of a picture's texts: screen readers speak them, and files and sites name it.

import { useEffect, useId, useState } from "react";
import { save } from "$/public/viewer/picture-edits.js";
import { say } from "$/public/viewer/viewer-toast.js";

export function TextLanguage({ imageId, value, languages }) {
  const id = useId();
  const [wanted, setWanted] = useState(null);
  const [problem, setProblem] = useState("");
  useEffect(() => setWanted(null), [value]);
  const choose = async (event) => {
    const tag = event.target.value;
    setWanted(tag);
    setProblem("");
    try {
      await save(imageId, { language: tag || null });
      say("Language saved");
    } catch (error) {
      setWanted(null);
      setProblem(`Not saved: ${error.message}`);
    }
  };
  const known = !value || languages.some(([tag]) => tag === value);
  return (
    <div className="text-language">
      <label htmlFor={id}>Language of these texts</label>
      <select id={id} className="input" value={wanted ?? value} onChange={choose}>
        <option value="">Not known</option>
        {!known && <option value={value}>{value}</option>}
        {languages.map(([tag, name]) => (
          <option key={tag} value={tag}>
            {name}
          </option>
        ))}
      </select>
      {problem && (
        <p role="alert" className="form-message">
          {problem}
        </p>
      )}
    </div>
  );
}
