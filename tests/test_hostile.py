"""Whatever is in a file, it is stored or rejected with a reason, and the server goes on."""

from __future__ import annotations

from collections import Counter
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
    "animation/tiff_ifd_loop.tif": "stored",
    "animation/webp_3000_frames.webp": "stored",
    "archives/zipbomb_500MB.jpg": "not_an_image",
    "basic/zero_byte.jpg": "empty_file",
    "dimensions/bmp_huge.bmp": "too_many_pixels",
    "dimensions/ihdr_2147483647.png": "damaged",
    "dimensions/jpeg_16000x16000_grey.jpg": "too_many_pixels",
    "dimensions/progressive_scan_bomb_4000x4000.jpg": "damaged",
    "dimensions/sof_65535.jpg": "too_many_pixels",
    "dimensions/solid_13000x13000_rgb.png": "stored",
    "dimensions/tall_1x65535.png": "stored",
    "dimensions/tiff_huge_header.tif": "too_many_pixels",
    "dimensions/webp_16383.webp": "too_many_pixels",
    "metadata/icc_1MB.jpg": "stored",
    "metadata/nul.jpg": "stored",
    "metadata/xmp_billion_laughs.jpg": "stored",
    "polyglot/jpg_html.jpg": "stored",
    "svg/svg_named.png": "unsupported_format",
    "svg/xxe.svg": "unsupported_format",
    "truncated/gif_5pct.gif": "damaged",
    "truncated/heic_98pct.heic": "damaged",
    "truncated/jpg_98pct.jpg": "damaged",
    "truncated/tif_98pct.tif": "damaged",
    "wrongtype/eps.eps": "unsupported_format",
    "wrongtype/no_extension": "stored",
    "wrongtype/php_webshell.php.jpg": "not_an_image",
    "wrongtype/png_named.jpg": "stored",
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
@pytest.mark.timeout(300)
def test_hostile_files_are_stored_or_rejected(
    alice: Person, client_for: Callable[..., TestClient], corpus: Path
) -> None:
    client = client_for(alice)
    outcomes: dict[str, str] = {}
    for path in files_below(corpus / "hostile"):
        outcomes[str(path.relative_to(corpus / "hostile"))] = upload(client, path)
        assert client.get("/api/health").status_code == 200, f"after {path.name}"
        assert list(get_settings().spool_dir.iterdir()) == [], f"after {path.name}"
    assert len(outcomes) > 300
    assert set(outcomes.values()) <= CODES | {"stored"}
    counted = Counter(outcomes.values())
    assert counted["stored"] > 80
    assert counted["damaged"] > 80
    assert {name: outcomes[name] for name in EXPECTED} == EXPECTED
    assert_store_holds(images.count_images(alice.user_id))


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
