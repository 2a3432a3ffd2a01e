"""Every event handler of every state class, called over a real websocket by whom it may concern."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import redis
import sqlalchemy as sa

from imgapp.adapters.embedded.postgres import Postgres
from imgapp.adapters.embedded.redis import Redis
from imgapp.ui.shell import session_watch, tab_state_store
from tests.support.pictures import jpeg
from tests.support.running import PASSWORD, REPO, App
from tests.support.sockets import ROOT, built_hashes, handshake, open_tab
from tests.support.waiting import eventually

# Answered without a session, each for a reason. All others must lead to the sign-in page.
WITHOUT_SESSION = {
    f"{ROOT}.hydrate": "starts a page: a signed-out tab has an empty state of its own",
    f"{ROOT}.hydrate_and_load": "starts a page: a signed-out tab has an empty state of its own",
    f"{ROOT}.reflex___state____on_load_internal_state.on_load_internal": (
        "queues the page's own handlers, which are checked"
    ),
}
# Put there by Reflex, and answered to nobody: they set vars by their name.
NOBODYS = re.compile(
    r"\.setvar$|^" + ROOT + r"\.reflex___state____update_vars_internal_state\.update_vars_internal$"
)

_LIST_HANDLERS = """
import inspect, json
import imgapp.imgapp
from reflex_base.registry import RegistrationContext
context = RegistrationContext.get()
for route in list(imgapp.imgapp.app._unevaluated_pages):
    imgapp.imgapp.app._compile_page(route)
print(json.dumps({
    "handlers": {
        name: list(inspect.signature(one.handler.fn).parameters)[1:]
        for name, one in context.event_handlers.items()
    },
    "vars": {name: sorted([*cls.base_vars, *cls.computed_vars])
        for name, cls in context.base_states.items()},
    "routes": [route.path for route in imgapp.imgapp.app._api.routes],
    "storage": [name for cls in context.base_states.values()
        for name in cls.base_vars if cls._is_client_storage(name)],
}))
"""

WAIT = 0.4  # seconds in which an answer comes


@dataclass
class Someone:
    email: str
    cookies: dict[str, str]
    token: str
    user_id: str = ""
    images: list[dict[str, Any]] = field(default_factory=list)


pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(app: App) -> App:
    return app


@pytest.fixture(scope="module")
def new_person(site: App) -> Callable[[str], Someone]:
    def make(name: str) -> Someone:
        email = f"{name}-{os.urandom(3).hex()}@example.org"
        with httpx.Client(base_url=site.url, headers={"Origin": site.url}) as client:
            client.post("/api/sign-up", data={"email": email, "password": PASSWORD})
            made = client.post("/api/tokens", json={"name": "t"}).raise_for_status().json()
            return Someone(email, dict(client.cookies), made["token"])

    return make


@pytest.fixture(scope="module")
def alice(
    site: App, new_person: Callable[[str], Someone], tmp_path_factory: pytest.TempPathFactory
) -> Someone:
    """With two pictures, one of them in the trash."""
    alice = new_person("alice")
    with site.client(token=alice.token) as client:
        for name in ("alices-secret.jpg", "alices-trash.jpg"):
            picture = jpeg(tmp_path_factory.mktemp("p") / name, seed=len(name))
            answer = client.post("/api/upload", files={"files": (name, picture.read_bytes())})
            alice.images += answer.json()["images"]
        alice.user_id = alice.images[0]["urls"]["original"].split("/")[3]
        # Described before the tests begin: what changes after that, somebody changed.
        eventually(lambda: described(client) == 2, 60)
        client.delete(f"/api/images/{alice.images[1]['id']}").raise_for_status()
    return alice


@pytest.fixture(scope="module")
def found(site: App) -> dict[str, Any]:
    """All handlers with their parameters, and all public vars, of the application itself."""
    env = site.env | {"REDIS_URL": "redis://127.0.0.1:1", "IMGAPP_SECRET_KEY": "x" * 40}
    env |= {"__REFLEX_SKIP_COMPILE": "true", "REFLEX_ENV_MODE": "prod"}
    listed = subprocess.run(
        [sys.executable, "-c", _LIST_HANDLERS], env=env, cwd=REPO, capture_output=True, text=True
    )
    assert listed.returncode == 0, listed.stderr
    return dict(json.loads(listed.stdout.splitlines()[-1]))


def sign_in(site: App, email: str, password: str = PASSWORD) -> dict[str, str]:
    with httpx.Client(base_url=site.url, headers={"Origin": site.url}) as client:
        client.post("/api/sign-in", data={"email": email, "password": password})
        assert client.cookies, f"{email} could not sign in"
        return dict(client.cookies)


def state_of(alice: Someone, site: App) -> Any:
    """What is alice's, as she sees it; without what only time changes."""
    with site.client(token=alice.token) as client:
        listed, trash = client.get("/api/images").json(), client.get("/api/trash").json()
        for image in (*listed["items"], *(one["image"] for one in trash["items"])):
            del image["urls"]
        return listed, trash


