"""What is read of a folder, and what is left alone."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest

from imgapp.errors import InvalidRequest
from imgapp.services.uploads import folder_scan
from imgapp.services.uploads.folder_scan import Candidate, SkippedFile, find_files, shown


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "pictures"
    made.mkdir()
    return made


def look(folder: Path) -> dict[str, str]:
    """What each path holds, or why it is passed over."""
    seen = {}
    for found in find_files(folder):
        if isinstance(found, SkippedFile):
            seen[found.path] = f"({found.code})"
        else:
            with found.file as file:
                seen[found.path] = file.read().decode()
    return seen


def test_files_are_found_in_all_folders_in_the_order_of_names(folder: Path) -> None:
    for name in ("b.jpg", "a.jpg", "2024/c.jpg", "2023/deep/d.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)

    names = ["a.jpg", "b.jpg", "2023/deep/d.jpg", "2024/c.jpg"]
    assert list(look(folder).items()) == [(name, name) for name in names]
    assert folder_scan.count_files(folder) == 4


def test_hidden_files_and_what_systems_leave_are_passed_over(folder: Path) -> None:
    for name in (".hidden.jpg", "Thumbs.db", ".trash/a.jpg", "@eaDir/a.jpg", "a.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")

    assert look(folder) == {
        ".hidden.jpg": "(hidden)",
        ".trash": "(hidden)",
        "@eaDir": "(clutter)",
        "Thumbs.db": "(clutter)",
        "a.jpg": "x",
    }


@pytest.mark.parametrize(
    "name",
    ["#recycle", "#snapshot", "@Recycle", "@tmp", "@eaDir", ".stfolder", ".thumbnails",
     "lost+found", "__MACOSX", "$RECYCLE.BIN", "System Volume Information"],
)  # fmt: skip
def test_folders_of_systems_are_not_entered(folder: Path, name: str) -> None:
    (folder / name).mkdir()
    (folder / name / "a.jpg").write_text("x")
    (found,) = find_files(folder)
    assert isinstance(found, SkippedFile)
    assert (found.path, found.is_folder, found.failed) == (name, True, False)


def test_sidecars_of_pictures_are_passed_over_and_films_are_not(folder: Path) -> None:
    beside = ["a.xmp", "a.jpg.xmp", "a.AAE", "a.jpg.json", "picasa.ini", "a.mov", "a.MP4"]
    for name in [*beside, "a.jpg", "film.mov", "a.txt"]:
        (folder / name).write_text("x")
    passed_over = dict.fromkeys(beside, "(sidecar)")
    assert look(folder) == passed_over | {"a.jpg": "x", "film.mov": "x", "a.txt": "x"}


def test_links_are_not_followed_wherever_they_lead(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "diary.txt").write_text("secret")
    (folder / "a.jpg").write_text("a")
    (folder / "inside.jpg").symlink_to("a.jpg")
    (folder / "outside.jpg").symlink_to(tmp_path / "secret" / "diary.txt")
    (folder / "others").symlink_to(tmp_path / "secret")
    (folder / "round").symlink_to(folder)
    (folder / "nowhere").symlink_to("gone")

    assert look(folder) == {
        "a.jpg": "a",
        "inside.jpg": "(link)",
        "nowhere": "(link)",
        "others": "(link)",
        "outside.jpg": "(link)",
        "round": "(link)",
    }


def test_a_file_that_becomes_a_link_while_it_is_looked_at_is_not_followed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "diary.txt").write_text("secret")
    (folder / "a.jpg").write_text("a")
    look_first = os.stat

    def look_then_swap(path, **options):
        status = look_first(path, **options)
        if path == "a.jpg":
            (folder / "a.jpg").unlink()
            (folder / "a.jpg").symlink_to(tmp_path / "diary.txt")
        return status

    monkeypatch.setattr(os, "stat", look_then_swap)
    assert look(folder) == {"a.jpg": "(unreadable)"}


def test_pipes_are_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe.jpg")
    assert look(folder) == {"pipe.jpg": "(special)"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(folder: Path) -> None:
    (folder / "closed").mkdir()
    (folder / "a.jpg").write_text("a")
    (folder / "a.jpg").chmod(0)
    (folder / "closed").chmod(0)
    try:
        assert look(folder) == {"a.jpg": "(unreadable)", "closed": "(unreadable)"}
    finally:
        (folder / "closed").chmod(0o700)


def test_a_file_that_cannot_be_opened_does_not_keep_the_others_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_text(name)
    open_it = os.open

    def refuse(path, *args, **options):
        if path == "a.jpg":
            raise PermissionError(13, "Permission denied")
        return open_it(path, *args, **options)

    monkeypatch.setattr(os, "open", refuse)
    first, second = find_files(folder)
    assert isinstance(first, SkippedFile)
    assert first.failed
    assert first.detail == "The file cannot be read: Permission denied."
    assert isinstance(second, Candidate)
    second.file.close()


def test_one_file_is_open_at_a_time_for_each_that_is_taken(folder: Path) -> None:
    for number in range(50):
        (folder / f"{number}.jpg").write_text("x")
    before = len(os.listdir("/proc/self/fd"))
    with closing(find_files(folder)) as found:
        next(found).file.close()
        assert len(os.listdir("/proc/self/fd")) <= before + 2
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("name", ["gone", "file.txt"])
def test_only_a_folder_is_a_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(InvalidRequest, match=name):
        folder_scan.check_folder(tmp_path / name)


def test_the_folder_itself_may_be_reached_through_a_link(folder: Path, tmp_path: Path) -> None:
    (folder / "a.jpg").write_text("a")
    (tmp_path / "link").symlink_to(folder)
    assert look(folder_scan.check_folder(tmp_path / "link")) == {"a.jpg": "a"}


def test_any_name_can_be_printed() -> None:
    odd = os.fsdecode(b"a\x9d\x1b[31m\n\xe9.jpg")
    assert shown(odd) == r"a\x9d\x1b[31m\né.jpg"
