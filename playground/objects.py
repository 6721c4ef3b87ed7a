"""Discord's objects as JSON: what the real server would send, field by field."""

from __future__ import annotations

import datetime as dt
from typing import Any

Json = dict[str, Any]

APPLICATION_ID = "1000000000000000001"
GUILD_ID = "1000000000000000010"
CHANNELS = {"1000000000000000020": "playground", "1000000000000000021": "pictures", "1000000000000000022": "stories"}
PEOPLE = {"1000000000000000030": "you", "1000000000000000031": "ada", "1000000000000000032": "grace"}
OWNER_ID = "1000000000000000030"
OWNER_PERMISSIONS = str((1 << 50) - 1)
MEMBER_PERMISSIONS = str(1 << 10 | 1 << 11 | 1 << 14 | 1 << 15 | 1 << 16 | 1 << 31)
BOT_NAME = "AIGC"
JOINED = "2026-01-01T00:00:00.000000+00:00"
ATTACHMENT_LIMIT = 10 * 1024 * 1024


def now() -> str:
    """The time as Discord writes it."""
    return dt.datetime.now(dt.UTC).isoformat()


def user(user_id: str) -> Json:
    """A user, the bot's own included."""
    is_bot = user_id == APPLICATION_ID
    name = BOT_NAME if is_bot else PEOPLE.get(user_id, f"guest {user_id[-4:]}")
    return {
        "id": user_id,
        "username": name,
        "global_name": None if is_bot else name.capitalize(),
        "avatar": None,
        "discriminator": "0000",
        "public_flags": 0,
        "flags": 0,
        "bot": is_bot,
        "system": False,
        "banner": None,
        "accent_color": None,
        "avatar_decoration_data": None,
        "collectibles": None,
        "primary_guild": None,
    }


def bot_user() -> Json:
    """The bot as it sees itself (``GET /users/@me``, READY)."""
    return {**user(APPLICATION_ID), "mfa_enabled": False, "locale": "en-US", "verified": True, "email": None}


def member(user_id: str) -> Json:
    """A member of the guild with its permissions in a channel."""
    return {
        "user": user(user_id),
        "avatar": None,
        "banner": None,
        "communication_disabled_until": None,
        "flags": 0,
        "joined_at": JOINED,
        "nick": None,
        "pending": False,
        "premium_since": None,
        "roles": [],
        "mute": False,
        "deaf": False,
        "permissions": OWNER_PERMISSIONS if user_id == OWNER_ID else MEMBER_PERMISSIONS,
    }


def channel(channel_id: str) -> Json:
    """A text channel."""
    return {
        "id": channel_id,
        "type": 0,
        "guild_id": GUILD_ID,
        "name": CHANNELS[channel_id],
        "position": list(CHANNELS).index(channel_id),
        "permission_overwrites": [],
        "topic": None,
        "nsfw": False,
        "rate_limit_per_user": 0,
        "parent_id": None,
        "last_message_id": None,
        "flags": 0,
    }


def guild() -> Json:
    """The guild as GUILD_CREATE sends it."""
    everyone = {
        "id": GUILD_ID, "name": "@everyone", "color": 0, "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False, "icon": None, "unicode_emoji": None, "position": 0, "permissions": MEMBER_PERMISSIONS, "managed": False,
        "mentionable": False, "flags": 0,
    }  # fmt: skip
    return {
        "id": GUILD_ID, "name": "Playground", "icon": None, "splash": None, "discovery_splash": None, "owner_id": OWNER_ID,
        "afk_channel_id": None, "afk_timeout": 300, "verification_level": 0, "default_message_notifications": 1,
        "explicit_content_filter": 0, "roles": [everyone], "emojis": [], "stickers": [], "features": [], "mfa_level": 0,
        "application_id": None, "system_channel_id": None, "system_channel_flags": 0, "rules_channel_id": None,
        "vanity_url_code": None, "description": None, "banner": None, "premium_tier": 0, "preferred_locale": "en-US",
        "public_updates_channel_id": None, "nsfw_level": 0, "premium_progress_bar_enabled": False,
        "safety_alerts_channel_id": None, "hub_type": None, "incidents_data": None, "joined_at": JOINED, "large": False,
        "unavailable": False, "member_count": len(PEOPLE) + 1, "voice_states": [], "members": [member_of_bot()],
        "channels": [channel(channel_id) for channel_id in CHANNELS], "threads": [], "presences": [], "stage_instances": [],
        "guild_scheduled_events": [], "soundboard_sounds": [],
    }  # fmt: skip


def member_of_bot() -> Json:
    """The bot's own membership."""
    values = {**member(OWNER_ID), "user": user(APPLICATION_ID)}
    del values["permissions"]
    return values


def application() -> Json:
    """The bot's application (``GET /oauth2/applications/@me``)."""
    return {
        "id": APPLICATION_ID,
        "name": BOT_NAME,
        "icon": None,
        "description": "",
        "type": None,
        "bot": user(APPLICATION_ID),
        "verify_key": "0" * 64,
        "flags": 0,
        "flags_new": "0",
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": user(OWNER_ID),
        "approximate_guild_count": 1,
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": None,
        "eligible_oauth2_scopes": [],
        "bot_public": True,
        "bot_require_code_grant": False,
    }


def message(message_id: str, channel_id: str, author_id: str, *, kind: int = 0, flags: int = 0) -> Json:
    """An empty message."""
    return {
        "id": message_id,
        "channel_id": channel_id,
        "type": kind,
        "author": user(author_id),
        "content": "",
        "mentions": [],
        "mention_roles": [],
        "mention_everyone": False,
        "attachments": [],
        "embeds": [],
        "components": [],
        "timestamp": now(),
        "edited_timestamp": None,
        "flags": flags,
        "pinned": False,
        "tts": False,
    }


def command(command_id: str, payload: Json) -> Json:
    """A registered command from what the bot sent."""
    return {
        "id": command_id,
        "application_id": APPLICATION_ID,
        "version": command_id,
        "type": payload.get("type", 1),
        "name": payload["name"],
        "name_localizations": payload.get("name_localizations"),
        "description": payload.get("description", ""),
        "description_localizations": payload.get("description_localizations"),
        "default_member_permissions": payload.get("default_member_permissions"),
        "dm_permission": True,
        "nsfw": payload.get("nsfw", False),
        "options": payload.get("options", []),
        "contexts": payload.get("contexts"),
        "integration_types": payload.get("integration_types") or [0],
    }
