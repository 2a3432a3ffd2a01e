// The way to the single sign-on provider, where one is configured. The page is built before anybody
// knows, so it asks; without an answer there is the form for e-mail and password.

import { useEffect, useState } from "react";

export function SingleSignOn() {
  const [offer, setOffer] = useState(null);
  useEffect(() => {
    const leaving = new AbortController();
    fetch("/api/sign-in/options", { signal: leaving.signal })
      .then((answer) => (answer.ok ? answer.json() : {}))
      .then((options) => setOffer(options.single_sign_on ?? null))
      .catch(() => {});
    return () => leaving.abort();
  }, []);
  if (!offer) return null;
  return (
    <div className="sign-on">
      <p className="or">or</p>
      <a className="button large" href={offer.href}>
        Continue with {offer.name}
      </a>
    </div>
  );
}
