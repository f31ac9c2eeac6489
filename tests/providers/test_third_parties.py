"""Providers of other packages, by entry point: a good one is everywhere at once, a bad one is named before anything."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint, distributions
from pathlib import Path

import pytest

from atlas_hub import providers
from atlas_hub.providers import PROVIDERS
from tests.providers.installed import installed, offered

ROOT = Path(__file__).parents[2]
NTFY = ROOT / "examples" / "atlas_hub_ntfy"

ASK = """
import json
import atlas_hub_ntfy
from atlas_hub import docs
from atlas_hub.api import admin
from atlas_hub.providers import PROVIDERS
from atlas_hub.ui import page
from atlas_hub.ui.cards import CARDS
shown = str(page.at("/admin/integrations")())
print(json.dumps({
    "same": PROVIDERS["ntfy"] is atlas_hub_ntfy.PROVIDER,
    "routes": [(each.method, each.path) for each, _ in admin.routes(PROVIDERS) if "ntfy" in each.path],
    "card": CARDS["ntfy"].__name__,
    "shown": all(word in shown for word in ('"data-card":"ntfy"', '"data-drawer":"ntfy"', "Alerting")),
    "row": "## ntfy" in docs.providers() and "ATLAS_UPSTREAM_NTFY" in docs.configuration(),
}))
"""

GOOD = """
from atlas_hub import Category, Form, Method, Names, Provider, Purpose

class Way(Method[Form]):
    key, label, form, purpose = "way", "Way", Form, Purpose.ALERTS
    async def check(self, form, http, report):
        raise NotImplementedError

def made(slug, **more):
    given = dict(name="Bell", category=Category.ALERTING, docs="https://example.com", about="A bell.",
                 stops="It stops.", methods=(Way(),), names=Names())
    return Provider(slug=slug, **{**given, **more})

