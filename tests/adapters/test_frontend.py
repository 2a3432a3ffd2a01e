"""The build of the page: when it is made, and what is changed in what Reflex brings."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from reflex_base.environment import environment

from imgapp.adapters import frontend
from imgapp.errors import ConfigurationError


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small checkout whose exporter only writes a page."""
    (tmp_path / "imgapp" / "ui" / "gallery").mkdir(parents=True)
    (tmp_path / "imgapp" / "ui" / "gallery" / "page.py").write_text("# a page\n")
    (tmp_path / "assets").mkdir()
    (tmp_path / "rxconfig.py").write_text("")
    (tmp_path / "requirements.txt").write_text("reflex\n")
    for name, place in {
        "ROOT": tmp_path,
        "_WEB": tmp_path / ".web",
        "_STAMP": tmp_path / ".web" / "imgapp-build",
        "INDEX": tmp_path / ".web" / "build" / "client" / "index.html",
    }.items():
        monkeypatch.setattr(frontend, name, place)
    return tmp_path


@pytest.fixture
def exports(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each time that the exporter ran."""
    ran: list[int] = []

    def export(say: object) -> None:
        ran.append(1)
        page = checkout / ".web" / "build" / "client" / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("<html>")

    monkeypatch.setattr(frontend, "_export", export)
    return ran


def test_a_page_is_built_once(exports: list[int]) -> None:
    said: list[str] = []

    frontend.ensure_built(said.append)
    frontend.ensure_built(said.append)

    assert exports == [1]
    assert said[-1] == "The page is built."
    assert frontend.is_built()


@pytest.mark.parametrize(
    "name", ["imgapp/ui/gallery/page.py", "assets/new.css", "rxconfig.py", "requirements.txt"]
)
def test_a_change_of_an_input_builds_it_again(
    checkout: Path, exports: list[int], name: str
) -> None:
    frontend.ensure_built(lambda _: None)
    (checkout / name).write_text("something else")

    assert not frontend.is_built()
    frontend.ensure_built(lambda _: None)

    assert exports == [1, 1]


def test_assets_of_an_earlier_build_are_not_kept(checkout: Path, exports: list[int]) -> None:
    left_over = checkout / ".web" / "public" / "uploader.jsx"
    left_over.parent.mkdir(parents=True)
    left_over.write_text("// newer than the asset that a clock or a restored backup brought\n")

    frontend.ensure_built(lambda _: None)

    assert exports == [1]
    assert not left_over.exists()


def test_byte_code_is_no_input(checkout: Path, exports: list[int]) -> None:
    frontend.ensure_built(lambda _: None)
    cache = checkout / "imgapp" / "__pycache__"
    cache.mkdir()
    (cache / "gallery.pyc").write_bytes(b"\0")

    assert frontend.is_built()


def test_a_build_that_fails_says_why_and_is_tried_again(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frontend, "_EXPORT", ["-c", "print('no such page'); raise SystemExit(3)"])

    with pytest.raises(ConfigurationError, match="no such page"):
        frontend.ensure_built(lambda _: None)

    assert not frontend.is_built()


def test_the_installed_reflex_client_is_made_to_follow_the_address_of_the_page() -> None:
    spec = find_spec("reflex_base")
    assert spec is not None
    assert spec.origin is not None
    state_js = Path(spec.origin).parent / ".templates" / "web" / "utils" / "state.js"

    changed = frontend.follow_page_address(state_js.read_text())

    assert "endpoint.port = window.location.port;" in changed
    assert 'endpoint.port = ""' not in changed
    assert frontend.follow_page_address(changed) == changed


def test_a_client_that_cannot_be_changed_stops_the_build() -> None:
    with pytest.raises(ConfigurationError, match=r"state\.js"):
        frontend.follow_page_address("export const getBackendURL = (url) => new URL(url);")


def test_reflex_still_knows_the_names_that_keep_web_processes_from_compiling() -> None:
    given = frontend.serving_environment({"HOME": "/home/alice"})

    assert given["HOME"] == "/home/alice"
    assert given[environment.REFLEX_SKIP_COMPILE.name] == "true"
    assert given[environment.REFLEX_MOUNT_FRONTEND_COMPILED_APP.name] == "true"
    assert given[environment.REFLEX_ENV_MODE.name] == "prod"


def test_the_two_internal_names_are_in_one_place_only() -> None:
    root = Path(frontend.__file__).parents[1]
    users = [path.name for path in root.rglob("*.py") if "__REFLEX_" in path.read_text()]

    assert users == ["frontend.py"]
