"""One state class for each part of each provider, made from the registry: `CARDS["slack"]` is `SlackCard`.

The classes must exist, with the same names, before the page is compiled and in every worker, so nothing but the
registry decides which there are. No var here, with an underscore or without, may ever hold a secret: states are
pickled.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

import reflex as rx

from atlas_hub.hub import hub
from atlas_hub.kit.errors import AnotherAccount, BadForm, HubError, NotAvailable
from atlas_hub.providers import PARTS, key_of
from atlas_hub.providers.contract import Provider, Report
from atlas_hub.services import connections, delivery
from atlas_hub.services.access import Actor
from atlas_hub.services.status import Mode
from atlas_hub.services.views import Connected
from atlas_hub.ui import forms, words
from atlas_hub.ui.consenting import Consenting
from atlas_hub.ui.guard import admin_only
from atlas_hub.ui.newer import Newer
from atlas_hub.ui.showing import FRESH, put
from atlas_hub.ui.working import OWN, at_work, climb, tell, working


class CardState(rx.State, mixin=True):
    """What every card shows and can do."""

    mode: str = words.LOADING
    state: str = ""
    badge: str = words.MODES[words.LOADING][0]
    tone: str = words.Tone.OFF.value
    reason: str = ""
    connection: str = ""
    label: str = ""
    account: str = ""
    method: str = ""
    details: rx.Field[list[list[str]]] = rx.field(default_factory=list)
    truths: rx.Field[list[list[str]]] = rx.field(default_factory=lambda: [list(each) for each in FRESH["truths"]])
    masks: rx.Field[list[list[str]]] = rx.field(default_factory=list)
    others: rx.Field[list[list[str]]] = rx.field(default_factory=list)
    granted: rx.Field[list[str]] = rx.field(default_factory=list)
    missing: rx.Field[list[str]] = rx.field(default_factory=list)
    options: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    by: str = ""
    at: str = ""
    expires: str = ""
    needs: bool = False
    hint: rx.Field[list[str]] = rx.field(default_factory=list)
    variables: rx.Field[list[str]] = rx.field(default_factory=list)
    fallback: str = ""
    falls_back: bool = False
    suggested: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    scrape: str = ""
    destination: str = ""
    invite: str = ""

    form: str = ""
    busy: str = ""
    ladder: rx.Field[list[list[str]]] = rx.field(default_factory=list)
    errors: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    present: str = ""
    proven: str = ""
    silent: bool = False
    said: str = ""
    tested: str = ""
    receipt: str = ""
    tried: str = ""

    provider: ClassVar[Provider]

    @rx.event
    @admin_only
    async def begin(self, actor: Actor, form: str) -> None:  # noqa: ARG002  # every handler is told who asks
        """Open the form that replaces the credentials, adds another connection, connects one's own, or none."""
        put(self, {name: FRESH[name] for name in OWN} | {"form": form if form in forms.KINDS else ""})

    @rx.event(background=True)
    @admin_only
    async def connect(self, actor: Actor, form_data: dict[str, Any]) -> None:
        """Prove what was typed, store it, show what became of it. The secrets go through and are kept nowhere."""
        typed, agreed, form = forms.typed(self.provider, form_data), self.proven, self.form
        adds = form == forms.ADD
        keep = "" if adds or self.mode != Mode.CONNECTED else self.connection
        async with working(self, actor, "connect") as free:
            if not free:
                typed.values.clear()
                return

            await tell(self, tried=typed.method)

            async def work(report: Report) -> Connected:
                if self.provider.lifecycle.closed:  # no button leads here
                    raise NotAvailable(words.lifecycle(self.provider))
                return await connections.connect(
                    hub(),
                    actor,
                    self.provider.slug,
                    typed.method,
                    typed.values,
                    source="page",
                    mode=connections.Mode.ADD if adds else typed.mode,
                    agreed=agreed,
                    keep=keep,
                    report=report,
                    save_unverified=typed.anyway,
                )

            try:
                connected = await climb(self, work)
            except AnotherAccount as error:
                await tell(self, present=error.present, proven=error.proven)
            except HubError as error:
                silent = words.is_silence(error) and forms.may_save_unverified(self.provider, typed.method)
                ladder = [[text, ok, "" if said == error.text else said] for text, ok, said in self.ladder]
                await tell(self, errors=words.of_error(error, typed.method), silent=silent, ladder=ladder)
            else:
                await tell(self, form="", ladder=[], said=words.welcome(self.provider, connected))
            finally:
                typed.values.clear()

    @rx.event(background=True)
    @admin_only
    async def check(self, actor: Actor) -> None:
        """Ask the vendor again whether it still works."""
        async with working(self, actor, "check") as free:
            if not free:
                return

            async def work(report: Report) -> Any:
                return await connections.check_now(hub(), actor, self.connection, report)

            try:
                view = await climb(self, work)
            except HubError as error:
                await tell(self, errors={"card": error.text}, ladder=[])
            else:
                await tell(self, said=f"Checked: {words.BADGES[view.state][0].lower()}.", ladder=[])

    @rx.event(background=True)
    @admin_only
    async def adopt(self, actor: Actor) -> None:
        """Take what the environment gives into the store."""
        async with working(self, actor, "adopt") as free:
            if not free:
                return

            async def work(report: Report) -> Connected:
                return await connections.adopt(hub(), actor, self.provider.slug, report)

            try:
                connected = await climb(self, work)
            except HubError as error:
                await tell(self, errors={"card": error.text}, ladder=[])
            else:
                said = f"{words.welcome(self.provider, connected)} It is managed here now; its variable may be removed."
                await tell(self, said=said, ladder=[])

    @rx.event(background=True)
    @admin_only
    async def check_other(self, actor: Actor, connection_id: str) -> None:
        """Ask the vendor about a connection that is stored beside the default."""
        async with working(self, actor, "check") as free:
            if not free:
                return
            try:
                view = await connections.check_now(hub(), actor, str(connection_id))
            except HubError as error:
                await tell(self, errors={"card": error.text})
            else:
                await tell(self, said=f"{view.label}: {words.BADGES[view.state][0].lower()}. {view.reason}".rstrip())

    @rx.event(background=True)
    @admin_only
    async def disconnect_other(self, actor: Actor, form_data: dict[str, Any]) -> None:
        """Delete a connection that is stored beside the default."""
        async with working(self, actor, "disconnect") as free:
            if not free:
                return
            try:
                gone = await connections.disconnect(hub(), actor, str(form_data.get("connection", "")))
            except HubError as error:
                await tell(self, errors={"card": error.text})
            else:
                await tell(self, said=words.gone(gone))

    @rx.event(background=True)
    @admin_only
    async def send_test(self, actor: Actor, form_data: dict[str, Any]) -> None:
        """Send the test message and show the vendor's receipt or reason."""
        async with working(self, actor, "test") as free:
            if not free:
                return
            try:
                to = str(form_data.get("to", ""))
                if self.connection:
                    sent = await delivery.send_test(hub(), actor, self.connection, to)
                else:
                    sent = await delivery.send_test_mail(hub(), actor, to)
            except BadForm as error:
                await tell(self, errors={"test.to": error.fields.get("to", error.text)}, tested="")
            except HubError as error:
                await tell(self, tested="no", receipt=error.text)
            else:
                proof = f"{sent.text} Receipt {sent.receipt}" if sent.receipt not in sent.text else sent.text
                await tell(self, tested="yes" if sent.success else "no", receipt=proof)

    @rx.event(background=True)
    @admin_only
    async def rename(self, actor: Actor, form_data: dict[str, Any]) -> None:
        """Call the connection something else."""
        async with working(self, actor, "rename") as free:
            if not free:
                return
            try:
                view = await connections.rename(hub(), actor, self.connection, str(form_data.get("label", "")))
            except BadForm as error:
                await tell(self, errors={"rename.label": error.text})
            except HubError as error:
                await tell(self, errors={"card": error.text})
            else:
                await tell(self, said=f"It is called {view.label} now.", label=view.label)

    @rx.event(background=True)
    @admin_only
    async def make_default(self, actor: Actor, connection_id: str) -> None:
        """Make a stored connection the one that is used."""
        async with working(self, actor, "default") as free:
            if not free:
                return
            try:
                view = await connections.make_default(hub(), actor, str(connection_id))
            except HubError as error:
                await tell(self, errors={"card": error.text})
            else:
                await tell(self, said=f"{view.label} is the default now.")

    @rx.event(background=True)
    @admin_only
    async def disconnect(self, actor: Actor, form_data: dict[str, Any]) -> None:
        """Delete the connection that this tab shows, and promote another where the admin chose one."""
        async with working(self, actor, "disconnect") as free:
            if not free:
                return
            promote, revoke = str(form_data.get("promote", "")) or None, bool(form_data.get("revoke"))
            try:
                gone = await connections.disconnect(hub(), actor, self.connection, promote=promote, revoke=revoke)
            except HubError as error:
                await tell(self, errors={"card": error.text})
            else:
                await tell(self, said=words.gone(gone, wanted=revoke))


def settle(card: Any, token: str) -> None:
    """Clear what an earlier visit of the tab left on a card, unless the card is at work."""
    if (token, key_of(card.provider)) in at_work:
        return
    put(card, {name: FRESH[name] for name in ("busy", "form", *OWN)})


def _state_of(key: str, provider: Provider) -> type[CardState]:
    name = "".join(word.title() for word in key.split("_")) + "Card"
    made: type[CardState] = type(
        name,
        (CardState, Consenting, Newer, rx.State),
        {
            "__module__": __name__,
            "__qualname__": name,
            "__doc__": f"The {provider.name} card.",
            "provider": provider,
            "__annotations__": {"provider": ClassVar[Provider]},  # else it becomes a var and goes to the browser
        },
        mixin=False,
    )
    globals()[name] = made  # pickles and tracebacks find it by its name
    return made


CARDS: Final = {key: _state_of(key, part) for key, part in PARTS.items()}
"""The state class of every part of every provider, by its key."""
