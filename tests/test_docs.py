"""What the documents say of the tree is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
# A path in code marks. CONTRIBUTING.md leaves the package's own name out.
NAMED = re.compile(
    r"`((?:imgapp|assets|alembic|tests|bench|docs|findings|ui|api|services|adapters|models|cli)"
    r"/[\w./-]*)`"
)


def is_there(path: str) -> bool:
    return (ROOT / path).exists() or (ROOT / "imgapp" / path).exists()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_that_a_document_names_is_there(document: Path) -> None:
    named = NAMED.findall(document.read_text())
    assert [path for path in named if not is_there(path)] == []


def test_the_page_on_architecture_names_every_package() -> None:
    said = (ROOT / "docs" / "architecture.md").read_text()
    layers = ("services", "ui", "api", "adapters")
    packages = [
        folder.name
        for layer in layers
        for folder in (ROOT / "imgapp" / layer).iterdir()
        if (folder / "__init__.py").exists()
    ]
    assert len(packages) > 20
    assert [name for name in packages if f"{name}/" not in said] == []
