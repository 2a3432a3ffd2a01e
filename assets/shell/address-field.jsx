// Hidden form fields that carry what stands in the page's address.

import { useEffect, useState } from "react";

const KEPT = "imgapp-token";
const given = (name) => new URLSearchParams(window.location.search).get(name);

// The page to go on to after signing in; the server checks that it is one of ours.
export function useNext() {
  const [next, setNext] = useState("");
  useEffect(() => setNext(given("next") ?? ""), []);
  return next;
}

// The address of a form, or of a way around it, that leads on to the same page.
export const withNext = (href, next) => (next ? `${href}?${new URLSearchParams({ next })}` : href);

export function AddressNext() {
  const next = useNext();
  return next ? <input type="hidden" name="next" value={next} readOnly /> : null;
}

// A one-time token. A refused form comes back without it, so it is kept while the tab is open.
export function AddressToken() {
  const [token, setToken] = useState("");
  useEffect(() => {
    const fresh = given("token");
    if (fresh) sessionStorage.setItem(KEPT, fresh);
    setToken(fresh ?? sessionStorage.getItem(KEPT) ?? "");
  }, []);
  return <input type="hidden" name="token" value={token} readOnly />;
}
