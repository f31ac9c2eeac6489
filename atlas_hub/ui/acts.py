"""What the drawer offers for a connection: a test message or alert, another name, the end of it."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

import reflex as rx

from atlas_hub.providers.contract import Alerts, Provider, Purpose, Revokes, Sends
from atlas_hub.services.status import Mode
from atlas_hub.ui import consent, forms
from atlas_hub.ui.confirming import confirming
from atlas_hub.ui.connecting import submit
from atlas_hub.ui.facts import section
from atlas_hub.ui.theme import Markup
from atlas_hub.ui.used import STOPS, used_by


def tests(provider: Provider, state: Any, page: Any) -> list[Markup]:
    """The test message, where what is shown can send: a form for each kind of destination, one of which shows.

    What takes alerts has no destination; what can be sent nothing says why.
    """
    if provider.lifecycle.closed or provider.methods[0].purpose is Purpose.SCRAPE:
        return [rx.cond(state.connection != "", _untestable(provider))]
    kinds: dict[str, list[Any]] = {}
    for method in provider.methods:
        if isinstance(method, Sends):
            kinds.setdefault(method.destination, []).append(method)
    return [
        rx.cond(
            reduce(or_, [state.method == method.key for method in methods], state.falls_back),
            _test(provider, _to(provider, methods[0], state), "message", page.preview, state),
        )
        for methods in kinds.values()
    ] + [
        rx.cond(state.method == method.key, _test(provider, rx.fragment(), "alert", page.alert, state))
        for method in provider.methods
        if isinstance(method, Alerts)
    ]


def _untestable(provider: Provider) -> Markup:
    why = (
        f"{provider.name} was closed, so that nothing can be sent there."
        if provider.lifecycle.closed
        else f"Nothing is sent to {provider.name}: it comes and asks. What is known above says when it did."
    )
    return section("Test", rx.el.p(why, class_name="ah-quiet", custom_attrs={"data-untestable": ""}))


def _to(provider: Provider, method: Any, state: Any) -> Markup:
    """Where a test message goes: it begins with the default destination."""
    place = f"{provider.slug}-{method.key}-to"
    error = state.errors["test.to"]
    return rx.el.div(
        rx.el.label(method.destination, html_for=place),
        rx.el.input(
            id=place,
            key=state.destination,
            name="to",
            type="text",
            placeholder=method.destination_example,
            default_value=state.destination,
            auto_complete="off",
            custom_attrs={
                "aria-describedby": f"{place}-error",
                "aria-invalid": rx.cond(error, "true", "false"),
                "spellcheck": "false",
            },
        ),
        rx.el.p(rx.cond(error, error, ""), id=f"{place}-error", class_name="ah-error", role="alert"),
        class_name="ah-field",
    )


def _test(provider: Provider, to: Markup, kind: str, preview: Any, state: Any) -> Markup:
    send = "Send test alert" if kind == "alert" else "Send test"
    return section(
        f"Send a test {kind}",
        rx.el.form(
            to,
            rx.el.details(rx.el.summary("What will be sent"), rx.el.blockquote(preview), class_name="ah-disclosure"),
            rx.el.div(submit(state, "test", send, "Sending…"), class_name="ah-acts"),
            rx.el.p(
                rx.match(
                    state.tested,
                    ("yes", rx.fragment(rx.el.strong("✓ Sent. "), state.receipt)),
                    ("no", rx.fragment(rx.el.strong("✕ Not sent. "), state.receipt)),
                    rx.fragment(),
                ),
                class_name="ah-receipt",
                role="status",
                custom_attrs={"data-tested": state.tested},
            ),
            on_submit=state.send_test,
            no_validate=True,
            custom_attrs={
                "aria-label": f"Send a test alert to {provider.name}"
                if kind == "alert"
                else f"Send a test message by {provider.name}"
            },
        ),
    )


def rename(provider: Provider, state: Any) -> Markup:
    """Another name for the connection."""
    place = f"{provider.slug}-label"
    error = state.errors["rename.label"]
    return rx.el.details(
        rx.el.summary("Rename…"),
        rx.el.form(
            rx.el.div(
                rx.el.label("Name", html_for=place),
                rx.el.input(
                    id=place, name="label", type="text", default_value=state.label, max_length=120, auto_complete="off",
                    key=state.connection,
                    custom_attrs={
                        "aria-describedby": f"{place}-error", "aria-invalid": rx.cond(error, "true", "false"),
                    },
                ),
                rx.el.p(rx.cond(error, error, ""), id=f"{place}-error", class_name="ah-error", role="alert"),
                class_name="ah-field",
            ),
            rx.el.div(submit(state, "rename", "Rename", "Renaming…"), class_name="ah-acts"),
            on_submit=state.rename,
            no_validate=True,
            custom_attrs={"aria-label": f"Rename the {provider.name} connection"},
        ),
        class_name="ah-disclosure",
    )  # fmt: skip


def choices(provider: Provider, state: Any) -> Markup:
    """What else may be done with the credentials: other ones in their place, another connection, those of one's own."""

    def opens(form: str, *text: Any) -> Markup:
        return rx.el.button(*text, type="button", class_name="ah-button", on_click=state.begin(form))

    environment = state.mode == Mode.ENVIRONMENT.value
    return rx.cond(
        state.form == "",
        rx.el.div(
            rx.cond(
                environment & (state.connection != ""),  # without a database there is nothing to adopt into
                rx.fragment(_adopt(state), opens(forms.OWN_ONE, "Connect your own…")),
            ),
            rx.cond(
                (state.mode == Mode.CONNECTED.value) & (not provider.lifecycle.closed),
                rx.cond(
                    state.by_consent & state.offers,
                    consent.begin(
                        provider, f"Agree at {provider.name} again", connection=state.connection, primary=False
                    ),
                    opens(forms.REPLACE, "Replace the key…"),
                ),
            ),
            rx.cond(
                ((state.mode == Mode.CONNECTED.value) | (state.mode == Mode.NO_DEFAULT.value))
                & (not provider.lifecycle.closed),
                opens(forms.ADD, f"Add another {provider.name}…"),
            ),
            class_name="ah-row ah-choices",
        ),
    )