def described(client: httpx.Client) -> int:
    return int(client.get("/api/images?status=completed").json()["total"])


def secrets_of(alice: Someone) -> list[str]:
    return [alice.email, "alices-secret", "alices-trash", *(one["id"] for one in alice.images)]


# What the bar of the gallery says is selected.
SELECTIONS: dict[str, Callable[[Someone], list[Any]]] = {
    "hers": lambda alice: [
        {"images": [one["id"] for one in alice.images]},
        {"query": "", "except": []},
        {"query": "q=alices-secret", "except": [alice.images[1]["id"]]},
    ],
    "malformed": lambda _: [
        {"images": "x"},
        {"images": [[], None, "\0"]},
        {"images": ["x"] * 20_000},
        {"query": {"q": []}, "except": {}},
        {"query": "\0%00&status=x&larger_than=" + "9" * 99, "except": [7]},
    ],
}


def leads_to_sign_in(said: str) -> bool:
    return '"_redirect"' in said and "/sign-in" in said


def test_the_handlers_are_found(found: dict[str, Any]) -> None:
    handlers = found["handlers"]
    assert set(WITHOUT_SESSION) <= set(handlers)
    assert sum(name.endswith(".setvar") for name in handlers) > 5
    assert any(name.endswith("viewer_state.move_to_trash") for name in handlers)
    assert found["storage"] == [], "vars in cookies or local storage are set by the browser"


def test_the_framework_answers_nothing_else(site: App, found: dict[str, Any]) -> None:
    assert set(found["routes"]) == {"/ping", "/_health", "/_event"}
    for path in ("/_upload", "/_upload/x", "/_all_routes", "/auth-codespace"):
        for method in ("GET", "POST"):
            assert httpx.request(method, site.url + path).status_code in (404, 405), path
    assert httpx.get(f"{site.url}/ping").json() == "pong"
    assert set(httpx.get(f"{site.url}/_health").json()) <= {"status", "db", "redis"}


def test_nobody_gets_anything_but_the_way_to_sign_in(
    site: App, alice: Someone, found: dict[str, Any]
) -> None:
    assert alice.images
    for name, parameters in found["handlers"].items():
        with open_tab(site.url, token=f"nobody-{os.urandom(4).hex()}") as tab:
            tab.boot(pathname="/sign-in")
            tab.wait_for('"is_hydrated_rx_state_":true')
            tab.send(name, dict.fromkeys(parameters, alice.images[0]["id"]), pathname="/sign-in")
            if NOBODYS.search(name):
                assert tab.listen(0.1) == "", name
                continue
            said = tab.listen(WAIT) if name in WITHOUT_SESSION else tab.wait_for("_redirect")
            assert not any(secret in said for secret in secrets_of(alice)), name
            assert leads_to_sign_in(said) or name in WITHOUT_SESSION, f"{name}: {said[:300]}"


