import pytest
from tests.browser.complaints import Complaints
from tests.browser.conftest import drop
from tests.browser.test_translated import _TRANSLATE, translate
from tests.support.pictures import jpeg

pytestmark = [pytest.mark.browser]


@pytest.mark.parametrize("way", [None, "wraps", "replaces"])
def test_it(page, app, model, tmp_path, alice, sign_in, way):
    sign_in(page, alice)
    complaints = Complaints(page)
    page.on("requestfailed", lambda r: print("FAILED", r.url))
    page.on("response", lambda r: r.status >= 400 and print("RESP", r.status, r.url))
    page.reload()
    page.wait_for_load_state("networkidle")
    if way:
        translate(page, way)
    drop(page, [jpeg(tmp_path / f"{n}.jpg", seed=hash((way, n))) for n in range(4)])
    page.wait_for_timeout(5000)
    page.screenshot(path=f"/tmp/dbg-{way}.png")
    print(
        way,
        complaints.errors,
        page.evaluate("window.translated"),
        page.locator("[data-testid=card]").count(),
    )
