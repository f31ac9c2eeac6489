"""Copperleaf's own routes: the sign-in form and the orders API."""

from __future__ import annotations

from html import escape
from typing import Annotated

from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from host_dashboard import orders, people

api = FastAPI(title="Copperleaf", docs_url=None, redoc_url=None)

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in · Copperleaf</title>
<main style="max-width: 20rem; margin: 4rem auto; font-family: system-ui"><h1>Copperleaf</h1><p>{said}</p>
<form method="post"><input type="hidden" name="next" value="{next}">
<p><label>E-mail<br><input name="email" type="email" autocomplete="username" required></label></p>
<p><label>Password<br><input name="password" type="password" autocomplete="current-password" required></label></p>
<button>Sign in</button></form></main></html>"""


@api.get("/sign-in")
def sign_in_page(next: str = "/") -> HTMLResponse:  # noqa: A002  # the query's word, which the hub sends
    return _page(next)


@api.post("/sign-in")
def sign_in(
    request: Request,
    email: Annotated[str, Form()],
    password: Annotated[str, Form()],
    next: Annotated[str, Form()] = "/",  # noqa: A002  # same
) -> Response:
    _refuse_other_sites(request)
    token = people.sign_in(email, password)
    if token is None:
        return _page(next, "E-mail and password do not belong together. Try again.", status=422)
    answer = RedirectResponse(_own(next), status_code=303)
    secure = request.url.scheme == "https"
    answer.set_cookie(people.COOKIE, token, httponly=True, samesite="lax", secure=secure, max_age=14 * 86_400)
    return answer


@api.post("/sign-out")
def sign_out(request: Request) -> Response:
    _refuse_other_sites(request)
    people.sign_out(request.cookies.get(people.COOKIE, ""))
    answer = RedirectResponse("/sign-in", status_code=303)
    answer.delete_cookie(people.COOKIE)
    # Reflex knows a tab by a token in its storage: whoever signs in next begins with a state of their own.
    answer.headers["Clear-Site-Data"] = '"storage"'
    return answer


@api.get("/api/orders")
def list_orders(request: Request) -> list[dict[str, object]]:
    seat = people.who(request.cookies.get(people.COOKIE))
    if seat is None:
        raise HTTPException(401, "Sign in first.")
    return [order.model_dump(mode="json") for order in orders.of(seat.tenant)]


def _page(then: str, said: str = "Sign in to the dashboard.", status: int = 200) -> HTMLResponse:
    return HTMLResponse(PAGE.format(said=said, next=escape(_own(then))), status_code=status)


def _own(path: str) -> str:
    """A path of this site; anything else leads home."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


def _refuse_other_sites(request: Request) -> None:
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise HTTPException(403, "This form was sent from another site.")