@pytest.mark.parametrize("kind", ["hers", "malformed"])
def test_mallory_gets_and_changes_nothing_with_alices_ids(
    site: App,
    alice: Someone,
    new_person: Callable[[str], Someone],
    found: dict[str, Any],
    kind: str,
) -> None:
    before, mallory = state_of(alice, site), new_person("mallory")
    values: list[Any] = [alice.user_id, *(one["id"] for one in alice.images)]
    if kind == "malformed":
        values = ["", "x", "\0", "%00", "../..", None, 7, -1, [], {}, True, "9" * 5000]
    with open_tab(site.url, cookies=mallory.cookies) as tab:
        tab.boot()
        said = tab.wait_for(mallory.email)
        for name, parameters in found["handlers"].items():
            for value in values if parameters else values[:1]:
                tab.send(name, dict.fromkeys(parameters, value))
            for chosen in SELECTIONS[kind](alice) if "chosen" in parameters else ():
                sent = {"chosen": chosen, "add": True, "tags": ["mine"]}
                sent |= {"how": {"language": "de", "made_from": "en"}, "language": "en"}
                tab.send(name, {name: sent[name] for name in parameters})
        # What the next page is told comes after all that this one was told.
        tab.boot()
        said += (alive := tab.wait_for(mallory.email))
        said += tab.listen(1)
        assert mallory.email in alive
        assert not tab.closed
    # Not the ids: what mallory sends may come back.
    for secret in (alice.email, "alices-secret", "alices-trash", f"/api/files/{alice.user_id}"):
        assert secret not in said
    assert "Traceback" not in said
    assert state_of(alice, site) == before
    sign_in(site, alice.email)


@pytest.mark.parametrize("kind", ["right", "some", "foreign", "malformed", "many"])
def test_whatever_a_page_says_that_it_holds_it_is_told_its_own_and_nothing_else(
    site: App, alice: Someone, new_person: Callable[[str], Someone], kind: str
) -> None:
    right, mallory = built_hashes(), new_person("mallory")
    hashes: Any = {
        "right": right,
        "some": [*right[:3], *("0" * 16 for _ in right[3:])],
        "foreign": [alice.user_id, *(one["id"] for one in alice.images)],
        "malformed": [None, {"a": []}, 7, "\0"],
        "many": ["0" * 16] * 10_000,
    }[kind]
    token = f"hashes-{kind}"
    with open_tab(site.url, cookies=mallory.cookies, token=token) as tab:
        tab.boot(hashes)
        # What is not a list of hashes is no event of ours: the next one is answered all the same.
        tab.send(f"{ROOT}.imgapp___ui___gallery____gallery_state.load")
        said = tab.wait_for(mallory.email)
        said += tab.listen(WAIT)
    assert mallory.email in said
    for secret in (alice.email, "alices-secret", "alices-trash", f"/api/files/{alice.user_id}"):
        assert secret not in said
    assert "Traceback" not in said


def test_a_change_reaches_all_tabs_of_its_owner_each_for_its_own_list(
    site: App, alice: Someone, new_person: Callable[[str], Someone]
) -> None:
    load = {"all": "/", "matching": "/?q=lighthouse", "others": "/?q=submarine"}
    image, mallory = alice.images[0], new_person("mallory")
    with ExitStack() as stack:
        tabs = {
            name: stack.enter_context(
                open_tab(site.url, cookies=alice.cookies, token=f"list-{name}")
            )
            for name in load
        }
        tabs["mallory"] = stack.enter_context(open_tab(site.url, cookies=mallory.cookies))
        for name, tab in tabs.items():
            tab.boot(asPath=load.get(name, "/"))
            tab.wait_for('"is_hydrated_rx_state_":true')
        with site.client(token=alice.token) as client:
            path, word = f"/api/images/{image['id']}", secrets.token_hex(4)
            edit = {"alt_text": f"The lighthouse {word}"}
            client.patch(path, json=edit).raise_for_status()
        come = {"all": word, "matching": word, "others": '"gone"'}
        said = {name: tabs[name].wait_for(text) for name, text in come.items()}
        said = {name: said.get(name, "") + tab.listen(WAIT) for name, tab in tabs.items()}
    assert word in said["all"]
    assert word in said["matching"]
    assert word not in said["others"]
    assert f'"gone":["{image["id"]}"]' in said["others"].replace(" ", "")
    assert said["mallory"] == ""


