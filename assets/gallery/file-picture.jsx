// A file's picture: shows what is being sent in its place in the grid, before the server has it.

import { useCallback, useEffect, useMemo, useSyncExternalStore } from "react";
import { Image } from "lucide-react";
import { withArriving } from "$/public/gallery/arriving-pictures.js";
import { localPictures } from "$/public/uploads/local-pictures.js";

const SETTLE_MS = 5000;

// The list with what is being sent in front of it; `before` is called before that changes.
export function useArriving(list, version, before) {
  const subscribe = useCallback(
    (heard) =>
      localPictures.subscribe(() => {
        before();
        heard();
      }),
    [before],
  );
  const places = useSyncExternalStore(subscribe, localPictures.places, localPictures.places);
  const shown = useMemo(
    () => withArriving(list, places),
    // The list changes in place; its version says when.
    [list, version, places],
  );
  const settled = Boolean(places.length && shown.settled);
  useEffect(() => {
    if (!settled) return undefined;
    const timer = setTimeout(() => localPictures.settle(), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [settled]);
  return shown;
}

export function FilePicture({ picture, style, at, of, tab }) {
  const { name, src, whole } = picture.local;
  return (
    <li
      className="card from-file"
      style={style}
      data-at={at}
      data-local={picture.id}
      aria-posinset={at + 1}
      aria-setsize={of}
    >
      <div className="picture" role="img" aria-label={`${name}, uploading`} tabIndex={tab}>
        {src ? (
          <img src={src} alt="" loading={whole ? "lazy" : "eager"} decoding="async" />
        ) : (
          <Image size={28} aria-hidden />
        )}
      </div>
      <div className="card-text" aria-hidden="true">
        <p className="card-name">{name}</p>
        <p className="card-description">Uploading</p>
      </div>
    </li>
  );
}
