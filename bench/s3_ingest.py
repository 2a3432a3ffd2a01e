"""Pictures into a bucket through HTTP upload, against boto3 alone putting the very same bytes.

Two kinds. Of large files (12 megapixels uncompressed, 36 MB) nearly all work is moving bytes, as in
what boto3 does. Of camera JPEGs nearly all work is making renditions, which boto3 does not do: they
are measured against boto3 and libvips, one after the other. Files, server and concurrency are the
same for both sides. The server is moto's; it has a processor to itself, and all else the others, as
if it were another machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx

from bench.ingest import upload_all
from bench.peer import seconds_for_renditions
from bench.pictures import make_camera_jpegs
from bench.report import Result
from tests.support.running import App, free_port, running_app

LIMIT = 0.6
ROUNDS, AT_ONCE = 3, 8
LARGE, SMALL = 16, 24
BUCKET = "pictures"


def run() -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="imgapp-bench-") as name, _bucket() as variables:
        folder = Path(name)
        jpegs = make_camera_jpegs(folder / "jpegs", 4)
        tiffs = [_uncompressed(path, folder / f"{path.stem}.tif") for path in jpegs]
        client = _client(variables)
        # One worker thread on `basic`: the analysis shares the cores, as it would in life.
        settings = {"IMGAPP_VISION": "basic", "IMGAPP_WORKER_THREADS": "1"}
        with running_app(**variables, **settings) as app:
            upload_all(app, _distinct(jpegs, folder / "warm-up", 4), at_once=AT_ONCE)
            large = [_round(app, client, tiffs, LARGE, folder / f"t{n}") for n in range(ROUNDS)]
            small = [_round(app, client, jpegs, SMALL, folder / f"j{n}") for n in range(ROUNDS)]
    yield _large(large)
    yield _small(small)


def _round(
    app: App, client: Any, originals: list[Path], count: int, folder: Path
) -> tuple[float, float, float, float]:
    """Seconds of imgapp, of boto3 and of libvips, and how many megabytes were put."""
    pictures = _distinct(originals, folder, count)
    before = set(_keys(client))
    ours = upload_all(app, pictures, at_once=AT_ONCE)
    stored = sorted(set(_keys(client)) - before)
    files = [folder / f"stored-{number}" for number in range(len(stored))]
    for key, path in zip(stored, files, strict=True):
        client.download_file(BUCKET, key, str(path))
    theirs = _put_alone(client, files)
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    return ours, theirs, seconds_for_renditions(pictures, folder / "peer"), megabytes


def _put_alone(client: Any, files: list[Path]) -> float:
    """Seconds that boto3 needs to put the files, as it comes."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        started = time.perf_counter()
        list(pool.map(lambda p: client.upload_file(str(p), BUCKET, f"alone/{p.name}"), files))
        seconds = time.perf_counter() - started
    for path in files:
        client.delete_object(Bucket=BUCKET, Key=f"alone/{path.name}")
    return seconds


def _large(rounds: list[tuple[float, float, float, float]]) -> Result:
    ours, theirs, _, megabytes = sorted(rounds, key=lambda r: r[1] / r[0])[len(rounds) // 2]
    return Result(
        "s3 ingest, large files",
        theirs / ours,
        f"{megabytes / ours:.0f} MB/s into the bucket through HTTP upload, "
        f"{megabytes / theirs:.0f} with boto3 alone (median of {ROUNDS} rounds of {LARGE} pictures "
        "of 36 MB)",
        low=LIMIT,
    )


def _small(rounds: list[tuple[float, float, float, float]]) -> Result:
    middle = sorted(rounds, key=lambda r: (r[1] + r[2]) / r[0])[len(rounds) // 2]
    ours, theirs, libvips, _ = middle
    return Result(
        "s3 ingest, camera JPEGs",
        (theirs + libvips) / ours,
        f"{SMALL / ours:.1f} pictures/s, {SMALL / (theirs + libvips):.1f} with libvips and then "
        f"boto3 ({SMALL / theirs:.1f} with boto3 alone, which makes no renditions)",
        low=LIMIT,
    )


def _distinct(originals: list[Path], folder: Path, count: int) -> list[Path]:
    """Copies with bytes of their own behind the picture."""
    folder.mkdir()
    made = []
    for number in range(count):
        original = originals[number % len(originals)]
        path = folder / f"{number}{original.suffix}"
        path.write_bytes(original.read_bytes() + f"{folder.name} {number}".encode())
        made.append(path)
    return made


def _uncompressed(jpeg: Path, tiff: Path) -> Path:
    import pyvips

    pyvips.Image.new_from_file(str(jpeg)).tiffsave(str(tiff), compression="none")
    return tiff


def _keys(client: Any) -> Iterator[str]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        yield from (item["Key"] for item in page.get("Contents", []))


def _client(variables: dict[str, str]) -> Any:
    return boto3.Session(
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_DEFAULT_REGION"],
    ).client("s3", endpoint_url=variables["AWS_ENDPOINT_URL_S3"])


@contextmanager
def _bucket() -> Iterator[dict[str, str]]:
    """An empty bucket of a server in a process of its own; the variables that lead to it."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ)
    )
    variables = {
        "IMGAPP_S3_BUCKET": BUCKET,
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    try:
        _wait_for(variables["AWS_ENDPOINT_URL_S3"])
        _client(variables).create_bucket(Bucket=BUCKET)
        with _apart_from(server.pid):
            yield variables
    finally:
        server.terminate()
        server.wait()


@contextmanager
def _apart_from(server: int) -> Iterator[None]:
    """This process, and what it starts, on all processors but one, which the server has."""
    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2:
        yield
        return
    all_of_them = os.sched_getaffinity(0)
    own = max(all_of_them)
    for thread in os.listdir(f"/proc/{server}/task"):
        os.sched_setaffinity(int(thread), {own})
    os.sched_setaffinity(0, all_of_them - {own})
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_of_them)


def _wait_for(url: str) -> None:
    for _ in range(300):
        try:
            httpx.get(url, timeout=2)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("moto's server did not start")
