"""The stand-alone app: the first host of `HubPlugin`, with sign-in of its own and nothing else."""

from __future__ import annotations

import reflex as rx

from atlas_hub.accounts.routes import transformer
from atlas_hub.api import operator, traffic

app = rx.App(api_transformer=[transformer, operator.answering("")], html_lang="en")
app.register_lifespan_task(traffic.graceful)
