"""Signature Version 4 for requests to Amazon: the only import of botocore.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

from collections.abc import Mapping

from botocore.auth import SigV4Auth  # type: ignore[import-untyped]  # no py.typed
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # no py.typed
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # no py.typed

from atlas_hub.kit.secret import Secret


def signed(
    method: str,
    url: str,
    body: bytes,
    *,
    access_key_id: Secret,
    secret_access_key: Secret,
    service: str,
    region: str,
) -> Mapping[str, str]:
    """The headers of a JSON request to exactly this URL with exactly this body; valid for five minutes."""
    request = AWSRequest(method=method, url=url, data=body, headers={"Content-Type": "application/json"})
    keys = Credentials(access_key_id.reveal(), secret_access_key.reveal())
    SigV4Auth(keys, service, region).add_auth(request)
    return dict(request.headers.items())
