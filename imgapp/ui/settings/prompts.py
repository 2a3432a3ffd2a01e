"""The prompt on `/descriptions`: its text, its versions, and trials of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

import reflex as rx
from pydantic import ValidationError

from imgapp.models import ImagePublic
from imgapp.services.analysis import prompt_trials, prompts
from imgapp.services.analysis.prompt_trials import TrialAnswer, TrialPublic, TrialRequest
from imgapp.services.analysis.prompts import PromptEdit, PromptPublic, PromptVersion, Scope
from imgapp.services.common.thread_pools import in_db
from imgapp.services.library import listing
from imgapp.services.library.text_diff import Part, differences
from imgapp.ui.shell.notices import failures_shown, id_of, say
from imgapp.ui.shell.reflex_types import handler
from imgapp.ui.shell.viewer_context import current_viewer

STEP = 10
OFFERED = 12
"""Pictures to choose from."""


@dataclass
class VersionRow:
    """A version in the list."""

    number: int
    name: str
    author: str
    at: str
    holds: bool
    is_reset: bool


@dataclass
class Variable:
    """What may stand in braces."""

    name: str
    meaning: str


@dataclass
class Offer:
    """A picture that a prompt can be tried on."""

    id: str
    thumb: str
    name: str
    chosen: bool = False


@dataclass
class Said:
    """What one prompt made of a picture, in words."""

    title: str
    state: str
    problem: str = ""
    alt_text: str = ""
    description: str = ""
    tags: str = ""
    visible_text: str = ""
    lang: str = ""
    cost: str = ""


@dataclass
class Tried:
    """A picture with what both prompts say."""

    id: str
    thumb: str = ""
    name: str = ""
    sides: list[Said] = field(default_factory=list)


class PromptState(rx.State):
    """The prompt that one tab works on."""

    loaded: bool = False
    is_admin: bool = False
    scope: str = "own"
    version: str = ""
    default_version: str = ""
    changed: bool = False
    draft: str = ""
    differs: bool = False
    """Whether the draft is another text than the one that holds."""
    parts: list[Part] = []
    """From the default to the draft."""
    variables: list[Variable] = []
    serial: int = 0
    """Another one makes the editor anew, with another text in it."""
    versions: list[VersionRow] = []
    has_more: bool = False
    offers: list[Offer] = []
    trial: list[Tried] = []
    trial_id: str = ""
    under_way: bool = False
    spent: str = ""
    _template: str = ""
    _default: str = ""
    _next: str = ""

    @handler
    async def load(self) -> None:
        viewer = current_viewer()
        self.is_admin, self.scope, self.trial, self.trial_id = viewer.is_admin, "own", [], ""
        self.under_way, self.spent = False, ""
        async with failures_shown(self):
            await self._read()
            page = await in_db(listing.list_images, viewer.user_id, limit=OFFERED)
            self.offers = [
                offer_of(one, n < prompt_trials.MOST_PICTURES) for n, one in enumerate(page.items)
            ]
            self.loaded = True

    @handler
    async def choose_scope(self, scope: str) -> None:
        current_viewer()
        self.scope = "everybody" if scope == "everybody" and self.is_admin else "own"
        async with failures_shown(self):
            await self._read()

    @handler
    async def write(self, text: str) -> None:
        current_viewer()
        await self._draft(str(text))

    @handler
    async def save(self) -> None:
        current_viewer()
        await self._save(self.draft)

    @handler
    async def reset_prompt(self) -> None:
        current_viewer()
        await self._save(None)

    @handler
    async def open_version(self, number: int) -> None:
        """Put an earlier text into the editor."""
        current_viewer()
        async with failures_shown(self):
            text = await self._text_of(number)
            self.serial += 1
            await self._draft(self._default if text is None else text)
            await say(self, "It is in the editor. Save it to have it hold again.")

    @handler
    async def show_more(self) -> None:
        current_viewer()
        async with failures_shown(self):
            await self._read_versions(self._next)

    @handler
    async def toggle(self, image_id: str) -> None:
        current_viewer()
        chosen = sum(one.chosen for one in self.offers)
        for one in self.offers:
            if one.id == str(image_id):
                one.chosen = not one.chosen and chosen < prompt_trials.MOST_PICTURES
        self.offers = list(self.offers)

    @handler
    async def try_it(self) -> None:
        user = current_viewer().user_id
        ids = [UUID(one.id) for one in self.offers if one.chosen]
        try:
            request = TrialRequest(template=self.draft, image_ids=ids, scope=self._scope())
        except ValidationError:
            await say(self, _NO_PROMPT, is_error=True)
            return
        async with failures_shown(self):
            self._show_trial(await in_db(prompt_trials.start_trial, user, request))

    @handler
    async def look(self) -> None:
        user = current_viewer().user_id
        if self.under_way:
            async with failures_shown(self):
                self._show_trial(await in_db(prompt_trials.get_trial, user, id_of(self.trial_id)))

    @handler
    async def end_trial(self) -> None:
        user, trial, self.under_way = current_viewer().user_id, self.trial_id, False
        self.trial, self.spent = [], ""
        async with failures_shown(self):
            await in_db(prompt_trials.end_trial, user, id_of(trial))

    async def _save(self, text: str | None) -> None:
        user = current_viewer().user_id
        try:
            edit = PromptEdit(template=text)
        except ValidationError:
            await say(self, _NO_PROMPT, is_error=True)
            return
        async with failures_shown(self):
            now = await in_db(prompts.save_prompt, user, edit.template, self._scope())
            await self._show(now)
            await self._read_versions()
            await say(self, f"From now on pictures are described with version {now.version}.")

    async def _text_of(self, number: int) -> str | None:
        user = current_viewer().user_id
        return await in_db(prompts.get_version, user, int(number), self._scope())

    async def _read(self) -> None:
        user = current_viewer().user_id
        await self._show(await in_db(prompts.get_prompt, user, self._scope()))
        await self._read_versions()

    async def _read_versions(self, cursor: str = "") -> None:
        user, scope = current_viewer().user_id, self._scope()
        page = await in_db(prompts.list_versions, user, scope, limit=STEP, cursor=cursor or None)
        rows = [version_row(one, self.version) for one in page.items]
        self.versions = [*self.versions, *rows] if cursor else rows
        self._next, self.has_more = page.next_cursor or "", page.next_cursor is not None

    async def _show(self, now: PromptPublic) -> None:
        self.version, self.changed = now.version, now.changed
        self.default_version = now.default_version
        self.variables = [Variable(f"{{{name}}}", said) for name, said in now.variables.items()]
        self._template, self._default = now.template, now.default
        self.serial += 1
        await self._draft(now.template)

    async def _draft(self, text: str) -> None:
        # The database keeps no more; what is too long is said when it is saved.
        self.draft = text[:20_000]
        self.differs = self.draft.strip() != self._template
        self.parts = await in_db(differences, self._default, self.draft)

    def _show_trial(self, trial: TrialPublic) -> None:
        offers = {one.id: one for one in self.offers}
        self.trial_id, self.under_way = str(trial.id), not trial.finished
        self.trial = []
        for picture in trial.pictures:
            known = offers.get(str(picture.image_id))
            before = f"With version {picture.now.prompt_version}"
            sides = [said_of(before, picture.now), said_of("With the other prompt", picture.new)]
            self.trial.append(
                Tried(
                    id=str(picture.image_id),
                    thumb=known.thumb if known else "",
                    name=known.name if known else "",
                    sides=sides,
                )
            )
        self.spent = spent_words(trial)

    def _scope(self) -> Scope:
        return "everybody" if self.scope == "everybody" else "own"


def version_row(one: PromptVersion, holding: str) -> VersionRow:
    """A version in words."""
    return VersionRow(
        number=one.number,
        name=one.version,
        author=one.author or "",
        at=one.created_at.isoformat(),
        holds=one.version == holding,
        is_reset=one.template is None,
    )


def offer_of(image: ImagePublic, chosen: bool) -> Offer:
    """A picture to choose."""
    return Offer(str(image.id), image.urls.thumbnail, image.filename, chosen)


def said_of(title: str, answer: TrialAnswer) -> Said:
    """What one prompt made of a picture, in words."""
    alt = "Decorative: nothing to say." if answer.decorative else answer.alt_text
    return Said(
        title=title,
        state=answer.state,
        problem=answer.error.message if answer.error else "",
        alt_text=alt or "",
        description=answer.description or "",
        tags=", ".join(answer.tags or []),
        visible_text=answer.visible_text or "",
        lang=answer.language or "",
        cost=cost_words(answer),
    )


def cost_words(answer: TrialAnswer) -> str:
    """What an answer took: time, tokens, money."""
    if answer.made_at is not None:
        return "from the analysis that is there, at no cost"
    if answer.state in ("waiting", "asking"):
        return ""
    tokens = (answer.input_tokens or 0) + (answer.output_tokens or 0)
    took = f"{answer.processing_time:.1f} s" if answer.processing_time is not None else ""
    used = f"{tokens:,} tokens" if tokens else ""
    return " · ".join(filter(None, [took, used, _dollars(answer.cost)]))


def spent_words(trial: TrialPublic) -> str:
    """What a trial took, all together."""
    sides = [one for picture in trial.pictures for one in (picture.now, picture.new)]
    asked = [one for one in sides if one.made_at is None and one.state == "answered"]
    tokens = sum((one.input_tokens or 0) + (one.output_tokens or 0) for one in asked)
    known = [one.cost for one in asked if one.cost is not None]
    answers = f"{len(asked)} answer{'' if len(asked) == 1 else 's'}"
    used = f"{tokens:,} tokens" if tokens else ""
    return " · ".join(filter(None, [answers, used, _dollars(sum(known) if known else None)]))


def _dollars(cost: float | None) -> str:
    return "" if cost is None else f"${cost:.4f}"


_NO_PROMPT = "A prompt has 1 to 12,000 characters."
