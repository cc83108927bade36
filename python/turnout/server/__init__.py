"""The gateway: a policy behind the endpoints that clients of OpenAI and Anthropic already call (extra `server`)."""

from turnout.server.app import Gateway
from turnout.server.keys import Key, KeyStore
from turnout.server.settings import Settings

__all__ = ["Gateway", "Key", "KeyStore", "Settings"]
