// Swiping from picture to picture: the picture follows the finger. Where it is zoomed, or with two
// fingers, the touch is the zoom's.

import { useRef } from "react";

const FAR = 60;
const SLACK = 8;

export function useSwipe(stage, isZoomed, onStep) {
  const touch = useRef(null);
  const move = (by) => stage.current?.style.setProperty("--swipe", `${by}px`);
  const end = () => {
    touch.current = null;
    move(0);
  };
  return {
    onTouchStart: (event) => {
      end();
      if (event.touches.length > 1 || isZoomed()) return;
      const { clientX: x, clientY: y } = event.touches[0];
      touch.current = { x, y, by: 0 };
    },
    onTouchMove: (event) => {
      if (event.touches.length > 1) return end();
      const at = touch.current;
      if (!at) return undefined;
      const [across, down] = [event.touches[0].clientX - at.x, event.touches[0].clientY - at.y];
      if (!at.by && Math.abs(down) > Math.max(SLACK, Math.abs(across))) return end();
      if (Math.abs(across) > SLACK || at.by) at.by = across;
      return move(at.by);
    },
    onTouchEnd: () => {
      const by = touch.current?.by ?? 0;
      end();
      if (Math.abs(by) > FAR) onStep(by < 0 ? 1 : -1);
    },
    onTouchCancel: end,
  };
}
