"""One provider's part of the OAuth apps page: its apps, what to copy, and the forms. The state is `apps.Apps`."""

from __future__ import annotations

from typing import Any

import reflex as rx

from atlas_hub.providers.contract import Provider
from atlas_hub.ui.confirming import confirming
from atlas_hub.ui.connecting import steps
from atlas_hub.ui.theme import Markup, ago, mark

NAME = "_name"


def section(provider: Provider, state: Any) -> Markup:
    """The provider's heading, the operator's app, the stored ones, and how another one is made and added."""
    place = f"ah-apps-{provider.slug}"
    rows = state.apps[provider.slug]
    return rx.el.section(
        rx.el.h2(mark(provider), provider.name, id=place),
        _given(provider, state),
        rx.cond(
            rows.length() > 0,
            rx.el.ul(rx.foreach(rows, lambda row: _app(provider, row, state)), class_name="ah-plain ah-apps"),
            rx.cond(
                state.given[provider.slug] == "",
                rx.el.p(
                    f"No app yet, so {provider.name} cannot be connected by consent here. Add one below.",
                    class_name="ah-quiet",
                ),
            ),
        ),
        rx.el.details(
            rx.el.summary(f"Add an app of {provider.name}…"),
            rx.el.div(_add(provider, state), _how_to(provider, state), class_name="ah-beside"),
            class_name="ah-disclosure",
        ),
        custom_attrs={"aria-labelledby": place, "data-apps": provider.slug},
    )


def _given(provider: Provider, state: Any) -> Markup:
    said = state.given[provider.slug]
    variables = state.variables[provider.slug]
    return rx.cond(
        said != "",
        rx.el.p(
            said,
            rx.cond(variables.length() > 0, rx.el.span(" It comes from ", rx.el.code(variables.join(", ")), ".")),
            class_name="ah-reason",
            custom_attrs={"data-given": provider.slug},
        ),
    )


def _app(provider: Provider, row: Any, state: Any) -> Markup:
    """One stored app; `row` as `apps._row` makes it."""
    error = state.errors[f"{row[0]}."]
    return rx.el.li(
        rx.el.div(
            rx.el.h3(row[1]),
            rx.cond(row[7] != "", rx.el.span("Used on the page", class_name="ah-tag")),
            rx.cond(row[9] == "", rx.el.span("Not complete", class_name="ah-quiet ah-small")),
            class_name="ah-row",
        ),
        rx.el.table(
            rx.el.tbody(
                _fact("Identifier", row[2]),
                rx.cond(row[3] != "", _fact("Client ID", row[3])),
                rx.cond(row[4] != "", rx.el.tr(rx.el.th("Secrets", scope="row"), rx.el.td(rx.el.code(row[4])))),
                rx.el.tr(rx.el.th("Added", scope="row"), rx.el.td(ago(row[6]), " by ", row[5])),
                rx.el.tr(rx.el.th("Connections by it", scope="row"), rx.el.td(row[8])),
            ),
            class_name="ah-table",
        ),
        rx.cond(error, rx.el.p(error, class_name="ah-error", role="alert")),
        rx.el.div(
            rx.el.button(
                rx.cond(row[7] != "", "Stop using it on the page", "Use on the page"),
                rx.el.span(": ", row[1], class_name="ah-hidden"),
                type="button",
                class_name="ah-button",
                on_click=state.use(provider.slug, row[0], row[7] == ""),
            ),
            _delete(provider, row, state),
            class_name="ah-row",
        ),
        rx.el.div(_replace(provider, row, state), _rename(provider, row, state), key=row[0] + state.done.to_string()),
        class_name="ah-card",
        key=row[0],
        custom_attrs={"data-app": row[1], "data-on-page": row[7]},
    )


def _fact(title: str, text: Any) -> Markup:
    return rx.el.tr(rx.el.th(title, scope="row"), rx.el.td(rx.el.span(text, class_name="ah-value"), _copy(title, text)))


def _copy(title: str, text: Any) -> Markup:
    return rx.el.button(
        "Copy",
        rx.el.span(f" {title}", class_name="ah-hidden"),
        type="button",
        class_name="ah-button ah-copy",
        custom_attrs={"data-ah-copy": text},
    )


def _hidden(provider: Provider, row: Any = None) -> list[Markup]:
    told = {"_slug": provider.slug} | ({} if row is None else {"_app": row[0]})
    return [rx.el.input(type="hidden", name=name, value=value, read_only=True) for name, value in told.items()]


