"""Where the states of tabs are kept: with their process, and a copy for the next one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
import redis.asyncio
import reflex as rx
from reflex.istate.manager.token import BaseStateToken
from reflex_base.event import Event

from imgapp.ui.gallery.page import GalleryState
from imgapp.ui.shell import tab_state_store
from imgapp.ui.shell.notices import NoticeState
from imgapp.ui.shell.tab_state_store import TabStateStore, TabTokens
from tests.conftest import Servers

Process = Callable[[], TabStateStore]


@pytest.fixture
async def process(servers: Servers) -> AsyncIterator[Process]:
    """Begins another web process, as far as states are concerned."""
    begun: list[TabStateStore] = []

    def begin() -> TabStateStore:
        client = redis.asyncio.Redis.from_url(servers.redis_url)
        begun.append(TabStateStore(redis=client, token_expiration=60))
        return begun[-1]

    yield begin
    for one in begun:
        await one.close()


@pytest.fixture
def tab() -> str:
    return f"session~{uuid4()}"


def first_event(hashes: list[str] | None = None) -> Event:
    """What a page sends when it begins."""
    right = tab_state_store._built_with() if hashes is None else hashes
    return Event(name=tab_state_store._FIRST_EVENT, payload={"hashes": right})


@asynccontextmanager
async def state_of(
    states: TabStateStore, tab: str, cls: type[rx.State] = GalleryState
) -> AsyncIterator[Any]:
    token = BaseStateToken(ident=tab, cls=cls)
    async with states.modify_state(token) as tree:
        yield tree.get_substate(cls._get_substate_path())


async def look_for(states: TabStateStore, tab: str, query: str) -> None:
    async with state_of(states, tab) as gallery:
        gallery.query = query


async def query_of(states: TabStateStore, tab: str) -> str:
    async with state_of(states, tab) as gallery:
        return str(gallery.query)


async def test_a_state_stays_in_its_process(process: Process, tab: str) -> None:
    states = process()
    await look_for(states, tab, "q=boat")
    async with state_of(states, tab) as gallery:
        assert gallery.query == "q=boat"
        assert gallery is states._trees[tab].substates[GalleryState.get_name()]


async def test_a_state_follows_its_tab_to_another_process(process: Process, tab: str) -> None:
    here, there = process(), process()
    await look_for(here, tab, "q=boat")
    await here.let_go(tab)
    assert tab not in here.here()
    assert await query_of(there, tab) == "q=boat"
    await there.let_go(tab)
    assert await query_of(here, tab) == "q=boat"


async def test_a_lost_connection_that_nobody_noticed_costs_at_most_a_second(
    process: Process, tab: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tab_state_store, "SAVED_AFTER", 0.05)
    here, there = process(), process()
    await look_for(here, tab, "q=boat")
    assert here._saver is not None
    await here._saver
    assert await query_of(there, tab) == "q=boat"


async def test_a_process_that_ends_leaves_its_states(process: Process, tab: str) -> None:
    here = process()
    await look_for(here, tab, "q=boat")
    await here.close()
    assert await query_of(process(), tab) == "q=boat"


async def test_one_handler_at_a_time_works_with_a_state(process: Process, tab: str) -> None:
    states, order = process(), []

    async def handle(name: str) -> None:
        async with state_of(states, tab):
            order.append(f"{name} begins")
            await asyncio.sleep(0.05)
            order.append(f"{name} ends")

    await asyncio.gather(handle("a"), handle("b"), states.let_go(tab))
    assert order in (
        ["a begins", "a ends", "b begins", "b ends"],
        ["b begins", "b ends", "a begins", "a ends"],
    )


async def test_others_do_not_wait(process: Process, tab: str) -> None:
    states = process()
    async with state_of(states, tab):
        assert await query_of(states, f"{tab}-of-somebody-else") == ""


async def test_a_page_that_begins_has_what_it_was_built_with(process: Process, tab: str) -> None:
    states = process()
    async with states.modify_state(
        BaseStateToken(ident=tab, cls=rx.State), event=first_event()
    ) as tree:
        assert tree.substates == {}
        assert list(tree.dict()) == [rx.State.get_full_name()]


async def test_a_page_of_another_version_is_told_everything(process: Process, tab: str) -> None:
    states, every = process(), set(rx.State(_reflex_internal_init=True).dict())
    for event in (first_event(["another"]), first_event([]), None):
        another = f"{tab}-{uuid4()}"
        token = BaseStateToken(ident=another, cls=rx.State)
        async with states.modify_state(token, event=event) as tree:
            assert set(tree.dict()) == every


async def test_a_page_that_begins_again_is_told_what_was_written(
    process: Process, tab: str
) -> None:
    states = process()
    await look_for(states, tab, "q=boat")
    await states.let_go(tab)
    token = BaseStateToken(ident=tab, cls=rx.State)
    async with states.modify_state(token, event=first_event()) as tree:
        assert tree.dict()[GalleryState.get_full_name()]["query_rx_state_"] == "q=boat"


async def test_a_handler_gets_the_parts_that_it_asks_for(process: Process, tab: str) -> None:
    states = process()
    token = BaseStateToken(ident=tab, cls=rx.State)
    async with states.modify_state(token, event=first_event()) as tree:
        asked = BaseStateToken(ident=tab, cls=NoticeState)
        part = await states.get_state(asked, top_level=False, for_state_instance=tree)
        assert isinstance(part, NoticeState)
        assert part.parent_state is tree
        part._serial = 7
    async with state_of(states, tab, NoticeState) as notices:
        assert notices is part


async def test_what_another_version_wrote_begins_anew(
    process: Process, tab: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = process()
    await look_for(here, tab, "q=boat")
    await here.let_go(tab)
    monkeypatch.setattr(GalleryState, "_to_schema", classmethod(lambda cls: "newer"))
    assert await query_of(process(), tab) == ""


async def test_without_redis_a_page_that_is_open_goes_on(
    tab: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = redis.asyncio.Redis.from_url("redis://127.0.0.1:1", retry=None)
    states = TabStateStore(redis=client, token_expiration=60)
    await look_for(states, tab, "q=boat")
    assert await query_of(states, tab) == "q=boat"
    await states.close()
    assert {"state_not_read", "states_not_saved"} <= {record.message for record in caplog.records}


async def test_what_redis_did_not_take_is_offered_again(
    servers: Servers,
    process: Process,
    tab: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(tab_state_store, "SAVED_AFTER", 0.05)
    impatient = redis.asyncio.Redis.from_url(servers.redis_url, socket_timeout=0.2, retry=None)
    states = TabStateStore(redis=impatient, token_expiration=60)
    async with redis.asyncio.Redis.from_url(servers.redis_url) as client:
        await client.execute_command("CLIENT", "PAUSE", 900, "WRITE")
        await look_for(states, tab, "q=boat")
        await states.let_go(tab)
        assert tab in states.here(), "there is no copy of it yet"
        assert states._saver is not None
        await states._saver
    assert "states_not_saved" in {record.message for record in caplog.records}
    assert await query_of(process(), tab) == "q=boat"
    await states.close()


async def test_a_state_that_cannot_be_written_keeps_no_other_from_it(
    process: Process, tab: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tab_state_store, "SAVED_AFTER", 0.05)
    states, other = process(), f"session~{uuid4()}"
    async with state_of(states, other) as gallery:
        gallery._uncounted = asyncio.get_running_loop()
    await look_for(states, tab, "q=boat")
    assert states._saver is not None
    await states._saver
    assert "state_not_copied" in {record.message for record in caplog.records}
    assert await query_of(process(), tab) == "q=boat"


async def test_the_state_of_a_tab_that_goes_is_let_go(process: Process, tab: str) -> None:
    states = process()
    tokens = TabTokens(states)
    await tokens.link_token_to_sid(tab, "socket")
    await look_for(states, tab, "q=boat")
    await tokens.disconnect_token(tab, "socket")
    assert tab not in states.here()
    assert await query_of(process(), tab) == "q=boat"
