from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from imgapp.models import (
    AnalysisStatus,
    AnalysisSummary,
    ImagePublic,
    ImageUrls,
    WrittenBy,
    new_id,
)
from imgapp.ui.viewer.details import details_of
from imgapp.ui.viewer.fact_words import (
    camera,
    dimensions,
    duration,
    exposure,
    facts_of,
    file_size,
    writer,
)

AT = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
ANALYSIS = AnalysisSummary(
    id=new_id(), model_version="gpt-test", processing_time=3.24, created_at=AT, completed_at=AT
)


def picture(**values: Any) -> ImagePublic:
    given: dict[str, Any] = {
        "id": new_id(),
        "filename": "harbour.jpg",
        "mime_type": "image/jpeg",
        "file_size": 2_400_000,
        "sha256": "0" * 64,
        "width": 4000,
        "height": 3000,
        "uploaded_at": AT,
        "status": AnalysisStatus.COMPLETED,
        "urls": ImageUrls(thumbnail="/t", preview="/p", original="/o"),
    }
    return ImagePublic(**(given | values))


@pytest.mark.parametrize(
    ("size", "text"),
    [(1, "1 byte"), (999, "999 bytes"), (1_500, "2 kB"), (2_400_000, "2.4 MB")],
)
def test_sizes_are_in_the_units_people_know(size: int, text: str) -> None:
    assert file_size(size) == text


def test_short_times_are_in_milliseconds() -> None:
    assert [duration(s) for s in (0.0001, 0.0123, 3.24)] == ["1 ms", "12 ms", "3.2 s"]


def test_megapixels_are_said_where_they_say_something() -> None:
    assert dimensions(4000, 3000).endswith("(12.0 MP)")
    assert "MP" not in dimensions(640, 480)


@pytest.mark.parametrize(
    ("make", "model", "text"),
    [
        ("Canon", "Canon EOS 5D", "Canon EOS 5D"),
        ("NIKON CORPORATION", "NIKON D90", "NIKON D90"),
        ("SONY", "DSC-P12", "SONY DSC-P12"),
        ("Apple", None, "Apple"),
        (None, "iPhone 5", "iPhone 5"),
        (None, None, ""),
    ],
)
def test_a_camera_is_named_without_its_maker_twice(
    make: str | None, model: str | None, text: str
) -> None:
    assert camera(make, model) == text


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"exposure_time": 0.004, "f_number": 5.6, "iso": 200}, "1/250 s · f/5.6 · ISO 200"),
        ({"exposure_time": 2.0, "focal_length": 35.0}, "2 s · 35 mm"),
        ({"exposure_time": 0.0333333}, "1/30 s"),
        ({"focal_length": 4.2, "focal_length_35mm": 28}, "4.2 mm (like 28 mm)"),
        ({"focal_length": 50.0, "focal_length_35mm": 50}, "50 mm"),
        ({}, ""),
    ],
)
def test_exposure_reads_as_photographers_write_it(facts: dict[str, Any], text: str) -> None:
    assert exposure(facts) == text


def test_facts_that_are_not_known_are_left_out() -> None:
    labels = {fact.label for fact in facts_of(picture())}
    assert labels == {"Type", "Dimensions", "Size", "Uploaded"}


def test_facts_say_what_the_file_and_the_describer_said() -> None:
    image = picture(
        facts={
            "format": "GIF",
            "animated": True,
            "pages": 12,
            "color_space": "sRGB",
            "has_alpha": True,
            "taken_at": "2024-07-03T18:22:01+02:00",
        },
        analysis=ANALYSIS,
        language="en",
    )
    values = {fact.label: fact.value or fact.time for fact in facts_of(image)}
    assert values["Type"] == "GIF, animated"
    assert values["Colour space"] == "sRGB, transparent"
    assert values["Taken"] == "3 July 2024, 18:22"
    assert values["Uploaded"] == AT.isoformat()
    assert values["Described by"] == "gpt-test"
    assert values["Described in"] == "3.2 s"


def test_colours_are_shown_with_their_names_and_where_it_was_taken_never_is() -> None:
    facts = {"colours": [{"name": "blue", "code": "#2341cd"}], "gps": "1, 2", "latitude": 1.5}
    details = details_of(picture(facts=facts))
    assert [(one.name, one.code) for one in details.colours] == [("blue", "#2341cd")]
    assert not any("1.5" in fact.value or "1, 2" in fact.value for fact in details.facts)


def test_each_text_says_who_wrote_it() -> None:
    by = {"alt_text": WrittenBy.PERSON, "description": WrittenBy.MODEL}
    image = picture(alt_text="Boats", description="At dusk.", written_by=by, analysis=ANALYSIS)
    assert writer(image, "alt_text") == "written by a person"
    assert writer(image, "description") == "by gpt-test"
    assert writer(image, "tags") == ""


def test_the_viewer_gets_every_text_whole() -> None:
    description = "word " * 100
    image = picture(description=description, tags=[str(n) for n in range(20)], visible_text="Exit")
    details = details_of(image)
    assert details.description == description
    assert len(details.tags) == 20
    assert (details.visible_text, details.preview, details.original) == ("Exit", "/p", "/o")


def test_what_was_measured_and_read_is_shown_apart_from_the_texts() -> None:
    looks = {"kind": "photo", "light": "dark", "contrast": "low", "sharpness": "blurred"}
    shown = picture(facts={"looks": looks, "read": ["EXIT", "Level 12"]}, visible_text="Exit")
    facts = {fact.label: fact.value for fact in facts_of(shown)}
    assert facts["Looks like"] == "photo"
    assert facts["Light"] == "dark, low contrast"
    assert facts["Sharpness"] == "blurred"
    assert details_of(shown).also_read == "Level 12"
    assert details_of(picture()).also_read == ""
