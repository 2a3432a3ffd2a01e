// Objects merged, with all that is in them; the later one wins.

const isObject = (value) => Object.prototype.toString.call(value) === "[object Object]";

export function mergician(...objects) {
  const merged = {};
  for (const object of objects)
    for (const [name, value] of Object.entries(object ?? {}))
      merged[name] = isObject(merged[name]) && isObject(value) ? mergician(merged[name], value) : value;
  return merged;
}
