// Why nobody could sign in here, said before they try: cookies are blocked, or the page was opened
// by another address than imgapp's own.

import { useEffect, useState } from "react";
import { useNext, withNext } from "$/public/shell/address-field.jsx";
import { useOptions } from "$/public/shell/single-sign-on.jsx";

const UNKNOWN = [];
const PROBE = "imgapp-kept";

function keepsCookies() {
  try {
    document.cookie = `${PROBE}=1; SameSite=Lax`;
    const kept = document.cookie.includes(`${PROBE}=1`);
    document.cookie = `${PROBE}=; SameSite=Lax; Max-Age=0`;
    return kept;
  } catch {
    return false; // as in a frame that is shut off
  }
}

export function NoCookies() {
  const [blocked, setBlocked] = useState(false);
  useEffect(() => setBlocked(!keepsCookies()), []);
  if (!blocked) return null;
  return (
    <p role="alert" className="sheet-message shown">
      This browser keeps no cookies of this page, and imgapp knows by one who is signed in. Allow
      cookies for this address, then load the page again.
    </p>
  );
}

// The server leads here by its id, too, when it refused a form of another address.
export function OwnAddress() {
  const next = useNext();
  const { origins = UNKNOWN } = useOptions();
  const [elsewhere, setElsewhere] = useState(false);
  useEffect(() => setElsewhere(origins.length > 0 && !origins.includes(location.origin)), [origins]);
  return (
    <p id="address" role="alert" className={elsewhere ? "sheet-message shown" : "sheet-message"}>
      imgapp takes sign-ins at its own address only.{" "}
      {origins.length > 0 && (
        <>
          Go to <a href={withNext(`${origins[0]}/sign-in`, next)}>{origins[0]}</a>. Whoever runs it
          can give it another one (IMGAPP_PUBLIC_URL).
        </>
      )}
    </p>
  );
}
