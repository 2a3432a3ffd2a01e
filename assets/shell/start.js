// The start of a page: makes live what was sent (hydration). Every page is loaded by itself: there
// is no router that would do it.

import { createElement } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { EmbedLayout } from "$/app/root.jsx";

const { root, ...pages } = window.__reactRouterRouteModules;
const [page] = Object.values(pages);
const live = (Page) => createElement(EmbedLayout, null, createElement(Page));

if (page) {
  hydrateRoot(document.body, live(page.default));
  document.documentElement.dataset.live = "";
}
// The answer for any other address is sent empty.
else
  import("$/app/routes/[404]._index.jsx").then((missing) =>
    createRoot(document.body).render(live(missing.default)),
  );
