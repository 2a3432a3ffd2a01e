// Zoom: wheel, pinch, double click and tap, and dragging once it is larger than its place.

import { useImperativeHandle, useRef } from "react";
import { TransformComponent, TransformWrapper } from "react-zoom-pan-pinch";
import { stepIn, stepOut } from "$/public/viewer/viewer-scales.js";

const ALMOST_WHOLE = 1.01;
const WHOLE = { width: "100%", height: "100%" };
const says = (query) => matchMedia(query).matches;

export default function ViewerZoom({ ref, scale, full, most, onScale, children }) {
  const inner = useRef(null);
  const still = says("(prefers-reduced-motion: reduce)");
  const time = still ? 0 : 200;
  const zoomed = scale > ALMOST_WHOLE;
  useImperativeHandle(ref, () => ({
    in: () => inner.current?.zoomIn(stepIn(scale, full), time),
    out: () => inner.current?.zoomOut(stepOut(scale, full), time),
    reset: () => inner.current?.resetTransform(time),
    // As it is now, which a page that has much to do draws only later.
    isZoomed: () => (inner.current?.instance.state.scale ?? 1) > ALMOST_WHOLE,
  }));
  return (
    <TransformWrapper
      ref={inner}
      minScale={1}
      maxScale={most}
      centerOnInit
      centerZoomedOut
      disablePadding
      // Where the page scrolls, the wheel scrolls it; with Ctrl it zooms all the same.
      wheel={{ step: 0.002 * scale, wheelDisabled: says("(max-width: 60rem)") }}
      panning={{ disabled: !zoomed, velocityDisabled: still }}
      doubleClick={{ mode: zoomed ? "reset" : "zoomIn", step: 1.5, animationTime: time }}
      zoomAnimation={{ animationTime: time }}
      autoAlignment={{ animationTime: time }}
      onTransform={(_, now) => onScale(now.scale)}
    >
      <TransformComponent wrapperStyle={WHOLE}>{children}</TransformComponent>
    </TransformWrapper>
  );
}
