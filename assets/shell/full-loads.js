// Full loads: what Reflex's client asks of React Router, where every page is loaded by itself.

import { createElement, useState } from "react";

const here = () => {
  const { pathname, search, hash } = window.location;
  return { pathname, search, hash };
};
const NOTHING = {};

function go(address, { replace = false } = {}) {
  if (replace) window.location.replace(address);
  else window.location.assign(address);
}

export const useLocation = () => useState(here)[0];
export const useNavigate = () => go;
export const useParams = () => NOTHING;
export const useSearchParams = () => [new URLSearchParams(window.location.search)];
export const Link = ({ to, ...rest }) => createElement("a", { href: to, ...rest });

// How the build wraps a page.
export const UNSAFE_withComponentProps = (component) => component;
export const UNSAFE_withHydrateFallbackProps = UNSAFE_withComponentProps;
export const UNSAFE_withErrorBoundaryProps = UNSAFE_withComponentProps;

// Parts of the document around the page, which is not drawn again.
const none = () => null;
export { none as Links, none as Meta, none as Outlet, none as Scripts, none as ScrollRestoration };
