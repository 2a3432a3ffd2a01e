// The ways in besides the form for e-mail and password: the single sign-on provider and a new
// account, where they are offered. The page is built before anybody knows, so it asks.

import { useEffect, useState } from "react";
import { useNext, withNext } from "$/public/shell/address-field.jsx";

let asked;

// {single_sign_on, sign_up, origins}; nothing until it is known.
export function useOptions() {
  const [options, setOptions] = useState({});
  useEffect(() => {
    let here = true;
    asked ??= fetch("/api/sign-in/options").then((answer) => (answer.ok ? answer.json() : {}));
    asked.then((known) => here && setOptions(known)).catch(() => (asked = undefined));
    return () => {
      here = false;
    };
  }, []);
  return options;
}

export function SignInLink() {
  return <a href={withNext("/sign-in", useNext())}>Sign in</a>;
}

export function SignUpLink() {
  const next = useNext();
  if (!useOptions().sign_up) return null;
  return (
    <p className="sheet-foot">
      No account yet? <a href={withNext("/sign-up", next)}>Create one</a>
    </p>
  );
}

export function SingleSignOn() {
  const next = useNext();
  const offer = useOptions().single_sign_on;
  if (!offer) return null;
  return (
    <div className="sign-on">
      <p className="or">or</p>
      <a className="button large" href={withNext(offer.href, next)}>
        Continue with {offer.name}
      </a>
    </div>
  );
}
