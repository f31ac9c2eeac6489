"""The doctor's page: runs it, shows each finding when it is known, the worst first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import reflex as rx

from atlas_hub.hub import hub
from atlas_hub.kit.errors import HubError
from atlas_hub.services import doctor
from atlas_hub.services.access import ADMINS_ALONE, Actor
from atlas_hub.services.findings import Finding, Status, grouped, summary
from atlas_hub.ui import banners
from atlas_hub.ui.guard import admin_only, entering, remember, still, when_left
from atlas_hub.ui.showing import put
from atlas_hub.ui.theme import Behaviour, Markup, link, shape
from atlas_hub.ui.words import Tone

TITLE: Final = "Doctor · Atlas Hub"
BUNDLE: Final = "/api/v1/admin/integrations/doctor/bundle"

WORD: Final = "doctor"
"""The end of its address."""
WORDS: Final[dict[Status, tuple[str, Tone]]] = {
    Status.FAILED: ("Failed", Tone.BROKEN),
    Status.WARNING: ("Warning", Tone.ATTENTION),
    Status.SKIPPED: ("Skipped", Tone.OFF),
    Status.OK: ("OK", Tone.GOOD),
}
STEPS: Final = {
    "database": "Database", "migrations": "Tables", "keys": "Encryption keys", "redis": "Redis", "audit": "Audit log",
    "address": "Public address", "proxy": "Proxy", "reachable": "Reachable", "websocket": "Websocket", "dns": "Name",
    "tls": "Certificate", "clock": "Clock", "authentication": "Credentials", "scopes": "Scopes", "expiry": "Expiry",
    "destination": "Destination", "sunset": "Service",
}  # fmt: skip
"""What people call each step."""
FRESH: Final[dict[str, Any]] = {"subjects": [], "steps": {}, "said": "", "finished": False}

_running: set[str] = set()
"""Tabs of this process in which it runs, so that a crashed worker leaves none busy for ever."""


class Doctor(rx.State):
    """What the page shows: subjects in order, and under each its steps, as texts alone."""

    subjects: rx.Field[list[list[str]]] = rx.field(default_factory=list)  # key, name, word, tone
    steps: rx.Field[dict[str, list[list[str]]]] = rx.field(default_factory=dict)  # step, word, tone, text, fix
    said: str = ""
    busy: bool = False
    finished: bool = False
    may_run: bool = False
    loaded: bool = False

    @rx.event
    @entering
    async def load(self, actor: Actor) -> Any:
        """Say whether they may run it. What was found in this tab before stays, unless it is another workspace's."""
        moved = await remember(self, actor)
        busy = self.router.session.client_token in _running
        put(
            self,
            {
                **(FRESH if moved or not actor.may_change else {}),
                "may_run": actor.may_change,
                "loaded": True,
                "busy": busy,
            },
        )
        return rx.call_script("window.location.reload()") if moved else None

    @rx.event(background=True)
    @admin_only
    async def run(self, actor: Actor) -> None:
        """Run it, and show each finding when it is known."""
        token = self.router.session.client_token
        if token in _running:
            return
        _running.add(token)
        try:
            async with self:
                put(self, {**FRESH, "busy": True, "said": "The doctor is looking."})
            found = await _watched(self, actor)
        except HubError as error:
            async with self:
                if await still(self, actor):
                    put(self, {"said": error.text})
        else:
            async with self:
                if await still(self, actor):
                    put(self, {**_shown(found), "said": _summary(found), "finished": True})
        finally:
            _running.discard(token)
            async with self:
                put(self, {"busy": False})


@when_left
async def _left(state: Any) -> None:
    put(await state.get_state(Doctor), {**FRESH, "busy": False, "may_run": False, "loaded": False})


async def _watched(state: Doctor, actor: Actor) -> list[Finding]:
    """Run it while its findings fill the tab. Raises what the doctor raises."""
    found: list[Finding] = []
    news = asyncio.Event()

    def tell(finding: Finding) -> None:
        found.append(finding)
        news.set()

    async def show() -> None:
        while True:
            await news.wait()
            news.clear()
            async with state:
                if not await still(state, actor):  # they left, or somebody else sits there
                    return
                put(state, _shown(found))
            await asyncio.sleep(0.1)  # what comes together is shown together

    showing = asyncio.create_task(show())
    try:
        return await doctor.run(hub(), actor, tell)
    finally:
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)


