// The lean client (Vite plugin): what browsers get in the place of libraries of which the pages use
// little. Node still draws the pages with the libraries themselves.

import { fileURLToPath } from "node:url";

const ours = (name) => fileURLToPath(new URL(`./public/shell/${name}.js`, import.meta.url));

const FIRST_WINDOW = fileURLToPath(new URL("./public/gallery/first-window.js", import.meta.url));

const EVERYWHERE = {
  "@emotion/react": ours("element"),
  mergician: ours("merged"),
  "universal-cookie": ours("no-cookies"),
};
const IN_BROWSERS = {
  react: "preact/compat",
  "react-dom": "preact/compat",
  "react-dom/client": "preact/compat/client",
  "react/jsx-runtime": "preact/compat/jsx-runtime",
  "react-router": ours("full-loads"),
  "./polling-xhr.js": ours("no-transport"),
  "./polling-xhr.node.js": ours("no-transport"),
  "./webtransport.js": ours("no-transport"),
};

export default function leanClient() {
  return {
    name: "imgapp-lean-client",
    enforce: "pre",
    buildStart() {
      // Runs by itself, before all else: its name stands in the answer to `/`.
      if (this.environment.config.consumer === "client")
        this.emitFile({ type: "chunk", id: FIRST_WINDOW, fileName: "assets/first-window.js" });
    },
    resolveId(source, importer, options) {
      const inBrowsers = this.environment.config.consumer === "client";
      const instead = EVERYWHERE[source] ?? (inBrowsers ? IN_BROWSERS[source] : undefined);
      return instead ? this.resolve(instead, importer, { ...options, skipSelf: true }) : null;
    },
  };
}

// One request for what every page runs, and one for what several of them do.
export const GROUPS = [
  { name: "layout", test: /public\/(gallery\/(grid-layout|placeholders)|shell\/times)\.js/, priority: 1 },
  {
    name: "client",
    test: /node_modules\/(preact|socket\.io|engine\.io|@socket\.io|mergician|universal-cookie)|\.web\/utils\//,
  },
  { name: "shared", test: /node_modules\/lucide-react|public\/shell\//, minShareCount: 2 },
];
