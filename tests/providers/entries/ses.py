"""What the contract suite knows of mail by Amazon SES."""

from __future__ import annotations

from atlas_hub.kit.errors import InsufficientPermissions, InvalidCredentials, PlatformError
from tests.providers.entries.entry import HTTP_TROUBLES, Entry, Trouble, inside
from tests.standins import ses
from tests.standins.ses import SesStandin


def _denied(standin: SesStandin) -> None:
    key = standin.keys[ses.FULL[0]]
    standin.keys[ses.FULL[0]] = ses.SesKey(key.secret, key.allowed - {ses.SEND}, key.account)


def _another_secret(standin: SesStandin) -> None:
    key = standin.keys[ses.FULL[0]]
    standin.keys[ses.FULL[0]] = ses.SesKey("x" * 40, key.allowed, key.account)


ENTRIES = (
    Entry(
        slug="email",
        method="ses",
        vendor="Amazon SES",
        standin=SesStandin,
        values=lambda _standin: {
            "senderAddress": "alerts@acme.example",
            "region": ses.REGION,
            "accessKeyId": ses.FULL[0],
            "secretAccessKey": ses.FULL[1],
        },
        steps=("format", "reached", "accepted", "sender", "account"),
        to="ana@acme.example",
        account=None,
        tokens=("accessKeyId", "secretAccessKey"),
        misshapen={
            "senderAddress": "canary@",
            "region": "canary",
            "accessKeyId": "AKIA can ary",
            "secretAccessKey": "can ary",
        },
        wrong_to=("", "ana", "a@b@c.example"),
        troubles=(
            *HTTP_TROUBLES,
            inside({"MessageId": 7, "VerifiedForSendingStatus": "yes"}, PlatformError),
            Trouble(name="key-deleted", begin=lambda standin: standin.keys.clear(), error=InvalidCredentials),
            Trouble(name="another-secret", begin=_another_secret, error=InvalidCredentials),
            Trouble(name="clock", begin=lambda standin: setattr(standin, "ahead", 3600), error=PlatformError),
            Trouble(name="may-not-send", begin=_denied, error=InsufficientPermissions, in_check=False),
        ),
        seconds="atlas_hub.providers._ses.SECONDS",
    ),
)