def _shown(found: list[Finding]) -> dict[str, Any]:
    subjects, steps = [], {}
    for number, group in enumerate(grouped(found)):
        key = str(number)
        subjects.append([key, group.subject, WORDS[group.status][0], WORDS[group.status][1].value])
        steps[key] = [
            [STEPS.get(each.step, each.step), *_word(each.status), each.text, each.fix] for each in group.findings
        ]
    return {"subjects": subjects, "steps": steps}


def _word(status: Status) -> tuple[str, str]:
    word, tone = WORDS[status]
    return word, tone.value


def _summary(found: list[Finding]) -> str:
    counted = summary(found)
    if not found:
        return "There is nothing to look at yet. Connect something first."
    if not counted["failed"] and not counted["warning"]:
        return "Everything that could be looked at is well."
    failed = f"{counted['failed']} step{'' if counted['failed'] == 1 else 's'} failed"
    warned = f"{counted['warning']} warning{'' if counted['warning'] == 1 else 's'}"
    return f"{failed}, {warned}. What to do stands below each."


def opener(route: str) -> Markup:
    """The button on the Integrations page: it runs the doctor and shows its page."""
    return rx.el.button(
        "Run doctor", type="button", class_name="ah-button", on_click=[Doctor.run, rx.redirect(f"{route}/{WORD}")]
    )


def at(route: str, frame: Callable[[rx.Component], rx.Component] | None = None) -> Callable[[], rx.Component]:
    """The page for the Integrations page's route: what the plugin adds to the app."""

    def made() -> rx.Component:
        content = _content(route)
        whole: rx.Component = frame(content) if frame else rx.el.main(content, id="content")
        return whole

    return made


def _content(route: str) -> Markup:
    return rx.el.div(
        Behaviour.create(),
        banners.trouble(Doctor.load),
        banners.notice(),
        rx.el.header(
            rx.el.div(
                rx.el.p(link("← Integrations", to=route)),
                rx.el.h1("Doctor"),
                rx.el.p(
                    "Looks at what this workspace connects and says what to do where something is wrong.",
                    class_name="ah-quiet",
                ),
            ),
            rx.cond(Doctor.may_run, _acts()),
            class_name="ah-page-head",
        ),
        rx.cond(
            Doctor.loaded & ~Doctor.may_run,
            rx.el.p(ADMINS_ALONE, class_name="ah-banner", custom_attrs={"data-tone": "off"}),
        ),
        rx.el.p(Doctor.said, role="status", class_name="ah-doctor-said"),
        rx.foreach(Doctor.subjects, _subject),
        class_name="atlas-hub",
        custom_attrs={
            "data-loaded": rx.cond(Doctor.loaded, "yes", ""),
            "data-finished": rx.cond(Doctor.finished, "yes", ""),
            "aria-busy": rx.cond(Doctor.busy, "true", "false"),
        },
    )


def _acts() -> Markup:
    return rx.el.div(
        link(
            "Download the bundle",
            to=BUNDLE,
            reload_document=True,  # the server's, not the router's
            download="atlas-hub-doctor.json",
            class_name="ah-button",
        ),
        rx.el.button(
            rx.cond(Doctor.busy, "Looking…", rx.cond(Doctor.finished, "Run again", "Run doctor")),
            type="button",
            class_name="ah-button ah-primary",
            on_click=Doctor.run,
            custom_attrs={"aria-disabled": rx.cond(Doctor.busy, "true", "false")},
        ),
        rx.el.p(
            "The bundle has no names, addresses or secrets in it, and may be handed to whoever helps.",
            class_name="ah-about",
        ),
        class_name="ah-acts ah-doctor-acts",
    )


def _subject(subject: Any) -> Markup:
    return rx.el.section(
        rx.el.h2(shape(subject[3]), subject[1], rx.el.span(subject[2], class_name="ah-hidden")),
        rx.el.ul(rx.foreach(Doctor.steps[subject[0]], _step), class_name="ah-plain ah-findings"),
        custom_attrs={"data-subject": subject[1], "aria-label": subject[1]},
    )


def _step(step: Any) -> Markup:
    return rx.el.li(
        rx.el.span(shape(step[2]), rx.el.span(step[1]), class_name="ah-badge", custom_attrs={"data-tone": step[2]}),
        rx.el.div(
            rx.el.strong(step[0], ". "),
            step[3],
            rx.cond(step[4] != "", rx.el.p(step[4], class_name="ah-fix")),
        ),
        custom_attrs={"data-step": step[0], "data-tone": step[2]},
    )
