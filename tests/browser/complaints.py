"""What the browser objects to while a page is used."""

from __future__ import annotations

from playwright.sync_api import ConsoleMessage, Page

_LISTEN = """
window.violations = [];
addEventListener('securitypolicyviolation', (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""


class Complaints:
    """What the browser objects to: violations of a policy, and errors in its console."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.add_init_script(_LISTEN)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def all(self) -> list[str]:
        return self.errors + self.page.evaluate("window.violations")
