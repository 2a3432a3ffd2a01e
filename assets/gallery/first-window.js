// The first window: puts the pictures that came with the page where the grid will have them, before
// they are drawn for the first time, and has the page made live once they are painted.

import { byteOf, layOut, measures, placesIn, ratioOf } from "./grid-layout.js";
import { placeholder } from "./placeholders.js";
import { dayKey, labelOf } from "../shell/times.js";

function daysOf(cards) {
  const days = [];
  for (const { dataset } of cards) {
    const key = dayKey(new Date(dataset.uploaded));
    if (days.at(-1)?.key !== key) days.push({ key, count: 0 });
    days.at(-1).count += 1;
  }
  return days;
}

function headOf({ key }, top) {
  const head = document.createElement("h2");
  head.className = "day";
  head.style.top = `${top}px`;
  head.append(labelOf(key, dayKey(new Date())));
  return head;
}

function place(canvas) {
  const list = canvas.querySelector("ul");
  const cards = [...canvas.querySelectorAll(".card")];
  const ratios = cards.map(({ dataset }) => ratioOf(byteOf(dataset.width, dataset.height)));
  const days = daysOf(cards);
  const m = measures(canvas.clientWidth || 1200);
  canvas.classList.toggle("two", Boolean(m.columns));
  canvas.querySelectorAll(".day").forEach((head) => head.remove());
  let top = 0;
  for (const item of layOut(ratios, days, m)) {
    if (item.kind === "day") list.before(headOf(days[item.day], top));
    else
      for (const { at, left, width } of placesIn(item, ratios, m)) {
        const { style, dataset } = cards[at];
        style.top = `${top}px`;
        style.left = `${left}px`;
        style.width = `${width}px`;
        style.setProperty("--height", `${item.height}px`);
        style.setProperty("--placeholder", placeholder(dataset.placeholder));
      }
    top += item.size;
  }
  canvas.style.height = `${top}px`;
}

// So long it waits for pictures; who does something waits for none.
const MOST_MS = 1000;
const DOING = ["pointerdown", "keydown", "touchstart", "dragenter"];

function painted(canvas) {
  const onScreen = [...canvas.querySelectorAll("img")].filter(
    (image) => image.getBoundingClientRect().top < innerHeight,
  );
  // One that cannot be shown keeps nobody waiting. The frame that paints the last comes after.
  return Promise.allSettled(onScreen.map((image) => image.decode())).then(
    () => new Promise((done) => requestAnimationFrame(() => setTimeout(done))),
  );
}

const doing = () =>
  new Promise((done) => DOING.forEach((name) => addEventListener(name, done, { once: true, capture: true })));

// What came as `later` (`first_window.py`) is asked for, and runs.
function makeLive() {
  document.querySelectorAll("link[rel=later]").forEach((link) => (link.rel = "modulepreload"));
  for (const later of document.querySelectorAll("script[type=later]")) {
    const script = document.createElement("script");
    script.type = "module";
    script.text = later.text;
    later.replaceWith(script);
  }
}

const canvas = document.querySelector("[data-first-window]");
if (canvas) {
  place(canvas);
  const late = new Promise((done) => setTimeout(done, MOST_MS));
  Promise.race([painted(canvas), doing(), late]).then(makeLive);
  const resized = new ResizeObserver(() => (canvas.isConnected ? place(canvas) : resized.disconnect()));
  resized.observe(canvas);
}
