// Picked files: reads them from a drop (folders included), the clipboard, a file dialog.

// One list with `imgapp import`.
import leftBehind from "./left-behind.json" with { type: "json" };

const CLUTTER = new Set([...leftBehind.folders, ...leftBehind.files]);
const NEVER_A_PICTURE = /^(video|audio|text|font)\/|\/(json|pdf|zip|xml)$/;

const isClutter = (name) => name.startsWith(".") || CLUTTER.has(name.toLowerCase());
const isSidecar = (name) => leftBehind.sidecars.some((ending) => name.toLowerCase().endsWith(ending));

// Files from a folder: without what systems leave there and what is plainly something else.
export function picturesOf(files) {
  return [...files].filter((file) => {
    const parts = (file.webkitRelativePath || file.name).split("/");
    return !parts.some(isClutter) && !isSidecar(file.name) && !NEVER_A_PICTURE.test(file.type);
  });
}

const readEntries = (reader) => new Promise((done, fail) => reader.readEntries(done, fail));
const readFile = (entry) => new Promise((done, fail) => entry.file(done, fail));

async function filesBelow(entry) {
  if (isClutter(entry.name)) return [];
  if (entry.isFile) return [await readFile(entry)];
  const reader = entry.createReader();
  const found = [];
  // A reader hands out at most a hundred entries at a time.
  for (let batch = await readEntries(reader); batch.length; batch = await readEntries(reader)) {
    for (const child of batch) found.push(...(await filesBelow(child)));
  }
  return found;
}

// Must be called inside the drop event: the entries are gone afterwards.
export async function droppedFiles(transfer) {
  const entries = [...transfer.items]
    .filter((item) => item.kind === "file")
    .map((item) => item.webkitGetAsEntry?.());
  if (!entries.length || entries.some((entry) => !entry)) return [...transfer.files];
  const plain = [...transfer.files];
  const found = [];
  for (const [index, entry] of entries.entries()) {
    if (entry.isFile) found.push(plain[index] ?? (await readFile(entry)));
    else found.push(...picturesOf(await filesBelow(entry)));
  }
  return found;
}

// Systems that put a file's name or path beside it, as text.
const saysNames = (text, files) =>
  text.trim().split(/\s*[\r\n]+\s*/).every((line) =>
    files.some(({ name }) => line.endsWith(name) || line.endsWith(encodeURI(name))),
  );

// None where there is text: word processors and tables put a picture of it beside it.
export function pastedFiles(clipboard) {
  const at = new Date().toLocaleString("sv").replaceAll(":", ".");
  const files = [...(clipboard?.files ?? [])];
  const text = clipboard?.getData("text/plain") ?? "";
  if (text.trim() && !saysNames(text, files)) return [];
  return files.map((file) =>
    file.name === "image.png"
      ? new File([file], `Pasted ${at}.png`, { type: file.type })
      : file,
  );
}

export const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
