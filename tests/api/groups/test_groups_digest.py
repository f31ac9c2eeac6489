"""HTTP Digest: what is offered, what is taken, by which clients; and that nobody learns why they were refused."""

from __future__ import annotations

import asyncio
import hashlib
import re
import subprocess
import urllib.request
from base64 import b64encode
from datetime import timedelta
from pathlib import Path
from secrets import token_bytes

import httpx
import pytest

from atlas_hub.api import digest as proof
from atlas_hub.hub import Hub
from atlas_hub.kit.secret import Secret
from atlas_hub.services import digest
from tests.api.groups.ground import FLOWDOCK, PREFIX, Client, Place, calling, code, place
from tests.api.groups.ground import digest as signing
from tests.api.operated_server import Server, served
from tests.conftest import KEY, open_hub
from tests.conftest import test_settings as settings_for

NONCE = "A" * 32


def header(**changed: str) -> bytes:
    """An Authorization header with everything that is needed, some of it changed; None leaves it out."""
    usual = {
        "username": '"abcdefgh"',
        "realm": '"Atlas Hub"',
        "nonce": f'"{NONCE}"',
        "uri": '"/a?b=c,d"',
        "response": '"0123"',
        "algorithm": "MD5",
        "qop": "auth",
        "nc": "00000001",
        "cnonce": '"xyz"',
    }
    return ("Digest " + ", ".join(f"{name}={value}" for name, value in {**usual, **changed}.items() if value)).encode()


def made(user: str, secret: str, method: str, uri: str, nonce: str, nc: int = 1, algorithm: str = "MD5") -> str:
    """A header as RFC 7616 §3.4 says, worked out by hand."""
    hashed = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[algorithm]

    def h(text: str) -> str:
        return hashed(text.encode()).hexdigest()

    response = h(f"{h(f'{user}:Atlas Hub:{secret}')}:{nonce}:{nc:08x}:c:auth:{h(f'{method}:{uri}')}")
    return header(
        username=f'"{user}"',
        nonce=f'"{nonce}"',
        uri=f'"{uri}"',
        response=f'"{response}"',
        algorithm=algorithm,
        nc=f"{nc:08x}",
        cnonce='"c"',
    ).decode()


def test_a_claim_is_read_with_its_quotes_escapes_and_commas() -> None:
    found = proof.claim([header(username='"a\\"b,\\\\c"', algorithm='"sha-256"')])
    assert found is not None
    assert (found.username, found.uri, found.algorithm, found.count) == ('a"b,\\c', "/a?b=c,d", "SHA-256", 1)
    assert proof.claim([b"dIgEsT   " + header()[7:].replace(b", ", b" ,\t")]) is not None
    assert "0123" not in repr(found)


@pytest.mark.parametrize(
    "given",
    [
        [],
        [header(), header()],
        [b"Basic YTpi"],
        [b"Digest"],
        [header()[:-3]],
        [header() + b', username="twice"'],
        [header() + b", no value"],
        [header(cnonce='"' + "x" * 4096 + '"')],
        *(
            [header(**{name: value})]
            for name, value in {
                "username": "",
                "realm": '"MMS Public API"',
                "nonce": "",
                "uri": "",
                "response": "",
                "algorithm": "MD5-sess",
                "qop": "auth-int",
                "cnonce": '""',
                "userhash": "true",
            }.items()
        ),
        [header(qop="")],
        *([header(nc=nc)] for nc in ("", "1", "00000000", "ffffffff", "0000000g", "000000001")),
        [header(username='"a\tb"')],
        [header(username="a b")],
        [header(username='"a\\')],
    ],
)
def test_what_is_no_whole_claim_of_what_is_offered_is_none(given: list[bytes]) -> None:
    assert proof.claim(given) is None


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_a_claim_is_proven_by_its_own_secret_method_and_target_alone(algorithm: str) -> None:
    found = proof.claim([made("abcdefgh", "secret", "GET", "/x?y=1", NONCE, algorithm=algorithm).encode()])
    assert found is not None
    assert proof.proves(found, "GET", Secret("secret"))
    assert not proof.proves(found, "HEAD", Secret("secret"))
    assert not proof.proves(found, "GET", Secret("secrets"))


