// The contact sheet: the selected pictures with their texts, on paper only. Beside the page and not
// in it, so that all else can be left out.

import { useEffect, useRef } from "react";
import { createPortal } from "react-dom";

function Picture({ picture }) {
  const { filename, source, transparent, alt_text: alt, description, tags, language } = picture;
  return (
    <figure>
      <img src={source} alt="" className={transparent ? "see-through" : undefined} />
      <figcaption>
        <p className="sheet-name">{filename}</p>
        <div lang={language || undefined} dir="auto">
          {alt && <p className="sheet-alt">{alt}</p>}
          {description && <p>{description}</p>}
          {tags && <p className="sheet-tags">{tags}</p>}
        </div>
      </figcaption>
    </figure>
  );
}

// Prints once every picture is there, or will not be.
function usePrinting(sheet, pictures, onDone) {
  const done = useRef(onDone);
  done.current = onDone;
  useEffect(() => {
    if (!pictures.length) return undefined;
    let here = true;
    const end = () => done.current();
    const images = [...sheet.current.querySelectorAll("img")];
    Promise.allSettled(images.map((image) => image.decode())).then(() => {
      if (!here) return;
      addEventListener("afterprint", end, { once: true });
      print();
    });
    return () => {
      here = false;
      removeEventListener("afterprint", end);
    };
  }, [sheet, pictures]);
}

export function ContactSheet({ pictures, onDone }) {
  const sheet = useRef(null);
  usePrinting(sheet, pictures, onDone);
  if (!pictures.length) return null;
  return createPortal(
    <div ref={sheet} className="contact-sheet">
      {pictures.map((picture) => (
        <Picture key={picture.id} picture={picture} />
      ))}
    </div>,
    document.body,
  );
}
