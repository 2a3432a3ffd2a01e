// A hidden field with the one-time token of the page's address. A refused form comes back without
// it, so it is kept while the tab is open.

import { useEffect, useState } from "react";

const KEPT = "imgapp-token";

export function AddressToken() {
  const [token, setToken] = useState("");
  useEffect(() => {
    const given = new URLSearchParams(window.location.search).get("token");
    if (given) sessionStorage.setItem(KEPT, given);
    setToken(given ?? sessionStorage.getItem(KEPT) ?? "");
  }, []);
  return <input type="hidden" name="token" value={token} readOnly />;
}
