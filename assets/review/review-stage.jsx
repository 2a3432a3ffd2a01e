// The picture of Review, and behind it those that come next: loaded and decoded, so that the next one
// is there with the key.

import { useEffect, useRef, useState } from "react";
import { ImageOff } from "lucide-react";

function Picture({ item, shown }) {
  const [failed, setFailed] = useState(false);
  const element = useRef(null);
  // Decoded before it is shown; what cannot be is what fails to load.
  useEffect(() => {
    element.current?.decode?.().catch(() => {});
  }, []);
  const { image } = item;
  const classes = [shown ? "shown" : "", image.facts?.has_alpha ? "see-through" : ""];
  if (failed && shown) {
    return (
      <p className="stage-missing">
        <ImageOff size={32} aria-hidden />
        The picture did not load.
      </p>
    );
  }
  return (
    <img
      ref={element}
      src={image.urls.preview}
      alt={shown ? `The picture to review, ${image.filename}` : ""}
      aria-hidden={shown ? undefined : true}
      className={classes.filter(Boolean).join(" ")}
      width={image.width}
      height={image.height}
      decoding="sync"
      draggable={false}
      onError={() => setFailed(true)}
    />
  );
}

export function Stage({ items }) {
  return (
    <div className="review-stage">
      {items.map((item, at) => (
        <Picture key={item.image_id} item={item} shown={at === 0} />
      ))}
    </div>
  );
}