def _field(place: Any, name: str, title: str, error: Any, about: str = "", **more: Any) -> Markup:
    own = {"aria-describedby": f"{place}-about", "spellcheck": "false"}
    own["aria-invalid"] = rx.cond(error, "true", "false")
    if more.get("type") == "password":
        own |= {"data-secret": "", "data-1p-ignore": ""}
    more = {"type": "text", "auto_complete": "off", **more}
    return rx.el.div(
        rx.el.label(title, html_for=place),
        rx.el.input(id=place, name=name, custom_attrs=own, **more),
        rx.el.p(rx.cond(error, error, about), id=f"{place}-about", class_name=rx.cond(error, "ah-error", "ah-about")),
        class_name="ah-field",
    )


def _credentials(provider: Provider, place: Any, whose: Any, state: Any, *, keeps: bool) -> list[Markup]:
    """The fields of the provider's app; with `keeps` an empty one leaves what is stored."""
    form = provider.oauth.app if provider.oauth else None
    if form is None:
        return []
    secrets = form.secrets()
    return [
        _field(
            f"{place}-{name}",
            name,
            (info.title or name.replace("_", " ").capitalize())
            + ("" if info.is_required() or keeps else " (optional)"),
            state.errors[f"{whose}.{name}"],
            info.description or "",
            type="password" if name in secrets else "text",
            auto_complete="new-password" if name in secrets else "off",
            placeholder="Leave empty to keep the present one" if keeps else "",
        )
        for name, info in form.model_fields.items()
    ]


def _add(provider: Provider, state: Any) -> Markup:
    place = f"ah-add-{provider.slug}"
    error = state.errors[f"{provider.slug}."]
    return rx.el.form(
        *_hidden(provider),
        _field(f"{place}-name", NAME, "Name", state.errors[f"{provider.slug}.name"], "What it is called here.",
               max_length=120),
        *_credentials(provider, place, provider.slug, state, keeps=False),
        rx.el.p(rx.cond(error, error, ""), class_name="ah-error", role="alert"),
        rx.el.div(rx.el.button("Add", type="submit", class_name="ah-button ah-primary"), class_name="ah-acts"),
        on_submit=state.add,
        no_validate=True,
        auto_complete="off",
        class_name="ah-form",
        key=place + state.done.to_string(),
        custom_attrs={"aria-label": f"Add an app of {provider.name}"},
    )  # fmt: skip


def _replace(provider: Provider, row: Any, state: Any) -> Markup:
    return rx.el.details(
        rx.el.summary("Replace its credentials…"),
        rx.el.form(
            *_hidden(provider, row),
            *_credentials(provider, f"{row[0]}", f"{row[0]}", state, keeps=True),
            rx.el.div(rx.el.button("Replace", type="submit", class_name="ah-button ah-primary"), class_name="ah-acts"),
            on_submit=state.replace,
            no_validate=True,
            auto_complete="off",
            class_name="ah-form",
        ),
        class_name="ah-disclosure",
    )


def _rename(provider: Provider, row: Any, state: Any) -> Markup:
    return rx.el.details(
        rx.el.summary("Rename…"),
        rx.el.form(
            *_hidden(provider, row),
            _field(f"{row[0]}-name", "name", "Name", state.errors[f"{row[0]}.name"], default_value=row[1],
                   max_length=120),
            rx.el.div(rx.el.button("Rename", type="submit", class_name="ah-button"), class_name="ah-acts"),
            on_submit=state.rename,
            no_validate=True,
            class_name="ah-form",
        ),
        class_name="ah-disclosure",
    )  # fmt: skip


def _delete(provider: Provider, row: Any, state: Any) -> Markup:
    place = f"delete-{row[0]}"
    return rx.fragment(
        rx.el.button(
            "Delete…",
            rx.el.span(": ", row[1], class_name="ah-hidden"),
            type="button",
            class_name="ah-button ah-danger",
            custom_attrs={"data-ah-opens": place},
        ),
        confirming(
            place,
            ("Delete ", row[1], "?"),
            *_hidden(provider, row),
            rx.el.p(
                f"What subscribers connected by it ends with it. While the {provider.name} card's own connection "
                "depends on it, it cannot be deleted."
            ),
            verb="Delete",
            act=state.delete,
        ),
    )  # fmt: skip


def _how_to(provider: Provider, state: Any) -> Markup:
    """How an app is made at the vendor, with what its page must be told."""
    consent = provider.oauth
    if consent is None:
        return rx.fragment()
    scopes = consent.between.join(sorted(provider.needed_scopes))
    return rx.el.div(
        rx.el.h3(f"How to make one at {provider.name}"),
        steps(consent.app_steps),
        _value("Redirect address of this page", state.redirects[provider.slug]),
        _value("Redirect address of the chat API", state.chat_redirect),
        *([_value("Scopes", scopes)] if scopes else []),
        class_name="ah-section",
    )


def _value(title: str, text: Any) -> Markup:
    return rx.el.div(
        rx.el.p(rx.el.strong(title), _copy(title, text), class_name="ah-row"),
        rx.el.code(text, class_name="ah-value"),
        class_name="ah-copied",
    )