def test_vars_of_the_page_cannot_be_set_by_name(
    site: App, new_person: Callable[[str], Someone], alice: Someone
) -> None:
    viewer = f"{ROOT}.imgapp___ui___viewer____viewer_state"
    with open_tab(site.url, cookies=new_person("mallory").cookies) as tab:
        tab.boot()
        tab.wait_for('"is_hydrated_rx_state_":true')
        tab.send(f"{viewer}.setvar", {"var_name": "image", "value": {"id": alice.images[0]["id"]}})
        tab.send(
            f"{ROOT}.reflex___state____update_vars_internal_state.update_vars_internal",
            {"vars": {f"{viewer}.image": {"id": alice.images[0]["id"]}}},
        )
        assert alice.images[0]["id"] not in tab.listen(WAIT)


def test_what_a_client_says_of_itself_gains_nothing(site: App, alice: Someone) -> None:
    session_id = session_id_of(site, alice)
    forged = {"x-imgapp-session": session_id, "cookie": "imgapp_session=x"}
    attempts: list[dict[str, Any]] = [
        {"headers": {"x-imgapp-session": session_id}},
        {"headers": {"X-ImgApp-Session": session_id, "Authorization": f"Bearer {alice.token}"}},
        {"token": f"{session_id}~hers"},
        {"token": f"{session_id}~hers&token={session_id}~hers"},
        {"cookies": {"imgapp_session": session_id}},
        {"cookies": {"imgapp_session": "x; x-imgapp-session=" + session_id}},
    ]
    with open_tab(site.url, cookies=alice.cookies, token="hers") as hers:
        hers.boot()
        assert alice.email in hers.wait_for(alice.email)
        for attempt in attempts:
            with open_tab(site.url, **attempt) as tab:
                tab.boot(headers=forged, token=f"{session_id}~hers", client_token="x")
                said = tab.wait_for("_redirect")
                tab.send(
                    f"{ROOT}.imgapp___ui___gallery____gallery_state.load",
                    headers=forged,
                    token=f"{session_id}~hers",
                )
                said += tab.listen(WAIT)
                assert leads_to_sign_in(said), attempt
                assert not any(secret in said for secret in secrets_of(alice)), attempt
        hers.send(f"{ROOT}.imgapp___ui___gallery____gallery_state.load")
        hers.listen(WAIT)
        assert not hers.closed


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:1", "https://localhost", "http://"]
)
def test_a_websocket_of_another_origin_is_refused(site: App, alice: Someone, origin: str) -> None:
    assert handshake(site.url, cookies=alice.cookies, origin=origin) == 403


def test_a_websocket_of_our_origins_is_taken(site: App, alice: Someone) -> None:
    for origin in (site.url, site.url.replace("localhost", "127.0.0.1")):
        assert handshake(site.url, cookies=alice.cookies, origin=origin) == 101
        with open_tab(site.url, cookies=alice.cookies, origin=origin) as tab:
            tab.boot()
            assert alice.email in tab.wait_for(alice.email)


def test_a_revoked_session_is_dead_within_a_second_in_a_tab_that_sends_nothing(
    site: App, new_person: Callable[[str], Someone]
) -> None:
    person = new_person("carol")
    other = sign_in(site, person.email)
    with (
        open_tab(site.url, cookies=person.cookies) as revoked,
        open_tab(site.url, cookies=other, token="other") as kept,
    ):
        for tab in (revoked, kept):
            tab.boot()
            assert person.email in tab.wait_for(person.email)
            tab.listen(0.2)
        httpx.post(f"{site.url}/api/sign-out", cookies=person.cookies, headers={"Origin": site.url})
        said = revoked.listen(60)
        assert revoked.closed
        assert session_watch.INTERVAL <= 0.5, "within a second, all told"
        assert leads_to_sign_in(said)
        assert '"email_rx_state_":""' in said, "what the page shows is emptied"
        kept.send(f"{ROOT}.imgapp___ui___gallery____gallery_state.load")
        kept.listen(WAIT)
        assert not kept.closed
        assert kept.received[-1].get("events") in (None, [])


