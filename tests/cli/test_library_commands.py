"""`imgapp import` and `imgapp export` as real commands, on the servers of the test run."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest

from imgapp.adapters.embedded import claim_data_dir, ensure_servers
from imgapp.services.batches import batches
from imgapp.settings import get_settings
from tests.conftest import Person, Servers
from tests.support.forked import run_command
from tests.support.rows import add_analysis, add_image
from tests.support.running import REPO, clean_environment
from tests.support.waiting import count_of, eventually

Run = Callable[..., subprocess.CompletedProcess[str]]
PASSWORD = "correct horse battery"


@pytest.fixture
def environment(database: None, servers: Servers) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if name.startswith("IMGAPP_")}
    return clean_environment() | ours | {
        "DATABASE_URL": servers.app_url,
        "REDIS_URL": servers.redis_url,
    }  # fmt: skip


@pytest.fixture
def imgapp(environment: dict[str, str], fork_server: None) -> Run:
    return partial(run_command, env=environment)


@pytest.fixture
def folder(picture_file: Callable[..., Path]) -> Path:
    for name in ("a.jpg", "more/b.png"):
        made = picture_file(name)
    return made.parents[1]


def test_an_import_says_what_it_took_and_what_it_refused(
    imgapp: Run, alice: Person, folder: Path
) -> None:
    (folder / "notes [1].txt").write_text("x")
    (folder / ".hidden.jpg").write_text("x")

    done = imgapp("import", folder, "--user", alice.email)

    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert "skipped  .hidden.jpg: The file is hidden. (hidden)" in lines
    [refused] = [line for line in lines if line.startswith("refused")]
    assert refused.startswith("refused  notes [1].txt: ")
    assert refused.endswith("(not_an_image)")
    assert lines[-1] == "2 added, 0 already there, 1 skipped, 1 refused."
    assert count_of(alice.user_id) == 2


@pytest.mark.long
def test_an_import_again_finds_everything_there(imgapp: Run, alice: Person, folder: Path) -> None:
    first = imgapp("import", folder, "--user", alice.email.upper())
    again = imgapp("import", folder, "--user", alice.email)

    assert (first.returncode, first.stdout.splitlines()[1:]) == (
        0, ["2 added, 0 already there, 0 skipped, 0 refused."],
    )  # fmt: skip
    assert (again.returncode, again.stdout.splitlines()[1:]) == (
        0, ["0 added, 2 already there, 0 skipped, 0 refused."],
    )  # fmt: skip


@pytest.mark.long
def test_an_import_says_which_batch_follows_it(imgapp: Run, alice: Person, folder: Path) -> None:
    first = imgapp("import", folder, "--user", alice.email, "--name", "Spring")
    again = imgapp("import", folder, "--user", alice.email, "--name", "Spring")

    [batch] = batches.list_batches(alice.user_id).items
    assert first.stdout.splitlines()[0] == again.stdout.splitlines()[0] == f"Batch {batch.id}"
    assert (batch.name, batch.files.added) == ("Spring", 2)


def test_an_import_says_beforehand_what_it_costs(imgapp: Run, alice: Person, folder: Path) -> None:
    done = imgapp("import", folder, "--user", alice.email, "--estimate")
    files = sum(1 for path in folder.rglob("*") if path.is_file())
    assert done.returncode == 0
    assert done.stdout == f"{files} files, described by basic-1.\nThat costs nothing.\n"
    assert count_of(alice.user_id) == 0


@pytest.mark.long
def test_an_import_says_what_its_pictures_are_for(imgapp: Run, alice: Person, folder: Path) -> None:
    too_long = imgapp("import", folder, "--user", alice.email, "--context", "x" * 2_001)
    assert too_long.returncode == 1
    assert "no more than 2,000 characters" in too_long.stderr
    assert batches.list_batches(alice.user_id).items == []
    imgapp("import", folder, "--user", alice.email, "--context", "A shoe shop")
    (batch,) = batches.list_batches(alice.user_id).items
    assert batch.context == "A shoe shop"


def test_what_cannot_be_imported_from_or_into_is_named(
    imgapp: Run, alice: Person, folder: Path
) -> None:
    nobody = imgapp("import", folder, "--user", "nobody@example.org")
    nowhere = imgapp("import", folder / "gone", "--user", alice.email)

    assert (nobody.returncode, nowhere.returncode) == (1, 1)
    assert "nobody@example.org" in nobody.stderr
    assert "gone" in nowhere.stderr
    assert "Traceback" not in nobody.stderr + nowhere.stderr


@pytest.mark.long
def test_on_a_terminal_there_is_a_bar(
    environment: dict[str, str], alice: Person, folder: Path
) -> None:
    (folder / "notes [red].txt").write_text("x")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "imgapp", "import", str(folder), "--user", alice.email],
        env=environment | {"TERM": "xterm", "COLUMNS": "150"},
        cwd=REPO,
        stdout=theirs,
        stderr=subprocess.STDOUT,
    )
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 65536):
            shown += data
    except OSError:  # how a terminal says that it is over
        pass
    os.close(ours)

    assert process.wait(30) == 1
    text = shown.decode()
    assert "━" in text
    assert "3/3" in text
    assert "refused  notes [red].txt: " in text


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_import_that_is_stopped_goes_on_later(
    imgapp: Run,
    environment: dict[str, str],
    alice: Person,
    picture_file: Callable[..., Path],
    number: int,
) -> None:
    for count in range(40):
        made = picture_file(f"{count:02}.jpg", size=(1500, 1000))
    process = subprocess.Popen(
        [sys.executable, "-m", "imgapp", "import", str(made.parent), "--user", alice.email],
        env=environment,
        cwd=REPO,
        stdout=subprocess.PIPE,
        text=True,
    )
    eventually(lambda: count_of(alice.user_id) > 0, 60)
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "The same command goes on from here." in said
    there = count_of(alice.user_id)
    assert there < 40
    assert list(get_settings().spool_dir.glob("*")) == []
    again = imgapp("import", made.parent, "--user", alice.email)
    summary = again.stdout.splitlines()[-1]
    assert summary == f"{40 - there} added, {there} already there, 0 skipped, 0 refused."
    [batch] = batches.list_batches(alice.user_id).items
    assert batch.files.added == 40


def read_csv(text: str) -> list[dict[str, str]]:
    assert text[0] == "\ufeff", "or a spreadsheet does not take it for UTF-8"
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def test_an_export_to_standard_output_is_nothing_but_the_export(
    imgapp: Run, alice: Person, mallory: Person
) -> None:
    add_analysis(
        add_image(alice.user_id, alt_text='Zwei Füße, "nah"', description="a\nb", tags=["x", "y"]),
        model_version="gpt-test",
    )
    add_image(mallory.user_id, alt_text="mallory's")

    as_csv = imgapp("export", "--user", alice.email, "--format", "csv", "--out", "-")
    as_json = imgapp("export", "--user", alice.email, "--format", "json", "--out", "-")

    [row] = read_csv(as_csv.stdout)
    [image] = json.loads(as_json.stdout)
    assert row["alt_text"] == image["alt_text"] == 'Zwei Füße, "nah"'
    assert row["description"] == "a\nb"
    assert (row["tags"], image["tags"]) == ("x; y", ["x", "y"])
    assert (row["width"], image["width"]) == ("4000", 4000)
    assert (row["decorative"], image["decorative"]) == ("", None)
    assert (row["model_version"], row["status"]) == ("gpt-test", "completed")
    assert list(row) == list(image)


def test_no_text_is_taken_for_a_formula(imgapp: Run, alice: Person) -> None:
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "'=1", "＝1"]
    for text in texts:
        add_image(alice.user_id, alt_text=text, filename="-2.jpg", tags=["=1", "b"])

    rows = read_csv(imgapp("export", "--user", alice.email, "--format", "csv").stdout)
    images = json.loads(imgapp("export", "--user", alice.email, "--format", "json").stdout)

    assert {row["alt_text"] for row in rows} == {f"'{text}" for text in texts}
    assert {(row["filename"], row["tags"]) for row in rows} == {("'-2.jpg", "'=1; b")}
    assert {image["alt_text"] for image in images} == set(texts)
    assert {image["filename"] for image in images} == {"-2.jpg"}


def test_an_export_takes_the_place_of_the_one_before_as_a_whole(
    imgapp: Run, alice: Person, tmp_path: Path
) -> None:
    add_image(alice.user_id)
    out = tmp_path / "out" / "pictures.csv"
    out.parent.mkdir()
    out.write_text("before")

    done = imgapp("export", "--user", alice.email, "--format", "csv", "--out", out)

    assert done.stdout == f"Exported 1 picture to {out}.\n"
    assert len(read_csv(out.read_text())) == 1
    assert list(out.parent.iterdir()) == [out]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_an_export_that_fails_leaves_what_was_there(
    imgapp: Run, alice: Person, tmp_path: Path
) -> None:
    out = tmp_path / "pictures.json"
    out.write_text("before")
    nobody = imgapp("export", "--user", "nobody@example.org", "--format", "json", "--out", out)
    nowhere = imgapp("export", "--user", alice.email, "--out", tmp_path / "gone" / "a.csv")

    assert (nobody.returncode, nowhere.returncode) == (1, 1)
    assert out.read_text() == "before"
    assert "gone" in nowhere.stderr
    assert "Traceback" not in nobody.stderr + nowhere.stderr
    assert [path.name for path in tmp_path.glob("*json*")] == ["pictures.json"]


@pytest.mark.long
def test_an_export_to_a_device_leaves_the_device_there(imgapp: Run, alice: Person) -> None:
    assert imgapp("export", "--user", alice.email, "--out", "/dev/null").returncode == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.long
def test_a_reader_that_has_enough_is_no_error(environment: dict[str, str], alice: Person) -> None:
    for _ in range(200):
        add_image(alice.user_id, description="many words " * 100)
    command = f"{sys.executable} -m imgapp export --user {alice.email} --format json | head -c 10"

    done = subprocess.run(
        ["bash", "-c", command], env=environment, cwd=REPO, capture_output=True, text=True
    )

    assert (done.stdout, done.stderr) == ('[\n{"id": "', "")


@pytest.fixture
def nothing_runs() -> Iterator[dict[str, str]]:
    folder = Path(tempfile.mkdtemp(prefix="imgapp-library-"))
    yield clean_environment() | {"IMGAPP_DATA_DIR": str(claim_data_dir(folder))}
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.long
@pytest.mark.parametrize("beside", [False, True], ids=["nothing runs", "beside a running imgapp"])
def test_both_work_whether_the_servers_run_or_not(
    nothing_runs: dict[str, str], folder: Path, set_env: Callable[..., None], beside: bool
) -> None:
    def run(*args: object, stdin: str = "") -> str:
        command = [sys.executable, "-m", "imgapp", *map(str, args)]
        return subprocess.run(
            command, env=nothing_runs, cwd=REPO, input=stdin, stdout=subprocess.PIPE, text=True,
            timeout=60, check=True,
        ).stdout  # fmt: skip

    data = Path(nothing_runs["IMGAPP_DATA_DIR"])
    set_env(IMGAPP_DATA_DIR=str(data), IMGAPP_SECRET_KEY=None)
    with ensure_servers(get_settings()) if beside else nullcontext():
        run("user", "add", "a@example.org", "--password-stdin", stdin=PASSWORD)
        said = run("import", folder, "--user", "a@example.org")
        exported = json.loads(run("export", "--user", "a@example.org", "--format", "json"))

    assert said.splitlines()[1:] == ["2 added, 0 already there, 0 skipped, 0 refused."]
    assert {image["filename"] for image in exported} == {"a.jpg", "b.png"}
    assert not (data / "postgres" / "data" / "postmaster.pid").exists()