def _adopt(state: Any) -> Markup:
    return rx.el.button(
        rx.cond(state.busy == "adopt", "Adopting…", "Adopt into the hub"),
        type="button",
        class_name="ah-button",
        on_click=state.adopt,
        title="Stores what the environment gives, sealed, so that it can be managed here.",
        custom_attrs={"aria-disabled": rx.cond(state.busy != "", "true", "false")},
    )


def danger(provider: Provider, state: Any, page: Any) -> Markup:
    """Disconnect, behind a dialog that says what stops."""
    place = f"{provider.slug}-disconnect"
    return section(
        "Danger zone",
        rx.el.p(provider.stops, class_name="ah-quiet"),
        rx.el.button(
            "Disconnect…", type="button", class_name="ah-button ah-danger", custom_attrs={"data-ah-opens": place}
        ),
        confirming(
            place,
            ("Disconnect ", state.label, "?"),
            rx.el.p(provider.stops, " What is stored of its key is deleted.", id=f"{place}-about"),
            _letting_go(provider, state),
            used_by(page, state.connection, rx.el.p(STOPS)),
            _heirs(provider, state),
            verb="Disconnect",
            act=state.disconnect,
            about=f"{place}-about",
        ),
    )


def _letting_go(provider: Provider, state: Any) -> Markup:
    """What happens at the vendor: a consent's grant is revoked, a typed token where the admin ticks it."""
    able = [method.key for method in provider.methods if isinstance(method, Revokes)]
    parts = []
    if provider.oauth is not None:
        able_to = isinstance(provider.oauth, Revokes)
        how, otherwise = ("is revoked, too", "If that fails") if able_to else ("stays", "To end it")
        parts.append(
            rx.cond(
                state.by_consent,
                rx.el.p(f"The grant at {provider.name} {how}. {otherwise}: {provider.oauth.by_hand}",
                        class_name="ah-quiet", custom_attrs={"data-grant": ""}),
            )
        )  # fmt: skip
    if able:
        parts.append(
            rx.cond(
                reduce(or_, [state.method == key for key in able]),
                rx.el.label(
                    rx.el.input(type="checkbox", name="revoke", value="yes"),
                    rx.el.span(f"Also revoke the token at {provider.name}"),
                    class_name="ah-radio",
                ),
            )
        )
    return rx.fragment(*parts)


def _heirs(provider: Provider, state: Any) -> Markup:
    def choice(value: Any, ticked: Any, *text: Any) -> Markup:
        return rx.el.label(
            rx.el.input(type="radio", name="promote", value=value, default_checked=ticked),
            rx.el.span(*text),
            class_name="ah-radio",
        )

    return rx.cond(
        state.others.length() > 0,
        rx.el.fieldset(
            rx.el.legend("What is used instead"),
            rx.foreach(state.others, lambda other: choice(other[0], False, other[1], " becomes the default")),  # noqa: FBT003  # unticked
            choice("", True, f"Nothing; {provider.name} has no default then"),  # noqa: FBT003  # ticked
            class_name="ah-which",
        ),
    )
