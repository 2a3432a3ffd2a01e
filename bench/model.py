"""A vision model server that costs next to nothing: it answers after a while, whatever is asked.

`python -m bench.model SECONDS` prints its base URL. `GET /times` gives the seconds, by its own
clock, at which answers went out.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.support.openai_server import ANSWER

_BODY = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "bench",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": json.dumps(ANSWER)},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 900, "completion_tokens": 80, "total_tokens": 980},
    }
).encode()


class Model:
    """One server: when it answered, and how many callers it had at once."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.times: list[float] = []
        self.in_flight = 0
        self.most_in_flight = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests, one after the other."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if head.startswith(b"GET"):
                    _send(writer, json.dumps(vars(self)).encode())
                    continue
                await reader.readexactly(_length(head))
                self.in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self.in_flight)
                await asyncio.sleep(self.seconds)
                self.in_flight -= 1
                self.times.append(time.monotonic())
                _send(writer, _BODY)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


def _send(writer: asyncio.StreamWriter, body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    writer.write(head.encode() + b"\r\n" + body)


@contextmanager
def model_server(seconds: float) -> Iterator[str]:
    """A server in a process of its own; its base URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.model", str(seconds)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> tuple[list[float], int]:
    """When the server answered, and how many it had in flight at most."""
    said = httpx.get(url.removesuffix("/v1") + "/times").json()
    return said["times"], said["most_in_flight"]


async def main() -> None:
    model = Model(float(sys.argv[1]))
    # A picture's request is 150 kB: take it in few steps.
    server = await asyncio.start_server(model.serve, "127.0.0.1", 0, limit=2**20, backlog=512)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
