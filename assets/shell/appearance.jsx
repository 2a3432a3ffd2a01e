// The appearance switch: light, dark, or as the system has it.

import { useContext, useEffect, useState } from "react";
import { Monitor, Moon, Sun } from "lucide-react";
import { ColorModeContext } from "$/utils/context";

const MODES = [
  { mode: "system", name: "System", Icon: Monitor },
  { mode: "light", name: "Light", Icon: Sun },
  { mode: "dark", name: "Dark", Icon: Moon },
];

export function Appearance() {
  const { rawColorMode, setColorMode } = useContext(ColorModeContext);
  // What was chosen is known in the browser only, and the page is built before.
  const [known, setKnown] = useState(false);
  useEffect(() => setKnown(true), []);
  return (
    <fieldset className="appearance">
      <legend>Appearance</legend>
      <div className="segments">
        {MODES.map(({ mode, name, Icon }) => (
          <label key={mode}>
            <input
              type="radio"
              name="appearance"
              className="sr-only"
              checked={known && rawColorMode === mode}
              onChange={() => setColorMode(mode)}
            />
            <Icon size={16} aria-hidden />
            {name}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
