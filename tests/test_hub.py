"""Opening a hub: keys made once, checked at every start, refused in production; and a hub without a database."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from atlas_hub.hub import hub as the_hub
from atlas_hub.kit.errors import BadForm, NotAvailable, VaultLocked
from atlas_hub.providers import PROVIDERS
from atlas_hub.services import connections, status
from atlas_hub.services.access import Actor
from atlas_hub.settings import load
from atlas_hub.storage.keys import generate_key
from tests.conftest import KEY, open_hub
from tests.conftest import test_settings as settings_for


async def test_development_makes_a_key_file_for_its_owner_alone(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path / "atlas")
    async with open_hub(settings) as hub:
        assert not hub.vault.locked
    assert stat.S_IMODE(settings.key_file.stat().st_mode) == 0o600
    before = settings.key_file.read_bytes()
    async with open_hub(settings) as hub:
        assert not hub.vault.locked
    assert settings.key_file.read_bytes() == before


async def test_hubs_that_start_at_once_end_with_one_key(tmp_path: Path) -> None:
    async def start() -> bool:
        async with open_hub(load(data_dir=tmp_path)) as hub:
            return hub.vault.locked

    assert await asyncio.gather(*(start() for _ in range(4))) == [False] * 4


@pytest.mark.parametrize("given", [{"deploy_mode": "saas"}, {"host": "0.0.0.0"}])  # noqa: S104  # the address is the point
async def test_production_does_not_start_without_a_key(tmp_path: Path, given: dict[str, str]) -> None:
    with pytest.raises(BadForm) as refused:
        async with open_hub(load(data_dir=tmp_path, **given)):
            pass
    assert "atlas-hub keys generate" in refused.value.text
    assert not (tmp_path / "encryption.key").exists()
    async with open_hub(load(data_dir=tmp_path, encryption_keys=KEY, **given)) as hub:
        assert not hub.vault.locked


async def test_production_does_not_start_with_another_key(tmp_path: Path) -> None:
    async with open_hub(settings_for(tmp_path)):
        pass
    with pytest.raises(BadForm):
        async with open_hub(settings_for(tmp_path, encryption_keys=f"v1:{generate_key()}", deploy_mode="saas")):
            pass


async def test_a_lost_key_locks_the_vault_and_the_page_still_has_its_cards(tmp_path: Path, owner: Actor) -> None:
    settings = load(data_dir=tmp_path)
    async with open_hub(settings):
        pass
    settings.key_file.unlink()
    async with open_hub(settings) as hub:
        assert hub.vault.locked
        assert not settings.key_file.exists()  # a new key would make the old rows unreadable for good
        assert {card.mode for card in (await status.overview(hub, owner)).cards} == {"form", "closed"}
        with pytest.raises(VaultLocked):
            await connections.connect(hub, owner, "telegram", "bot_token", {"bot_token": "1"}, source="page")


async def test_without_a_database_the_cards_say_what_to_set(owner: Actor) -> None:
    async with open_hub(load(database_url="none")) as hub:
        cards = {card.provider: card for card in (await status.overview(hub, owner)).cards}
        assert {card.mode for card in cards.values()} == {"hint", "closed"}
        assert {card.provider for card in cards.values() if card.mode == "closed"} == {"flowdock"}
        assert all(card.hint[0] == "DATABASE_URL" for card in cards.values() if card.mode == "hint")
        assert cards["slack"].hint[1:] == ("SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET",)
        assert cards["telegram"].hint[1:] == ()
        said = await status.answer(hub, owner)
        assert said["hasInternalDB"] is False
        named = [provider.names.admin for provider in PROVIDERS.values() if provider.names.admin]
        assert not any(said[name]["configurable"] for name in named)
        with pytest.raises(NotAvailable):
            await connections.connect(hub, owner, "telegram", "bot_token", {}, source="page")


async def test_there_is_no_hub_before_the_lifespan_and_none_after(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable):
        the_hub()
    async with open_hub(settings_for(tmp_path)) as hub:
        assert the_hub() is hub
    with pytest.raises(NotAvailable):
        the_hub()