def test_counts_are_taken_once_and_may_come_late_by_127() -> None:
    counts = None
    for number in (5, 4, 200, 73, 199):
        counts = digest.counted(counts, number)
        assert counts is not None
        assert digest.counted(counts, number) is None
    assert digest.counted(counts, 72) is None
    assert digest.counted(counts, 4) is None
    assert digest.counted(counts, 74) is not None
    far = digest.counted(counts, proof.MOST)
    assert far is not None
    assert len(far[1]) <= 32
    assert digest.counted(far, 200) is None


async def test_a_challenge_offers_md5_first_then_sha_256_with_one_nonce(hub: Hub, here: Place) -> None:
    async with calling(None) as client:
        answer = await client.get(here.path)
    assert answer.status_code == 401
    offered = answer.headers.get_list("www-authenticate")
    nonce = re.search(r'nonce="([A-Za-z0-9+/]{32})"', offered[0])
    assert nonce
    assert offered == [
        f'Digest realm="Atlas Hub", domain="", nonce="{nonce[1]}", algorithm={name}, qop="auth", stale=false'
        for name in ("MD5", "SHA-256")
    ]
    assert digest.made_at(hub, nonce[1]) is not None


async def ask(path: str, authorization: str | None, method: str = "GET") -> httpx.Response:
    async with calling(None) as client:
        return await client.request(
            method, path, headers={} if authorization is None else {"Authorization": authorization}
        )


async def test_a_nonce_is_known_again_by_any_key_and_no_other_is(hub: Hub, here: Place, tmp_path: Path) -> None:
    nonce = digest.new_nonce(hub)
    assert digest.made_at(hub, nonce) is not None
    forged = ("B" if nonce[0] != "B" else "C") + nonce[1:]
    for other in ("", "x", NONCE, forged, nonce[:-1], nonce + "A", "ä" * 32):
        assert digest.made_at(hub, other) is None
    user, secret = here.key.view.public_key, here.key.private_key.reveal()
    assert (await ask(here.path, made(user, secret, "GET", here.path, forged))).status_code == 401
    newer = settings_for(tmp_path, encryption_keys=f"v2:{b64encode(token_bytes(32)).decode()},{KEY}")
    async with open_hub(newer) as other:  # a worker that has rotated already
        assert digest.made_at(other, nonce) is not None
        assert digest.made_at(hub, digest.new_nonce(other)) is None  # and one that has not asks for another


async def test_a_good_claim_is_taken_once(hub: Hub, here: Place) -> None:
    user, secret, nonce = here.key.view.public_key, here.key.private_key.reveal(), digest.new_nonce(hub)
    first = made(user, secret, "GET", here.path, nonce)
    assert (await ask(here.path, first)).status_code == 200
    again = await ask(here.path, first)
    assert again.status_code == 401
    assert "stale=false" in again.headers["www-authenticate"]
    assert (await ask(here.path, made(user, secret, "GET", here.path, nonce, 2, "SHA-256"))).status_code == 200
    for path, method, uri in (
        (f"{here.path}?pretty=true", "GET", here.path),  # the query is part of what is signed
        (here.path, "GET", f"{here.path}?pretty=true"),
        (here.path, "GET", f"{here.path}??"),
        (here.path, "HEAD", here.path),
        (here.path + "/", "GET", here.path),
        (here.path, "GET", f"http://hub.test{here.path}/"),
        (here.path, "GET", f"http://hub.test/?{here.path}"),
        (here.path, "GET", f"ftp://hub.test{here.path}"),
        (here.path, "GET", f"//hub.test{here.path}"),
    ):
        assert (await ask(path, made(user, secret, "GET", uri, nonce, 3), method)).status_code == 401
    encoded = here.at("FLOW%44OCK")
    assert (await ask(encoded, made(user, secret, "GET", encoded, nonce, 3))).status_code == 404
    assert (await ask(encoded, made(user, secret, "GET", here.at("FLOWDOCK"), nonce, 4))).status_code == 401


