// Cookies that Reflex could keep for a state: none of ours does, and pages see no cookie.

export default class Cookies {
  get() {}
  set() {}
  remove() {}
}
