// The picture itself: its preview at once, its original on demand, in a frame that can be zoomed.

import { Suspense, lazy, useEffect, useRef, useState } from "react";
import { Maximize, Minus, Plus } from "lucide-react";
import { bigger, loadsByItself, notShown } from "$/public/viewer/viewer-original.js";
import { fullScale, mostScale } from "$/public/viewer/viewer-scales.js";
import { useSwipe } from "$/public/viewer/viewer-swipe.js";

// Not needed before a picture is open.
const ViewerZoom = lazy(() => import("$/public/viewer/viewer-zoom.jsx"));

function useOriginal(image, needed) {
  const [at, setAt] = useState({ id: "", state: "" });
  const state = at.id === image.id ? at.state : "";
  const load = () => {
    const { id } = image;
    const end = (ended) => setAt((now) => (now.id === id ? { id, state: ended } : now));
    if (notShown(image)) return setAt({ id, state: "not-shown" });
    setAt({ id, state: "loading" });
    const loader = new Image();
    loader.onload = () => end("shown");
    loader.onerror = () => end("failed");
    loader.src = image.original;
    return undefined;
  };
  useEffect(() => {
    if (needed && !state && loadsByItself(image)) load();
  });
  return [state, load];
}

// The neighbours' previews, once this one is there.
function usePreloading(ready, beside) {
  const sources = beside.map((one) => one.preview).join(" ");
  useEffect(() => {
    if (!ready) return;
    for (const source of sources.split(" ").filter(Boolean)) {
      const loader = new Image();
      loader.fetchPriority = "low";
      loader.src = source;
    }
  }, [ready, sources]);
}

const NOTES = {
  loading: () => "Loading the original",
  shown: () => "Original",
  failed: () => "The original did not load",
  "not-shown": notShown,
};

function Original({ image, state, load }) {
  if (!bigger(image)) return null;
  return (
    <>
      <span className="stage-note" role="status">
        {NOTES[state]?.(image)}
      </span>
      {(!state || state === "failed") && (
        <button type="button" className="stage-button wide" onClick={load}>
          {state ? "Try again" : image.animated ? "Play the original" : "Load original"}
          <small>{image.size}</small>
        </button>
      )}
    </>
  );
}

function Frame({ image, source, onLoad, onError }) {
  const style = {
    "--w": image.growing ? 1e5 : image.width,
    "--ratio": image.width / image.height,
    backgroundImage: image.thumb && `url("${image.thumb}")`,
  };
  return (
    <div className="stage-frame" style={style}>
      {source && (
        <img
          src={source}
          alt={image.alt_text}
          className={image.transparent ? "see-through" : undefined}
          lang={image.language || undefined}
          draggable={false}
          onLoad={onLoad}
          onError={onError}
        />
      )}
    </div>
  );
}

// In CSS pixels, to a fraction of one: a long picture is few of them wide.
const widthOf = (element) => (element ? parseFloat(getComputedStyle(element).width) || 0 : 0);

export function ViewerStage({ image, beside, onStep, onStale, children }) {
  const [zoomedTo, setZoomedTo] = useState({ of: "", scale: 1 });
  const [loaded, setLoaded] = useState("");
  const stage = useRef(null);
  const zoom = useRef(null);
  const stale = useRef("");
  // Another picture, or the same in its true size, begins whole.
  const of = `${image.id} ${image.width}`;
  const scale = zoomedTo.of === of ? zoomedTo.scale : 1;
  const swipe = useSwipe(stage, () => Boolean(zoom.current?.isZoomed()), onStep);
  // Pixels of the screen for each pixel of the picture, or of its preview.
  const frame = widthOf(stage.current?.querySelector(".stage-frame"));
  const density = globalThis.devicePixelRatio ?? 1;
  const shown = frame * scale * density;
  const full = fullScale(image, frame, density);
  const needed = scale > 1.01 && bigger(image) && shown > bigger(image);
  const [original, load] = useOriginal(image, needed);
  usePreloading(loaded === image.id, beside);

  // Links to pictures expire: new ones are asked for, once for each that failed.
  const onError = () => {
    if (stale.current === image.preview) return;
    stale.current = image.preview;
    onStale();
  };
  const source = original === "shown" ? image.original : image.preview;
  const picture = image.width ? (
    <Frame image={image} source={source} onLoad={() => setLoaded(image.id)} onError={onError} />
  ) : null;
  const percent = image.width && !image.growing ? Math.round((100 * shown) / image.width) : 0;
  const zoomed = scale > 1.01;

  return (
    <div className="viewer-stage" aria-busy={loaded !== image.id} {...swipe}>
      <div ref={stage} className={zoomed ? "stage-place zoomed" : "stage-place"}>
        <Suspense fallback={<div className="stage-still">{picture}</div>}>
          <ViewerZoom
            key={of}
            ref={zoom}
            scale={scale}
            full={full}
            most={mostScale(full)}
            onScale={(now) => setZoomedTo({ of, scale: now })}
          >
            {picture}
          </ViewerZoom>
        </Suspense>
      </div>
      <div className="stage-bar" role="group" aria-label="Zoom">
        <button
          type="button"
          className="stage-button"
          aria-label="Zoom out"
          aria-keyshortcuts="Minus"
          onClick={() => zoom.current?.out()}
        >
          <Minus size={18} aria-hidden />
        </button>
        <output className="stage-percent">{percent ? `${percent} %` : ""}</output>
        <button
          type="button"
          className="stage-button"
          aria-label="Zoom in"
          aria-keyshortcuts="Plus"
          onClick={() => zoom.current?.in()}
        >
          <Plus size={18} aria-hidden />
        </button>
        <button
          type="button"
          className="stage-button"
          aria-label="Show the whole picture"
          aria-keyshortcuts="0"
          onClick={() => zoom.current?.reset()}
        >
          <Maximize size={16} aria-hidden />
        </button>
        <Original image={image} state={original} load={load} />
      </div>
      {children}
    </div>
  );
}
