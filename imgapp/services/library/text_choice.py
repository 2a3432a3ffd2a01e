"""Text choice: picks what is said of a picture in a language, or in the next best (fallback)."""

from __future__ import annotations

from functools import partial

from imgapp.adapters.languages import primary
from imgapp.models import ChosenText, ImagePublic, TextPublic, TextState


def choose_text(
    image: ImagePublic, language: str | None, *, approved: bool = False
) -> ChosenText | None:
    """In that language, else in its kin ("pt" for "pt-BR"), else the picture's own, which is the
    first one. With `approved` the wordings that were approved last. None if there is none."""
    texts = [text for text in image.texts.values() if text.approved or not approved]
    if not texts:
        return None
    return _chosen(min(texts, key=partial(_distance, image, language)), approved=approved)


def _distance(image: ImagePublic, language: str | None, text: TextPublic) -> int:
    if text.language == language:
        return 0
    if language is not None and primary(text.language) == primary(language):
        return 1
    return 2 if text.language == image.language else 3


def _chosen(text: TextPublic, *, approved: bool) -> ChosenText:
    words = text.approved if approved and text.approved else text
    return ChosenText(
        language=text.language,
        state=TextState.APPROVED if approved else text.state,
        alt_text=words.alt_text,
        description=words.description,
        tags=words.tags,
        decorative=words.decorative,
    )