@pytest.mark.parametrize("before", ["", "http://hub.test", "HTTPS://hub.test:8443"])
@pytest.mark.parametrize("after", ["", "?", "?pretty=true&x=%2F+"])
async def test_a_target_may_be_signed_in_absolute_form_and_with_an_empty_query(
    hub: Hub, here: Place, before: str, after: str
) -> None:
    user, secret = here.key.view.public_key, here.key.private_key.reveal()
    for path, status in ((here.path + after, 200), (here.path + "?x=y", 401)):
        signed = made(user, secret, "GET", f"{before}{here.path}{after}", digest.new_nonce(hub))
        assert (await ask(path, signed)).status_code == status


async def test_a_wrong_proof_uses_no_count(hub: Hub, here: Place) -> None:
    user, secret, nonce = here.key.view.public_key, here.key.private_key.reveal(), digest.new_nonce(hub)
    assert (await ask(here.path, made(user, "wrong", "GET", here.path, nonce))).status_code == 401
    assert (await ask(here.path, made(user, secret, "GET", here.path, nonce))).status_code == 200


async def test_links_lead_to_the_public_address_whatever_the_host_header_says(vendors: object, tmp_path: Path) -> None:
    async with open_hub(settings_for(tmp_path, public_url="https://hub.example.com")) as hub:
        here = await place(hub)
        async with calling(here.key) as client:
            [link] = (await client.get(here.path, headers={"Host": "evil.example"})).json()["links"]
    assert link["href"] == f"https://hub.example.com{here.path}?pageNum=1&itemsPerPage=100"


async def test_an_old_nonce_is_stale_and_a_client_goes_on_with_the_new_one(hub: Hub, here: Place) -> None:
    user, secret = here.key.view.public_key, here.key.private_key.reveal()
    nonce = digest.new_nonce(hub)
    object.__setattr__(hub, "now", lambda now=hub.now: now() + timedelta(minutes=5, seconds=1))
    answer = await ask(here.path, made(user, secret, "GET", here.path, nonce))
    assert answer.status_code == 401
    assert all("stale=true" in value for value in answer.headers.get_list("www-authenticate"))
    wrong = await ask(here.path, made(user, "wrong", "GET", here.path, nonce))
    assert wrong.content == answer.content
    assert "stale=true" in wrong.headers["www-authenticate"]  # it says something of the nonce, nothing of the key


async def test_httpx_goes_on_when_its_nonce_has_ended(hub: Hub, here: Place, groups: Client) -> None:
    assert (await groups.get(here.path)).status_code == 200
    object.__setattr__(hub, "now", lambda now=hub.now: now() + timedelta(minutes=6))
    answer = await groups.get(here.path)
    assert (answer.status_code, len(answer.history)) == (200, 1)
    assert len((await groups.get(here.path)).history) == 0


