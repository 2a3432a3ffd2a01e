// Elements as Reflex writes them, without Emotion: all styles are in our sheets.

export { createElement as jsx } from "react";
