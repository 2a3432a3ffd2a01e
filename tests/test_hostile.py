"""Whatever is in a file, it is stored or rejected with a reason, and the server goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from imgapp.adapters.storage import RENDITIONS
from imgapp.services.library import images
from imgapp.settings import get_settings
from tests.conftest import Person

FILES = 1 + len(RENDITIONS)
"""In the store, of each picture."""

CODES = {
    "empty_file",
    "not_an_image",
    "unsupported_format",
    "damaged",
    "too_many_pixels",
    "too_complex",
}

# What must not be taken for a picture, and what must be, whatever its name says.
EXPECTED = {
    "basic/zero_byte.jpg": "empty_file",
    "dimensions/one_pixel.gif": "stored",
    "dimensions/tall_1x65535.png": "stored",
    "metadata/nul.jpg": "stored",
    "thirdparty/struct-image-04-t.svg": "unsupported_format",
    "truncated/gif_5pct.gif": "damaged",
    "truncated/heic_98pct.heic": "damaged",
    "truncated/jpg_98pct.jpg": "damaged",
    "truncated/tif_98pct.tif": "damaged",
    "wrongtype/no_extension": "stored",
    "wrongtype/png_named.jpg": "stored",
    "wrongtype/text.jpg": "not_an_image",
}


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def upload(client: TestClient, path: Path) -> str:
    """`stored`, or the code of the rejection."""
    answer = client.post("/api/upload", files={"files": (path.name, path.read_bytes())})
    assert answer.status_code in (202, 422), f"{path.name}: {answer.text}"
    if answer.status_code == 202:
        (image,) = answer.json()["images"]
        for variant in ("thumbnail", "preview"):
            rendition = client.get(image["urls"][variant])
            assert rendition.status_code == 200, path.name
            assert rendition.content[8:12] == b"WEBP", path.name
        return "stored"
    (rejected,) = answer.json()["rejected"]
    assert rejected["detail"].endswith("."), path.name
    assert "Error" not in rejected["detail"], path.name
    return str(rejected["code"])


@pytest.mark.corpus
@pytest.mark.long
def test_hostile_files_are_stored_or_rejected(
    alice: Person, client_for: Callable[..., TestClient], corpus: Path
) -> None:
    client = client_for(alice)
    outcomes: dict[str, str] = {}
    for path in files_below(corpus / "hostile"):
        if path.suffix == ".json":
            continue  # names, which tests/api/routes/test_uploads.py reads
        outcomes[str(path.relative_to(corpus / "hostile"))] = upload(client, path)
        assert client.get("/api/health").status_code == 200, f"after {path.name}"
        assert list(get_settings().spool_dir.iterdir()) == [], f"after {path.name}"
    assert len(outcomes) >= len(EXPECTED)
    assert set(outcomes.values()) <= CODES | {"stored"}
    assert {name: outcomes[name] for name in EXPECTED} == EXPECTED
    assert_store_holds(images.count_images(alice.user_id))


@pytest.mark.long
@pytest.mark.corpus
def test_real_photos_are_stored(
    alice: Person, client_for: Callable[..., TestClient], corpus: Path
) -> None:
    client = client_for(alice)
    photos = files_below(corpus / "photos")
    assert {path.name: upload(client, path) for path in photos} == {
        path.name: "stored" for path in photos
    }
    assert client.get("/api/health").status_code == 200
    assert_store_holds(len(photos))


def assert_store_holds(pictures: int) -> None:
    """The files of each picture, and nothing else in any folder of ours."""
    settings = get_settings()
    stored = files_below(settings.pictures_dir)
    assert len(stored) == FILES * pictures
    assert sum(path.name == "_preview.webp" for path in stored) == pictures
    assert list(settings.spool_dir.iterdir()) == []
    elsewhere = set(files_below(settings.data_dir)) - set(stored)
    assert {path.parent.name for path in elsewhere} <= {"run"}