def test_the_page_holds_no_secret(found: dict[str, Any], site: App, alice: Someone) -> None:
    secretive = re.compile(r"password|secret|hash|cookie|token(?!s\b|_)", re.IGNORECASE)
    named = [
        f"{state}.{var}"
        for state, names in found["vars"].items()
        for var in names
        if secretive.search(var) and not var.startswith("rx_router")
    ]
    assert set(named) <= SHOWN_ONCE
    with open_tab(site.url, cookies=alice.cookies) as tab:
        tab.boot()
        said = tab.listen(2)
    for secret in (*alice.cookies.values(), alice.token, PASSWORD, "$argon2"):
        assert secret not in said


SHOWN_ONCE: set[str] = set()
"""Vars with the name of a secret: what is in them is shown to its owner once, and says so."""


def test_neither_redis_nor_the_database_holds_a_secret(
    site: App, alice: Someone, new_person: Callable[[str], Someone]
) -> None:
    person = new_person("dave")
    with open_tab(site.url, cookies=person.cookies, token="find-me") as tab:
        tab.boot()
        tab.wait_for(person.email)
        tab.listen(tab_state_store.SAVED_AFTER + 2)
        secrets = [
            PASSWORD,
            *(cookie for one in (alice, person) for cookie in one.cookies.values()),
            *(one.token for one in (alice, person)),
        ]
        stores = {"Redis": in_redis(site), "its files": in_redis_files(site)}
        stores["PostgreSQL"] = in_postgres(site)
    for name, content in stores.items():
        needle = b"find-me" if name != "PostgreSQL" else person.email.encode()
        assert needle in content, f"{name} was not read"
        for secret in secrets:
            assert secret.encode() not in content, f"{name} holds a secret"


def session_id_of(site: App, someone: Someone) -> str:
    url = Postgres(data_dir(site) / "postgres").administrator_url
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    query = "SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email = :email"
    with engine.connect() as connection:
        return str(connection.execute(sa.text(query), {"email": someone.email}).scalars().first())


def data_dir(site: App) -> Any:
    return site.folder / "data"


def in_redis(site: App) -> bytes:
    """All keys and all values."""
    readers: dict[bytes, Callable[[redis.Redis, bytes], Any]] = {
        b"string": lambda client, key: client.get(key),
        b"hash": lambda client, key: client.hgetall(key),
        b"set": lambda client, key: client.smembers(key),
        b"list": lambda client, key: client.lrange(key, 0, -1),
        b"zset": lambda client, key: client.zrange(key, 0, -1, withscores=True),
    }
    content = []
    with redis.Redis.from_url(Redis(data_dir(site) / "redis").url) as client:
        for key in client.scan_iter(count=1000):
            kind = client.type(key)
            if kind == b"none":
                continue  # it expired just now
            value = readers[kind](client, key)
            content += [key, value if isinstance(value, bytes) else repr(value).encode()]
    return b"\n".join(content)


def in_redis_files(site: App) -> bytes:
    """Its append-only file and its snapshots, as they are on disk, uncompressed."""
    with redis.Redis.from_url(Redis(data_dir(site) / "redis").url) as client:
        client.config_set("rdbcompression", "no")
        client.save()
    files = [path for path in (data_dir(site) / "redis").rglob("*") if path.is_file()]
    assert any(path.suffix == ".aof" for path in files), files
    return b"\n".join(path.read_bytes() for path in files)


def in_postgres(site: App) -> bytes:
    """Every row of every table, as text."""
    url = Postgres(data_dir(site) / "postgres").administrator_url
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        tables = sa.inspect(connection).get_table_names()
        assert {"users", "sessions", "tokens"} <= set(tables)
        rows = [
            row
            for table in tables
            for row in connection.execute(sa.text(f'SELECT t::text FROM "{table}" t')).scalars()
        ]
    return "\n".join(rows).encode()
