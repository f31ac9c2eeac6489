"""The dashboard's Reflex configuration. Atlas Hub is one line of it."""

import os

import reflex as rx

from atlas_hub import HubPlugin

ADDRESS = os.environ.get("ATLAS_PUBLIC_URL", "http://localhost:3000")
"""The address that browsers use."""

config = rx.Config(
    app_name="host_dashboard",
    db_url="sqlite:///copperleaf.db",
    cors_allowed_origins=[ADDRESS],  # no other site may open a socket with a browser's cookie
    deploy_url=ADDRESS,
    plugins=[HubPlugin(route="/integrations", actors="host_dashboard.actors", frame="host_dashboard.frame:framed")],
    disable_plugins=[rx.plugins.SitemapPlugin],
    telemetry_enabled=False,
    show_built_with_reflex=False,
)