PROVIDER = made("bell")
"""

BAD = [
    ("raise ImportError('no module named chimes')", "loading it failed with ImportError: no module named chimes"),
    ("x = 1", "loading it failed with AttributeError: module 'bell' has no attribute 'PROVIDER'"),
    ("PROVIDER = 'bell'", "it is a str, not a Provider"),
    (f"{GOOD}\nPROVIDER = made('Bell Tower')", "its slug 'Bell Tower' is not a word"),
    (f"{GOOD}\nPROVIDER = made('../bell')", "its slug '../bell' is not a word"),
    (f"{GOOD}\nPROVIDER = made('slack')", "the word “slack” is taken by the provider Slack"),
    (f"{GOOD}\nPROVIDER = made('teams_alerts')", "the word “teams_alerts” is taken by the provider Microsoft Teams"),
    (f"{GOOD}\nPROVIDER = made('bell', names=Names(admin='email'))", "the word “email” is taken by the provider Email"),
    (f"{GOOD}\nPROVIDER = made('bell', names=Names(admin='a/b'))", "its name in the API, 'a/b', is not a word"),
    (f"{GOOD}\nPROVIDER = made('activity')", "the word “activity” is the hub's own"),
    (f"{GOOD}\nPROVIDER = made('doctor')", "the word “doctor” is the hub's own"),
    (f"{GOOD}\nPROVIDER = made('settings')", "the word “settings” is the hub's own"),
    (f"{GOOD}\nPROVIDER = made('bell', names=Names(admin='status'))", "the word “status” is the hub's own"),
    (f"{GOOD}\nPROVIDER = made('bell', methods=())", "it has no methods"),
    (f"{GOOD}\nPROVIDER = made('bell', methods=(Way,))", "it has no methods, or something among them is not a Method"),
    (f"{GOOD}\nPROVIDER = made('bell', docs='javascript:x')", "its docs are not an https:// address"),
]


def run(beside: Path, *command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(beside), str(cwd), str(ROOT)))
    env = {**os.environ, "PYTHONPATH": path}  # noqa: TID251  # another process, not this one's settings
    return subprocess.run([sys.executable, *command], env=env, cwd=cwd, capture_output=True, text=True, check=False)


def test_installing_a_package_makes_card_routes_and_docs_with_no_edit_elsewhere(tmp_path: Path):
    done = run(installed(NTFY, tmp_path / "site"), "-c", ASK)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == {
        "same": True,
        "routes": [["POST", "/ntfy"], ["DELETE", "/ntfy"]],
        "card": "NtfyCard",
        "shown": True,
        "row": True,
    }


def test_the_example_uses_the_public_door_alone():
    source = (NTFY / "atlas_hub_ntfy.py").read_text()
    assert "from atlas_hub import (" in source
    assert "atlas_hub." not in source


def test_the_examples_own_test_passes(tmp_path: Path):
    site = installed(NTFY, tmp_path / "site")
    done = run(site, "-m", "pytest", "-p", "no:cacheprovider", str(NTFY / "tests" / "test_ntfy.py"))
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_contract_suite_takes_a_package_of_somebody_elses(tmp_path: Path):
    clone = tmp_path / "clone"
    for part in ("providers", "standins"):
        shutil.copytree(ROOT / "tests" / part, clone / "tests" / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "tests" / "conftest.py", clone / "tests")
    shutil.copy(ROOT / "pyproject.toml", clone)
    shutil.copy(NTFY / "tests" / "contract" / "ntfy.py", clone / "tests" / "providers" / "entries")
    shutil.copy(NTFY / "tests" / "test_ntfy.py", clone / "tests" / "providers")
    site = installed(NTFY, tmp_path / "site")
    suite = ("tests/providers/test_contract.py", "-p", "no:cacheprovider", "-k", "ntfy and not hang")
    done = run(site, "-m", "pytest", *suite, cwd=clone)
    assert done.returncode == 0, done.stdout[-3000:]
    assert done.stdout.split("[")[0].count(".") > 50


def packages(site: Path, source: str, *names: str) -> list[EntryPoint]:
    """What packages of these names offer, which all bring the same module."""
    (site / "bell.py").write_text(source)
    for name in names:
        offered(site, name, f"[atlas_hub.providers]\n{name} = bell:PROVIDER\n")
    found = [point for distribution in distributions(path=[str(site)]) for point in distribution.entry_points]
    return sorted(found, key=lambda point: point.name)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is looked for modules in."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, "bell", raising=False)
    return tmp_path


@pytest.mark.parametrize(("source", "fault"), BAD, ids=[fault for _, fault in BAD])
def test_a_provider_that_cannot_be_used_is_named_with_its_package_and_the_remedy(site: Path, source: str, fault: str):
    with pytest.raises(providers.UnusableProvider) as caught:
        providers.offered(packages(site, source, "acme-bell"), list(PROVIDERS.values()))
    said = caught.value.text
    assert said.startswith(f"The provider “acme-bell” (bell:PROVIDER) of the package acme-bell cannot be used: {fault}")
    assert said.endswith("uninstall acme-bell; then start again.")


def test_two_packages_that_offer_the_same_word_are_told_apart_by_name(site: Path):
    with pytest.raises(providers.UnusableProvider, match="package zeta-bell cannot be used: the word “bell” is taken"):
        providers.offered(packages(site, GOOD, "acme-bell", "zeta-bell"), [])


def test_the_hub_does_not_start_with_a_provider_that_cannot_be_used(tmp_path: Path):
    (tmp_path / "bell.py").write_text("import chimes")
    site = offered(
        tmp_path / "site", "acme-bell", "[atlas_hub.providers]\nbell = bell:PROVIDER\n", tmp_path / "bell.py"
    )
    done = run(site, "-m", "atlas_hub", "serve", cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "of the package acme-bell cannot be used: loading it failed with ModuleNotFoundError" in done.stderr


def test_a_package_that_is_itself_imported_first_is_no_circle(tmp_path: Path):
    (tmp_path / "bell.py").write_text(GOOD)
    site = offered(
        tmp_path / "site", "acme-bell", "[atlas_hub.providers]\nbell = bell:PROVIDER\n", tmp_path / "bell.py"
    )
    done = run(site, "-c", "import bell; from atlas_hub.providers import PROVIDERS; print(PROVIDERS['bell'].name)")
    assert (done.returncode, done.stdout.strip()) == (0, "Bell"), done.stderr
