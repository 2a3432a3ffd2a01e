"""Requests to servers that people name, against servers that mean no good."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from imgapp.adapters import outbound_http, ssrf_guard
from imgapp.adapters.outbound_http import check_reachable, check_url, fetch, post
from imgapp.errors import OutboundFailed, OutboundRefused
from tests.adapters.test_outbound_addresses import numeric_only
from tests.support.receivers import Received, Receiver, receiving, speaking


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(autouse=True)
def allowed(set_env: Callable[..., None]) -> None:
    """127.0.0.1 and nothing else of this machine."""
    set_env(IMGAPP_OUTBOUND_NETWORKS="127.0.0.1/32")


class Sink:
    """Where the bytes of a file go."""

    def __init__(self) -> None:
        self.content = b""

    def write(self, piece: bytes) -> None:
        self.content += piece


def failure_of(call: Callable[[], object]) -> OutboundFailed:
    with pytest.raises(OutboundFailed) as failed:
        call()
    return failed.value


@pytest.mark.parametrize(
    ("url", "used"),
    [
        ("https://example.org/hook", "https://example.org/hook"),
        (" http://Example.org:8080/a?b=c#d ", "http://example.org:8080/a?b=c"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
    ],
)
def test_a_url_is_checked_and_written_one_way(url: str, used: str) -> None:
    assert check_url(url) == used


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "//example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "https://",
        "https:///path",
        "https://user@example.org/",
        "https://user:password@example.org/",
        "https://example.org:99999/",
        "https://exa mple.org/",
        "https://example.org/\x00",
        "https://example.org/" + "a" * 2_000,
    ],
)
def test_what_is_no_such_url_is_refused(url: str) -> None:
    with pytest.raises(OutboundRefused) as refused:
        check_url(url)
    assert refused.value.code == "invalid_url"


def test_a_body_is_posted_as_it_is(server: Receiver) -> None:
    server.answers(204)
    answer = post(f"{server.url}/hook", b'{"a": 1}', {"Content-Type": "application/json"}, 5)
    assert (answer.status, answer.retry_after) == (204, None)
    (request,) = server.requests
    assert (request.method, request.path, request.body) == ("POST", "/hook", b'{"a": 1}')
    assert request.headers["content-type"] == "application/json"
    assert "cookie" not in request.headers


@pytest.mark.parametrize("status", [200, 302, 404, 410, 500])
def test_any_status_of_a_receiver_is_an_answer(server: Receiver, status: int) -> None:
    server.answers(status, Location="http://127.0.0.1:1/", Retry_After="7")
    answer = post(server.url, b"", {}, 5)
    assert (answer.status, answer.retry_after) == (status, 7.0)
    assert len(server.requests) == 1


def test_the_proxy_of_the_environment_is_not_used(
    server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert post(server.url, b"", {}, 5).status == 200


@pytest.mark.parametrize("host", ["127.0.0.2", "[::1]", "[::ffff:127.0.0.2]", "169.254.169.254"])
def test_what_is_not_public_is_not_connected_to(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    numeric_only(monkeypatch)
    for call in (
        lambda: post(f"http://{host}:8000/", b"", {}, 5),
        lambda: fetch(f"http://{host}:8000/", 10, Sink().write),
        lambda: check_reachable(f"http://{host}:8000/"),
    ):
        with pytest.raises(OutboundRefused) as refused:
            call()
        assert refused.value.code == "address_not_allowed"


def test_the_connection_goes_to_the_address_that_was_checked(
    server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another look-up of the same name would lead to a place that is not allowed."""
    guarded, answers = socket.getaddrinfo, iter(["127.0.0.1", "127.0.0.2", "127.0.0.2"])

    def look_up(host: str, port: int, *args: Any, **options: Any) -> Any:
        if host != "rebound.example":
            return guarded(host, port, *args, **options)
        return guarded(next(answers), port, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    port = server.url.rpartition(":")[2]
    with receiving("127.0.0.2", int(port)) as inner:
        assert post(f"http://rebound.example:{port}/", b"", {}, 5).status == 200
        assert next(answers) == "127.0.0.2"
        assert (len(server.requests), len(inner.requests)) == (1, 0)
        assert server.requests[0].headers["host"] == f"rebound.example:{port}"


def test_a_server_that_never_answers_is_left_in_time() -> None:
    with speaking(lambda connection: (connection.recv(1), time.sleep(30))) as url:
        begun = time.monotonic()
        failed = failure_of(lambda: post(url, b"", {}, 0.3))
        assert time.monotonic() - begun < 15
    assert (failed.code, failed.lasts) == ("timeout", False)


def trickle(connection: socket.socket) -> None:
    """A byte now and then, so that nobody is ever silent for long."""
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


def test_a_server_that_trickles_its_headers_is_left_in_time() -> None:
    with speaking(trickle) as url:
        assert failure_of(lambda: post(url, b"", {}, 0.3)).code == "timeout"


def endless(connection: socket.socket) -> None:
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 100_000)


def test_the_body_of_a_receivers_answer_is_not_read() -> None:
    with speaking(endless) as url:
        assert post(url, b"", {}, 5).status == 200


def test_a_file_without_an_end_is_cut_off() -> None:
    with speaking(endless) as url:
        sink = Sink()
        assert failure_of(lambda: fetch(url, 500_000, sink.write)).code == "too_large"
        assert len(sink.content) <= 500_000


def test_a_file_that_trickles_is_left_in_time() -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)

    with speaking(drip) as url:
        failed = failure_of(lambda: fetch(url, 500_000, Sink().write, timeout=0.3))
    assert (failed.code, failed.lasts) == ("timeout", False)


