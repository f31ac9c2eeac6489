"""Test alerts through every card that sends them, with vendors in every mood: keys in headers, bodies and addresses."""

from __future__ import annotations

from atlas_hub.providers.contract import Alerts
from tests.leaks.journey import OUTCOMES, Journey
from tests.leaks.shapes import by

ALERTING = tuple(way for way in by("page") if isinstance(way.method, Alerts))


def alerts(journey: Journey) -> None:
    """A test alert by each card in each mood. Only where the hub counts in a Redis, for it takes five in a minute."""
    with journey.socket() as tab:
        assert tab.loaded()
        for mood in (*OUTCOMES[1:], OUTCOMES[0]):
            journey.vendors.play(mood)
            for some in (ALERTING[:4], ALERTING[4:]):
                journey.pardon()
                frames = tab.act_at_once({way.card: ("send_test", {"form_data": {}}) for way in some})
                journey.outputs[f"alerts, {mood}, {some[0].card}"] = "\n".join(frames).encode()
