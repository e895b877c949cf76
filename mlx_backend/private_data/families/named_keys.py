"""Keys without a distinctive format, recognised by a service's name and a word such as "key"."""

from __future__ import annotations

import re

from mlx_backend.private_data.likeness import looks_random
from mlx_backend.private_data.rules import Check, Named, Rule

_KEY_WORD = r"(?i:key|token|secret|password|credential|auth|schlüssel|clé|clave)"
_HEX = r"[a-f0-9]"
_UUID = rf"{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}"


def _mixed_case(candidate: str) -> bool:
    """Whether it looks random and has both cases, so that it is not the hash of a commit."""
    return looks_random(candidate) and candidate.lower() != candidate != candidate.upper()


def _named(kind: str, names: str, shape: str, check: Check = looks_random) -> Named:
    """A rule for one of `names`, then a word such as "key", then the shape, all on one line."""
    pattern = re.compile(
        rf"[^\n]{{0,40}}?{_KEY_WORD}[^\n]{{0,30}}?(?<![\w+/-])(?P<secret>{shape})(?![\w+/=-])",
        re.ASCII,
    )
    return Named(kind, tuple(names.split()), pattern, check)


def _keyed(kind: str, names: str, shape: str, check: Check = looks_random) -> Named:
    """As `_named`, for names that already say that a key follows."""
    pattern = re.compile(rf"[^\n]{{0,30}}?(?<![\w+/-])(?P<secret>{shape})(?![\w+/=-])", re.ASCII)
    return Named(kind, tuple(names.split()), pattern, check)


NAMED_KEYS: tuple[Rule, ...] = (
    _named("AWS key", "aws amazon", r"[A-Za-z0-9+/]{40}", _mixed_case),
    _keyed("AWS key", "secret_access_key secretaccesskey", r"[A-Za-z0-9+/]{40}", _mixed_case),
    _named("Azure key", "azure cosmos", r"[A-Za-z0-9+/]{86}==|[A-Za-z0-9+/]{43}="),
    _named("Google key", "firebase fcm", r"[\w:-]{100,200}", _mixed_case),
    _named("Cloudflare key", "cloudflare", rf"[\w-]{{40}}|{_HEX}{{37}}"),
    _named("Fastly key", "fastly", r"[\w-]{32}"),
    _named("Algolia key", "algolia", rf"{_HEX}{{32}}"),
    _named("Datadog key", "datadog dd_api dd_app", rf"{_HEX}{{32}}|{_HEX}{{40}}"),
    _named("Heroku key", "heroku", _UUID),
    _named("Snyk token", "snyk", _UUID),
    _named("Vercel token", "vercel", r"[A-Za-z0-9]{24}", _mixed_case),
    _named("Netlify token", "netlify", r"[\w-]{40,46}", _mixed_case),
    _named("LinkedIn key", "linkedin linked_in", r"[A-Za-z0-9]{14,16}"),
    _named("Facebook key", "facebook meta_app", rf"{_HEX}{{32}}|\d{{15,16}}\|[\w-]{{27,40}}"),
    _named("Twitter key", "twitter", r"A{20,22}[\w%]{60,110}|\d{15,20}-[A-Za-z0-9]{40}"),
    _named(
        "Twitter key", "twitter", r"[A-Za-z0-9]{25}|[A-Za-z0-9]{45}|[A-Za-z0-9]{50}", _mixed_case
    ),
    _named("Twitch key", "twitch", r"[a-z0-9]{30}"),
    _named("Discord key", "discord", rf"[\w-]{{32}}|{_HEX}{{64}}"),
    _named("Dropbox key", "dropbox", r"[a-z0-9]{15}|[\w=-]{64}"),
    _named("Twilio key", "twilio", rf"{_HEX}{{32}}"),
    _named("Mapbox token", "mapbox", r"[ps]k\.[\w-]{40,200}\.[\w-]{20,40}"),
    _named("Okta token", "okta", r"00[\w-]{40}"),
    _named("Auth0 key", "auth0", r"[\w-]{64}", _mixed_case),
    _named("Zendesk key", "zendesk", r"[A-Za-z0-9]{40}", _mixed_case),
    _named("Travis token", "travis", r"[\w-]{22}", _mixed_case),
    _named("Codecov token", "codecov", rf"{_HEX}{{32}}|{_UUID}"),
    _named("Bitbucket key", "bitbucket", r"[A-Za-z0-9]{32}", _mixed_case),
    _named("Confluent key", "confluent", r"[A-Za-z0-9+/]{64}", _mixed_case),
    _named("Cohere key", "cohere co_api", r"[A-Za-z0-9]{40}", _mixed_case),
    _named("Mistral key", "mistral", r"[A-Za-z0-9]{32}", _mixed_case),
    _named("Binance key", "binance", r"[A-Za-z0-9]{64}", _mixed_case),
    _named("Coinbase key", "coinbase", r"[\w-]{64}"),
    _named("Sentry token", "sentry", rf"{_HEX}{{64}}"),
    _named("Rollbar token", "rollbar", rf"{_HEX}{{32}}"),
    _named("LaunchDarkly key", "launchdarkly", rf"(?:sdk|mob|api)-{_UUID}"),
    _named("Segment key", "segment", r"[A-Za-z0-9]{32}", _mixed_case),
    _named("OpenWeather key", "openweather", rf"{_HEX}{{32}}"),
    _named("Last.fm key", "last.fm lastfm", rf"{_HEX}{{32}}"),
)