@pytest.mark.parametrize(
    "said", [b"SSH-2.0-OpenSSH_9\r\n", b"", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100_000]
)
def test_what_is_not_http_is_said_to_be_none(said: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(said)

    with speaking(talk) as url:
        assert failure_of(lambda: post(url, b"", {}, 5)).code == "bad_answer"


def test_nobody_there_is_worth_another_attempt() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    failed = failure_of(lambda: post(f"http://127.0.0.1:{port}/", b"", {}, 5))
    assert (failed.code, failed.lasts) == ("unreachable", False)


def test_no_tls_where_tls_is_asked_for(server: Receiver) -> None:
    url = server.url.replace("http:", "https:")
    assert failure_of(lambda: post(url, b"", {}, 5)).code == "unreachable"


@pytest.fixture
def secure(
    tmp_path: Path, server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], str]]:
    """The URL of a server whose certificate is for hooks.example, by any name on 127.0.0.1."""
    certificate = self_signed(tmp_path, "hooks.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    ssrf_guard._tls.cache_clear()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    guarded = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, *args, **options: guarded("127.0.0.1", port, *args, **options),
    )

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            wrapped.recv(1000)
            wrapped.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with speaking(talk) as url:
        yield lambda name: f"https://{name}:{url.rpartition(':')[2]}/"
    ssrf_guard._tls.cache_clear()


def self_signed(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(made - timedelta(minutes=5))
        .not_valid_after(made + timedelta(minutes=5))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "server.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + secret)
    return path


def test_the_certificate_is_for_the_name_and_not_for_the_address(
    secure: Callable[[str], str],
) -> None:
    assert post(secure("hooks.example"), b"", {}, 5).status == 204
    for name in ("other.example", "127.0.0.1"):
        url = secure(name)
        assert failure_of(lambda url=url: post(url, b"", {}, 5)).code == "bad_certificate"


def test_a_file_is_fetched_with_its_name(server: Receiver) -> None:
    server.answers(200, b"bytes of a picture", Content_Type="image/jpeg; q=1")
    sink = Sink()
    fetched = fetch(f"{server.url}/a/sea%20side.jpg?size=2", 1_000, sink.write)
    assert sink.content == b"bytes of a picture"
    assert (fetched.filename, fetched.content_type) == ("sea side.jpg", "image/jpeg; q=1")
    assert (fetched.size, fetched.final_url) == (18, f"{server.url}/a/sea%20side.jpg?size=2")
    assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="a b.png"', "a b.png"),
        ("attachment; filename*=UTF-8''stra%C3%9Fe.png", "straße.png"),
        ("attachment", "photo.jpg"),
    ],
)
def test_the_server_may_name_the_file(server: Receiver, disposition: str, name: str) -> None:
    server.answers(200, b"x", Content_Disposition=disposition)
    assert fetch(f"{server.url}/photo.jpg", 10, Sink().write).filename == name


def test_redirects_of_a_file_are_followed_and_checked(server: Receiver) -> None:
    def answer(request: Received) -> tuple[int, dict[str, str], bytes]:
        if request.path == "/start":
            return 302, {"Location": "next/"}, b""
        if request.path == "/next/":
            return 301, {"Location": f"{server.url}/end.png"}, b""
        return 200, {}, b"x"

    server.answer = answer
    fetched = fetch(f"{server.url}/start", 10, Sink().write)
    assert (fetched.filename, fetched.final_url) == ("end.png", f"{server.url}/end.png")


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("http://127.0.0.2/", "address_not_allowed"),
        ("http://[::1]:22/", "address_not_allowed"),
        ("file:///etc/passwd", "invalid_url"),
        ("http://user:password@127.0.0.1/", "invalid_url"),
    ],
)
def test_a_redirect_leads_nowhere_that_a_url_may_not(
    server: Receiver, target: str, code: str
) -> None:
    server.answers(302, Location=target)
    with pytest.raises(OutboundRefused) as refused:
        fetch(server.url, 10, Sink().write)
    assert refused.value.code == code


def test_redirects_come_to_an_end(server: Receiver) -> None:
    server.answers(302, Location="/again")
    assert failure_of(lambda: fetch(server.url, 10, Sink().write)).code == "too_many_redirects"
    assert len(server.requests) == outbound_http.MAX_REDIRECTS + 1


def test_a_size_that_is_announced_is_believed(server: Receiver) -> None:
    server.answers(200, b"x" * 11)
    sink = Sink()
    assert failure_of(lambda: fetch(server.url, 10, sink.write)).code == "too_large"
    assert sink.content == b""
    assert fetch(server.url, 11, sink.write).size == 11


@pytest.mark.parametrize(
    ("status", "lasts"), [(404, True), (403, True), (204, True), (500, False), (503, False)]
)
def test_a_failure_says_whether_it_lasts(server: Receiver, status: int, lasts: bool) -> None:
    server.answers(status, Retry_After="30")
    failed = failure_of(lambda: fetch(server.url, 10, Sink().write))
    assert (failed.code, failed.lasts, failed.http_status) == ("http_error", lasts, status)
    assert failed.retry_after == 30


def test_compressed_bytes_are_not_unpacked(server: Receiver) -> None:
    server.answers(200, b"x", Content_Encoding="gzip")
    assert failure_of(lambda: fetch(server.url, 10, Sink().write)).code == "bad_answer"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120.0),
        ("soon", None),
        ("-1", None),
        ("9" * 30, 999_999_999.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    ],
)
def test_what_a_server_asks_for_is_read(server: Receiver, said: str, seconds: float | None) -> None:
    server.answers(503, Retry_After=said)
    assert post(server.url, b"", {}, 5).retry_after == seconds
