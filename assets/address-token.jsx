// A hidden field with the one-time token of the page's address.

import { useEffect, useState } from "react";

export function AddressToken() {
  const [token, setToken] = useState("");
  useEffect(() => {
    setToken(new URLSearchParams(window.location.search).get("token") ?? "");
  }, []);
  return <input type="hidden" name="token" value={token} readOnly />;
}
