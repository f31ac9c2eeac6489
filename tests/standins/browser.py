"""A browser's part on the consent pages, without a browser: the form of a page, filled in and sent."""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx


class Form(HTMLParser):
    """The form of a page: where it goes, what it begins with, its buttons (words → value) and lists.

    `lists`: label → (field, words → value).
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.buttons: dict[str, str] = {}
        self.lists: dict[str, tuple[str, dict[str, str]]] = {}
        self._words: list[str] = []
        self._labels: dict[str, str] = {}
        self._open: dict[str, str] = {}
        self._list: dict[str, str] = {}
        self._name = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a form is made of."""
        given = {name: unescape(value or "") for name, value in attrs}
        if tag == "form":
            self.action = given["action"]
        elif tag == "input":
            self.fields[given["name"]] = given["value"]
        elif tag == "select":
            self._list, self._name = {}, given.get("name", "")
            self.lists[self._labels[given["id"]]] = (self._name, self._list)
        if tag in ("button", "option", "label"):
            self._open, self._words = given, []
            if tag == "option" and self._name and ("selected" in given or self._name not in self.fields):
                self.fields[self._name] = given["value"]

    def handle_data(self, data: str) -> None:
        """Gather the words of a button, an option or a label."""
        self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        """Name what has just ended by its words."""
        words = "".join(self._words).strip()
        if tag == "button":
            self.buttons[words] = self._open["value"]
        elif tag == "option":
            self._list[words] = self._open["value"]
        elif tag == "label":
            self._labels[self._open["for"]] = words


def click(http: httpx.Client, url: str, button: str, **choices: str) -> httpx.URL:
    """Open a consent page, choose in its lists (field → words), press a button; where that leads.

    Raises `AssertionError` where the page is an error page, or where the answer leads nowhere.
    """
    page = http.get(url)
    form = Form(page.text)
    assert form.action, page.text
    said = dict(form.fields)
    for name, options in form.lists.values():
        if name in choices:
            said[name] = options[choices[name]]
    answer = http.post(urljoin(url, form.action), data=said | {"answer": form.buttons[button]})
    assert answer.status_code == 302, answer.text
    return httpx.URL(answer.headers["location"])


def told(url: httpx.URL | str) -> dict[str, str]:
    """What an address says in its query."""
    return dict(parse_qsl(urlsplit(str(url)).query))
