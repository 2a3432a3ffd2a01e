// Translators: keeps the page whole while a browser or an extension puts its texts into <font>.
//
// React keeps the text nodes that it made. A translator moves each into an element of its own, or
// puts one in its place, and from then on React would take away what is not there, put something
// before it, or write where nobody sees it. Here the node that stands where a text stood is meant.
(() => {
  const { insertBefore, removeChild } = Node.prototype;
  const standIns = new WeakMap(); // by the node that is not in the page any more

  const isFont = (node) => node?.nodeName === "FONT";

  function note(records) {
    for (const { addedNodes, removedNodes, previousSibling, nextSibling } of records)
      for (const node of removedNodes) {
        if (node.parentNode || (node.nodeType !== Node.TEXT_NODE && !isFont(node))) continue;
        const standIn = [...addedNodes, previousSibling, nextSibling].find(isFont);
        if (!standIn) continue;
        standIns.set(node, standIn);
        standIns.delete(standIn);
      }
  }
  const observer = new MutationObserver(note);
  observer.observe(document, { childList: true, subtree: true });

  // What is in the page for a node: itself, or what stands in its place.
  function inPage(node) {
    if (!node.parentNode) note(observer.takeRecords());
    let there = node;
    while (there && !there.parentNode) there = standIns.get(there);
    return there;
  }

  // The child of `parent` that is a node, holds it, or stands in its place; none if it is elsewhere.
  function childOf(parent, node) {
    let child = inPage(node);
    while (child && child.parentNode !== parent) child = isFont(child.parentNode) ? child.parentNode : null;
    return child ?? null;
  }

  Node.prototype.removeChild = function (node) {
    const child = node.parentNode === this ? node : childOf(this, node);
    if (child) removeChild.call(this, child);
    return node;
  };

  Node.prototype.insertBefore = function (node, before) {
    const known = !before || before.parentNode === this;
    return insertBefore.call(this, node, known ? (before ?? null) : childOf(this, before));
  };

  // What is new is seen, and translated again.
  for (const [prototype, name] of [[Node.prototype, "nodeValue"], [CharacterData.prototype, "data"]]) {
    const written = Object.getOwnPropertyDescriptor(prototype, name);
    Object.defineProperty(prototype, name, {
      ...written,
      set(value) {
        if (this.nodeType === Node.TEXT_NODE && !this.parentNode) inPage(this)?.replaceWith(this);
        written.set.call(this, value);
      },
    });
  }
})();
