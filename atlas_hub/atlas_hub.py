"""The stand-alone app: the first host of `HubPlugin`, with sign-in of its own and nothing else."""

from __future__ import annotations

import reflex as rx

from atlas_hub.accounts.routes import transformer

app = rx.App(api_transformer=[transformer], html_lang="en")
