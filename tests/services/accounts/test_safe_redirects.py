"""Where people land after they sign in."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest

from imgapp.services.accounts.safe_redirects import own_path, with_next


@pytest.mark.parametrize(
    "wanted",
    ["/", "/usage", "/?picture=1&q=red%20bike", "/account#sessions", "/?q=//x", "/?q=\u00e9"],
)
def test_a_page_of_ours_is_gone_to(wanted: str) -> None:
    assert own_path(wanted) == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        *("", "usage", "?q=1", "#x"),
        *(
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "//[",
            "////",
        ),
        *("https://evil.example", "https:evil.example", "javascript:alert(1)", "data:text/html,x"),
        *("/\t/evil.example", "/\n//evil.example", "\t//evil.example", "/\r\nSet-Cookie: a=b"),
        *("/api/sign-out", "/api", "/./api/sign-out", "/%2e/api/x", "/a/../api/x", "/%61pi/x"),
        *("/..//evil.example", "/.//evil.example", "/\u2028//evil.example", "/\u202eelpmaxe"),
        "/?q=" + "x" * 5000,
    ],
)
def test_mallory_sends_nobody_elsewhere(wanted: str) -> None:
    assert own_path(wanted) == "/"
    assert with_next("/sign-in", wanted) == "/sign-in"


@pytest.mark.parametrize("wanted", ["/%2f/evil.example", "/%2F%2Fevil.example", "/%5cevil.example"])
def test_what_is_encoded_stays_a_path_of_ours(wanted: str) -> None:
    landed = urlsplit(urljoin("http://localhost:8000/sign-in", own_path(wanted)))
    assert landed.netloc == "localhost:8000"


def test_the_form_carries_on_what_was_wanted_and_says_what_was_wrong() -> None:
    assert with_next("/sign-in", "/") == "/sign-in"
    assert (
        with_next("/sign-in", "/?q=a&b#c", "invalid") == "/sign-in?next=/%3Fq%3Da%26b%23c#invalid"
    )
