"""Features of a connection: what an admin switches on and off, and what that asks of the vendor."""

from __future__ import annotations

from collections.abc import Iterable

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, Conflict, NotFound
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers._consent import Consent
from atlas_hub.providers.contract import Feature, Provider
from atlas_hub.services import truths
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.changing import changing
from atlas_hub.services.views import ConnectionView, missing_scopes, view_with
from atlas_hub.storage import connections as stored


def with_feature(provider: Provider, features: Iterable[str] | None, feature: str, *, on: bool = True) -> list[str]:
    """The features that are on once this one is switched; `features` None stands for the usual ones.

    Raises `BadForm` for one that the provider does not have.
    """
    if feature not in set(provider.features):
        raise BadForm({"feature": f"{provider.name} has no such feature."})
    present = set(provider.usual_features if features is None else features)
    wanted = present | {feature} if on else present - {feature}
    return [each.value for each in Feature if each in wanted]


async def switch(hub: Hub, actor: Actor, connection_id: str, feature: str, on: bool) -> ConnectionView:  # noqa: FBT001  # a switch
    """Switch a feature of a connection, and say at once what it lacks.

    One that a consent has not allowed yet is switched on by another consent (`consents.begin`), not here.
    Raises `NotFound`, `BadForm`, and `Conflict` for such a one.
    """
    require_admin(actor)
    async with changing(hub, actor) as change:
        row = await stored.find(change.tx, actor.workspace, connection_id)
        if row is None or row.provider not in PROVIDERS:
            raise NotFound("There is no such connection.")
        provider = PROVIDERS[row.provider]
        features = with_feature(provider, row.features, feature, on=on)
        credential = await stored.credential_of(change.tx, row)
        granted = credential.granted if credential else None
        if on and isinstance(provider.method(row.method), Consent):
            lacks = missing_scopes(provider, granted, [feature])
            if lacks:
                raise Conflict(f"{provider.name} must be asked for {', '.join(lacks)} first. Agree to it there.")
        row.features, row.updated_at = features, change.at
        truths.switched(row, provider, granted, change.at)
        await change.note(
            "feature_on" if on else "feature_off", provider=row.provider, subject=row.id, feature=feature,
            label=row.label,
        )  # fmt: skip
        view = view_with(hub.vault, provider, row, credential)
    await hub.bus.publish(Changed(actor.workspace, provider.slug))
    return view
