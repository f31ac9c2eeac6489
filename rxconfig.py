"""Reflex's configuration of the stand-alone app. A host application needs the plugin's line alone."""

import reflex as rx

from atlas_hub import HubPlugin
from atlas_hub.settings import load

settings = load()

config = rx.Config(
    app_name="atlas_hub",
    # Only our own address may open a socket or read an answer with a browser's cookies.
    cors_allowed_origins=sorted(
        {settings.address, f"http://localhost:{settings.port}", f"http://127.0.0.1:{settings.port}"}
    ),
    # Without a public address Reflex works its own out, which follows the port it is given.
    **({"api_url": settings.public_url} if settings.public_url else {}),
    deploy_url=settings.address,
    redis_url=settings.redis_url or None,
    telemetry_enabled=False,
    show_built_with_reflex=False,
    plugins=[HubPlugin(actors="atlas_hub.accounts.actors", frame="atlas_hub.accounts.frame:frame", settings=settings)],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
