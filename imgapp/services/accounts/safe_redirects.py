"""Redirects after sign-in: lead to pages of ours only (open redirect guard)."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

HOME = "/"
_LONGEST = 2_000


def own_path(wanted: str) -> str:
    """`wanted` if it is the path (and query) of a page of ours, else `/`.

    Nobody is sent elsewhere: what browsers read as another site (`//x`, `/\\x`, control characters
    that they leave out) or as a path of the API (dots are taken away before it is asked for) is not
    a page.
    """
    if not wanted.startswith("/") or len(wanted) > _LONGEST:
        return HOME
    if not wanted.isprintable() or "\\" in wanted:
        return HOME
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return HOME
    if parts.scheme or parts.netloc or wanted.startswith("//"):
        return HOME
    segments = unquote(parts.path).split("/")
    if segments[1] == "api" or {".", ".."}.intersection(segments):
        return HOME
    return wanted


def with_next(form: str, wanted: str, fragment: str = "") -> str:
    """The address of a form that leads on to `wanted`; `fragment` names a message on it."""
    path = own_path(wanted)
    query = "" if path == HOME else f"?next={quote(path, safe='/')}"
    return f"{form}{query}{f'#{fragment}' if fragment else ''}"