async def test_nobody_learns_why_they_were_refused(hub: Hub, here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same answer; and of a claim that is one, the same work: one query, one envelope opened, one proof."""
    user, secret = here.key.view.public_key, here.key.private_key.reveal()
    opened: list[str] = []
    proven: list[str] = []
    real_open, real_proves = type(hub.vault).open, proof.proves
    monkeypatch.setattr(type(hub.vault), "open", lambda *a, **k: opened.append("") or real_open(*a, **k))
    monkeypatch.setattr(proof, "proves", lambda *a: proven.append("") or real_proves(*a))
    answers, work = [], []
    for who, knows in (("zzzzzzzz", secret), (user, "wrong"), ('a"b', "x"), ("", "x"), ("z" * 3000, "x")):
        opened.clear()
        proven.clear()
        escaped = who.replace('"', '\\"')
        answers.append(await ask(here.path, made(escaped, knows, "GET", here.path, digest.new_nonce(hub))))
        work.append((len(opened), len(proven)))
    assert set(work[:4]) == {(1, 1)}
    answers += [
        await ask(here.path, given) for given in (None, "Basic YTpi", f"Bearer {secret}", "Digest nonsense", "")
    ]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert {answer.status_code for answer in answers} == {401}
    assert {tuple(sorted(answer.headers)) for answer in answers} == {tuple(sorted(answers[0].headers))}
    assert answers[0].json()["errorCode"] == "UNEXPECTED_ERROR"


async def test_twenty_at_once_by_one_client_and_by_many(each_hub: Hub) -> None:
    here = await place(each_hub)
    async with calling(here.key) as client:
        assert (await client.get(here.path)).status_code == 200
        answers = await asyncio.gather(*(client.get(here.path) for _ in range(20)))
        assert [answer.status_code for answer in answers] == [200] * 20
        assert all(not answer.history for answer in answers)  # one nonce for all of them
    async with calling(here.key) as first, calling(here.key) as second, calling(here.reader) as third:
        answers = await asyncio.gather(*(each.get(here.path) for each in (first, second, third) * 7))
        assert {answer.status_code for answer in answers} == {200}


async def test_two_workers_know_each_other_s_nonces_and_refuse_what_the_other_has_seen(
    database_url: str, tmp_path: Path, vendors: object
) -> None:
    settings = settings_for(tmp_path, database_url=database_url)
    async with open_hub(settings) as one, open_hub(settings) as other:
        here = await place(one)
        made_there = digest.new_nonce(one)
        moment = digest.made_at(other, made_there)
        assert moment is not None
        found = await digest.known(other, here.key.view.public_key, made_there)
        assert found.secret == here.key.private_key
        assert await digest.count(other, made_there, moment, 1, found.counts)
        for hub in (one, other):
            again = await digest.known(hub, here.key.view.public_key, made_there)
            assert not await digest.count(hub, made_there, moment, 1, again.counts)
        # Both have read the same counts, and each writes its own: nothing of the other's is lost.
        seen = (await digest.known(one, "", made_there)).counts
        written = await asyncio.gather(
            *(digest.count(hub, made_there, moment, number, seen) for number in range(2, 22) for hub in (one, other))
        )
        assert sum(written) == 20
        assert (await digest.known(one, "", made_there)).counts == (21, f"{2**21 - 1:x}")


async def test_a_key_for_other_apis_is_known_and_may_not(hub: Hub, here: Place) -> None:
    async with calling(here.elsewhere) as client:
        answer = await client.get(here.path)
        assert code(answer) == (401, "USER_UNAUTHORIZED", [])
        assert "www-authenticate" not in answer.headers
        assert code(await client.get(f"{PREFIX}/nothing")) == (401, "USER_UNAUTHORIZED", [])


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def live(request: pytest.FixtureRequest, tmp_path: Path) -> object:
    """A server with two workers, and a workspace with keys."""
    url = "" if request.param == "sqlite" else request.getfixturevalue("migrated_postgres_url")
    settings = settings_for(tmp_path, **({"database_url": url} if url else {}))
    async with open_hub(settings) as hub:
        here = await place(hub)
    nowhere = {f"ATLAS_UPSTREAM_{name}": "http://127.0.0.1:9" for name in ("SLACK", "DATADOG", "PAGERDUTY")}
    with served(tmp_path, workers=2, database=url, **nowhere) as server:
        yield server, here


def curl(server: Server, here: Place, *more: str, path: str = "") -> tuple[int, str]:
    key = f"{here.key.view.public_key}:{here.key.private_key.reveal()}"
    words = ["curl", "-sS", "-m", "30", "--noproxy", "*", "-u", key, "--digest", "-w", "\n%{http_code}", *more]
    done = subprocess.run([*words, server.base + here.path + path], capture_output=True, text=True, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


async def test_curl_and_httpx_over_real_http_with_two_workers(live: tuple[Server, Place]) -> None:
    server, here = live
    body = '{ "type": "FLOWDOCK", "flowName": "myFlowName", "apiToken": "1234567890", "orgName": "myOrg" }'
    sent = ("-X", "POST", "-H", "Content-Type: application/json", "-d", body)
    status, text = curl(server, here, *sent, path="/FLOWDOCK")
    assert (status, '"apiToken":"1234567890"' in text) == (200, True)
    assert curl(server, here, *sent, path="/FLOWDOCK")[0] == 409
    for _ in range(4):
        status, text = curl(server, here, path="/FLOWDOCK?pretty=true&envelope=true")
        assert (status, '"******7890"' in text) == (200, True)
    assert curl(server, here, "-I")[0] == 200
    async with Client(base_url=server.base, auth=signing(here.key), trust_env=False, timeout=60) as client:
        answers = await asyncio.gather(*(client.get(here.path) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        answers = await asyncio.gather(*(client.get(here.path) for _ in range(20)))
        assert [len(answer.history) for answer in answers] == [0] * 20
        big = {**FLOWDOCK, "flowName": "x" * 200_000}  # sent whole before the challenge
        assert (await client.put(here.at("FLOWDOCK"), json=big)).status_code == 400
        async with Client(base_url=server.base, trust_env=False) as bare:
            offered = (await bare.get(here.path)).headers["www-authenticate"]
            nonce = re.search(r'nonce="([^"]+)"', offered)
            assert nonce
            user, secret = here.key.view.public_key, here.key.private_key.reveal()
            said = {"Authorization": made(user, secret, "GET", here.path, nonce[1], algorithm="SHA-256")}
            replays = await asyncio.gather(*(bare.get(here.path, headers=said) for _ in range(12)))
        assert sorted(answer.status_code for answer in replays) == [200] + [401] * 11  # whichever worker it came to
    for _ in range(3):
        assert curl(server, here, "-X", "DELETE", path="/FLOWDOCK")[0] in {204, 404}
    log = server.log.read_text()
    assert "1234567890" not in log
    assert here.key.private_key.reveal() not in log


def urllib_signs(server: Server, here: Place, proxies: dict[str, str]) -> urllib.request.OpenerDirector:
    known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    known.add_password(None, server.base, here.key.view.public_key, here.key.private_key.reveal())
    return urllib.request.build_opener(
        urllib.request.ProxyHandler(proxies), urllib.request.HTTPDigestAuthHandler(known)
    )


async def test_urllib_also_where_it_asks_through_a_proxy(live: tuple[Server, Place]) -> None:
    server, here = live
    for proxies in ({}, {"http": server.base}):  # by a proxy the request line and what is signed name the host, too
        opener = urllib_signs(server, here, proxies)
        for query in ("", "?pretty=true", "?"):
            with opener.open(f"{server.base}{here.path}{query}", timeout=30) as answer:
                assert answer.status == 200


async def test_httpx_with_an_empty_query(live: tuple[Server, Place]) -> None:
    server, here = live
    async with Client(base_url=server.base, auth=signing(here.key), trust_env=False) as client:
        answer = await client.get(here.path + "?")
    assert (answer.status_code, answer.request.url.raw_path) == (200, here.path.encode() + b"?")


async def test_a_client_that_takes_sha_256_alone(live: tuple[Server, Place]) -> None:
    server, here = live

    class Newest(httpx.DigestAuth):
        """httpx takes the first challenge: this one looks for the other."""

        def auth_flow(self, request):
            flow = super().auth_flow(request)
            response = yield next(flow)
            values = [v for v in response.headers.get_list("www-authenticate") if "SHA-256" in v]
            response.headers["www-authenticate"] = values[0]
            yield flow.send(response)

    auth = Newest(here.key.view.public_key, here.key.private_key.reveal())
    async with Client(base_url=server.base, auth=auth, trust_env=False) as client:
        answer = await client.get(here.path)
    assert answer.status_code == 200
    assert "algorithm=SHA-256" in answer.request.headers["authorization"]
