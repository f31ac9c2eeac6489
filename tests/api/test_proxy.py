"""nginx as docs/operations.md has it: requests, websocket and forwarded headers come through, probes do not."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import httpx
from simple_websocket import Client

from tests.api.operated_server import ADMIN, served
from tests.conftest import missing
from tests.crash.killed import free_port, listens, wait_until

GUIDE = Path(__file__).parents[2] / "docs" / "operations.md"


def configuration(folder: Path, port: int, hub: int) -> str:
    """The guide's own words, on a port of loopback without a certificate."""
    [text] = re.findall(r"```nginx\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};").replace("127.0.0.1:3000", f"127.0.0.1:{hub}")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    return (
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off;\n{paths}{text}}}\n"
    )


def test_the_guide_s_nginx_passes_pages_and_websockets_on(tmp_path: Path) -> None:
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if nginx is None:
        missing("nginx")
        return
    port = free_port()
    with served(tmp_path, ATLAS_TRUSTED_PROXIES="127.0.0.0/8") as server:
        (tmp_path / "nginx.conf").write_text(configuration(tmp_path, port, server.port))
        proxy = subprocess.Popen([nginx, "-e", f"{tmp_path}/error.log", "-c", f"{tmp_path}/nginx.conf"])
        try:
            wait_until(lambda: listens(port))
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                assert client.get(f"{ADMIN}/status").json()["error"] == "auth_error"
                for path in ("/healthz", "/readyz", "/metrics", "/_atlas_hub/readyz"):
                    assert client.get(path).status_code == 404
            page = Client(f"ws://127.0.0.1:{port}/_event")
            page.send("through?")
            assert page.receive(timeout=30) == "through?"
            page.close()
        finally:
            proxy.terminate()
            proxy.wait(10)
