// The lean client (Vite plugin): what browsers get in the place of libraries of which the pages use
// little. Node still draws the pages with the libraries themselves.

import { fileURLToPath } from "node:url";

const ours = (name) => fileURLToPath(new URL(`./public/shell/${name}.js`, import.meta.url));

const EVERYWHERE = { "@emotion/react": ours("element") };
const IN_BROWSERS = {
  "react-router": ours("full-loads"),
  react: "preact/compat",
  "react-dom": "preact/compat",
  "react-dom/client": "preact/compat/client",
  "react/jsx-runtime": "preact/compat/jsx-runtime",
};

export default function leanClient() {
  return {
    name: "imgapp-lean-client",
    enforce: "pre",
    resolveId(source, importer, options) {
      const inBrowsers = this.environment.config.consumer === "client";
      const instead = EVERYWHERE[source] ?? (inBrowsers ? IN_BROWSERS[source] : undefined);
      return instead ? this.resolve(instead, importer, { ...options, skipSelf: true }) : null;
    },
  };
}

// One request for what every page runs, and one for what several share.
export const GROUPS = [
  { name: "client", test: /node_modules\/(preact|socket\.io|engine\.io|@socket\.io|mergician|universal-cookie)|\.web\/utils\// },
];
