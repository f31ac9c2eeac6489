"""How a journey begins: its owner signs in, and has a key."""

from __future__ import annotations

import json

from tests.leaks.doors import EMAIL
from tests.leaks.journey import Journey
from tests.leaks.site import link_of


def enter(journey: Journey) -> None:
    """Become the owner: by the set-up link where the server printed one, else by the command line. Make a key."""
    site, aviary = journey.site, journey.aviary
    password = journey.password = aviary.password("sign-in")
    if b"setUpLink" in site.printed:
        path = link_of(site).removeprefix(site.base)
        aviary.add("set-up link", path.rpartition("/")[2])
        fields = {
            "workspace": "Acme",
            "name": "Ana",
            "email": "no address",
            "password": aviary.password("set-up, refused"),
        }
        assert journey.fill("set up, refused", path, fields).status_code == 422
        done = journey.fill("set up", path, {**fields, "email": EMAIL, "password": password})
        assert done.status_code == 303
        aviary.add("session cookie", journey.web.cookies["atlas_session"])
        assert journey.ask("set up, again", "GET", path).status_code == 410
        assert journey.ask("sign out", "POST", "/sign-out", headers={"Origin": site.base}).status_code == 303
        made = json.loads(site.command("workspace", "list", "--json").stdout)[0]
    else:
        made = json.loads(site.command("workspace", "create", "--name", "Acme", "--json").stdout)
        words = ("user", "create", "--email", EMAIL, "--role", "owner", "--workspace", made["id"], "--password-stdin")
        ran = site.command(*words, stdin=f"{password}\n")
        journey.outputs["user create"] = ran.stdout + ran.stderr
    assert journey.fill("sign in", "/sign-in", {"email": EMAIL, "password": password}).status_code == 303
    aviary.add("session cookie", journey.web.cookies["atlas_session"])
    aviary.add("form cookie", journey.web.cookies["atlas_form"])
    ran = site.command("key", "create", "--workspace", made["id"], "--role", "owner", "--json")
    journey.workspace, journey.public = made["id"], json.loads(ran.stdout)["publicKey"]
    journey.key = aviary.add("API private key", json.loads(ran.stdout)["privateKey"])
    journey.outputs["key create"], journey.outputs["key create, stderr"] = ran.stdout, ran.stderr
    ran = site.command("key", "list")
    journey.outputs["key list"] = ran.stdout + ran.stderr
