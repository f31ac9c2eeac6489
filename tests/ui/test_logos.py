"""Every provider has a mark or its initial, and no mark can do more than be seen."""

from __future__ import annotations

import re
from base64 import b64decode
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from atlas_hub.providers import PROVIDERS
from atlas_hub.ui import logos, theme

FILES = sorted(logos.HERE.glob("*.svg"))
LIMIT = 4096
SVG = "{http://www.w3.org/2000/svg}"
DRAWS = {"svg", "g", "defs", "rect", "circle", "path", "use", "linearGradient", "stop"}
ADDRESS = re.compile(r"url\(\s*['\"]?(?!#)|https?:|//|data:|javascript:", re.IGNORECASE)


def named(path: Path) -> str:
    return path.stem


@pytest.fixture(params=FILES, ids=named)
def drawing(request: pytest.FixtureRequest) -> ET.Element:
    """A mark, read as XML: what is not well-formed fails here."""
    return ET.fromstring(request.param.read_bytes())  # noqa: S314 - our own files


def test_there_are_marks():
    assert {"slack", "telegram", "email"} <= {path.stem for path in FILES}


@pytest.mark.parametrize("slug", PROVIDERS)
def test_every_provider_has_its_mark_or_its_initial(slug):
    provider, path = PROVIDERS[slug], logos.HERE / f"{slug}.svg"
    shown = str(theme.mark(provider))
    if path.is_file():
        kind, _, text = logos.of(slug).partition(",")
        assert (kind, b64decode(text)) == ("data:image/svg+xml;base64", path.read_bytes())
        assert logos.of(slug) in shown
    else:
        assert logos.of(slug) == ""
        assert f'"{provider.name[0]}"' in shown
        assert "ah-initial" in shown


def test_a_provider_without_a_file_has_no_mark():
    assert logos.of("no-such-provider") == ""


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_mark_is_small(path):
    assert 0 < path.stat().st_size <= LIMIT


@pytest.mark.parametrize("path", FILES, ids=named)
def test_the_readme_says_where_a_mark_is_from(path):
    assert f"| `{path.name}` |" in (logos.HERE / "README.md").read_text(encoding="utf-8")


def test_all_marks_have_one_size_and_one_tile(drawing):
    tile = drawing[0]
    assert (drawing.tag, drawing.get("viewBox")) == (f"{SVG}svg", "0 0 28 28")
    assert (tile.tag, tile.get("width"), tile.get("fill")) == (f"{SVG}rect", "27", "#fff")


def test_a_mark_only_draws(drawing):
    assert {element.tag.removeprefix(SVG) for element in drawing.iter()} <= DRAWS


def test_a_mark_has_no_event_and_no_address(drawing):
    for element in drawing.iter():
        for name, value in element.attrib.items():
            local = name.rpartition("}")[2].lower()
            assert not local.startswith("on"), name
            assert local not in {"style", "src"}, name
            assert local != "href" or value.startswith("#"), value
            assert not ADDRESS.search(value), value


def test_what_a_mark_refers_to_is_in_it(drawing):
    have = {element.get("id") for element in drawing.iter()}
    used = {
        found
        for element in drawing.iter()
        for value in element.attrib.values()
        for found in re.findall(r"#(\w+)\)", value)
    }
    used |= {str(element.get("href"))[1:] for element in drawing.iter(f"{SVG}use")}
    assert used <= have
