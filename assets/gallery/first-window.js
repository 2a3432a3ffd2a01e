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

function place(canvas, width) {
  const list = canvas.querySelector("ul");
  const cards = [...canvas.querySelectorAll(".card")];
  const ratios = cards.map(({ dataset }) => ratioOf(byteOf(dataset.width, dataset.height)));
  const days = daysOf(cards);
  const m = measures(width || 1200);
  canvas.classList.toggle("two", Boolean(m.columns));
  canvas.querySelectorAll(".day").forEach((head) => head.remove());
  let top = 0;
  for (const item of layOut(ratios, days, m)) {
    if (item.kind === "day") list.before(headOf(days[item.day], top));
    else
      for (const { at, left, width } of placesIn(item, ratios, m)) {
        const { style } = cards[at];
        style.top = `${top}px`;
        style.left = `${left}px`;
        style.width = `${width}px`;
        style.setProperty("--height", `${item.height}px`);
      }
    top += item.size;
  }
  canvas.style.height = `${top}px`;
  // Until here it was none of what is laid out to find the width.
  list.hidden = false;
}

function keepPlaced(canvas) {
  let width = canvas.clientWidth;
  place(canvas, width);
  const resized = new ResizeObserver(() => {
    if (!canvas.isConnected) return resized.disconnect();
    if (canvas.clientWidth !== width) place(canvas, (width = canvas.clientWidth));
  });
  resized.observe(canvas);
}

const afterFrame = () =>
  new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
const ended = (image) =>
  new Promise((done) => ["load", "error"].forEach((name) => image.addEventListener(name, done)));

// The placeholders of those that take longer than this; of others they would only keep the pictures
// waiting.
const SOON_MS = 150;

function showPlaceholders(images) {
  for (const image of images.filter((one) => one.isConnected && !one.complete)) {
    const { style, dataset } = image.closest(".card");
    style.setProperty("--placeholder", placeholder(dataset.placeholder));
  }
}

// Once those on the screen are painted.
async function painted(canvas) {
  await afterFrame();
  const coming = [...canvas.querySelectorAll("img")].filter((image) => !image.complete);
  const onScreen = coming.filter((image) => image.getBoundingClientRect().top < innerHeight);
  setTimeout(() => showPlaceholders(coming), SOON_MS);
  await Promise.all(onScreen.map(ended));
  await afterFrame();
}

// So long it waits for pictures; who does something waits for none.
const MOST_MS = 1000;
const DOING = ["pointerdown", "keydown", "touchstart", "dragenter"];
const late = () => new Promise((done) => setTimeout(done, MOST_MS));
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
  keepPlaced(canvas);
  Promise.race([painted(canvas), doing(), late()]).then(makeLive);
}
