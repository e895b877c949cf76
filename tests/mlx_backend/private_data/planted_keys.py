"""Keys and tokens of many services, in their documented formats, in prose and code."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from random import Random

from tests.mlx_backend.private_data.planting import (
    ALPHANUMERIC,
    BASE64,
    DIGITS,
    HEX,
    LOWER,
    UPPER,
    URL_SAFE,
    Planted,
    password,
    some,
    uuid,
)

Maker = Callable[[Random], str]

_PROSE = (
    "My {name} key is {v} and it works.",
    "Remember for {name}: {v}",
    "- {name} token {v}, made in March",
    "Pasting the {name} token here so I don't lose it:\n\n{v}\n\nRotate it in June.",
)
_CODE = (
    'const token = "{v}"; // {name}',
    "export {upper}_TOKEN={v}",
    "```yaml\n{lower}:\n  api_key: {v}\n```",
    '{{"{lower}_token": "{v}", "retries": 3}}',
    "curl -H 'Authorization: Bearer {v}' https://{lower}.example.org/v1",
)


def _after(prefix: str, alphabet: str, length: int) -> Maker:
    return lambda rng: prefix + some(rng, alphabet, length)


def _jwt(rng: Random) -> str:
    def part(text: str) -> str:
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    header = part('{"alg":"HS256","typ":"JWT"}')
    claims = part(f'{{"sub":"{some(rng, DIGITS, 9)}","name":"Ada"}}')
    return f"{header}.{claims}.{some(rng, URL_SAFE, 43)}"


def _openai(rng: Random) -> str:
    return f"sk-proj-{some(rng, URL_SAFE, 74)}T3Blbk" + "FJ" + some(rng, URL_SAFE, 74)


def _pypi(rng: Random) -> str:
    return "pypi-AgEIcHlwaS5vcmc" + some(rng, URL_SAFE, 150)


def _slack_hook(rng: Random) -> str:
    first, second = some(rng, UPPER + DIGITS, 10), some(rng, UPPER + DIGITS, 10)
    return f"https://hooks.slack.com/services/T{first}/B{second}/{some(rng, ALPHANUMERIC, 24)}"


def _discord_hook(rng: Random) -> str:
    number = "9" + some(rng, DIGITS, 18)
    return f"https://discord.com/api/webhooks/{number}/{some(rng, URL_SAFE, 68)}"


def _discord_bot(rng: Random) -> str:
    user = b64encode(("7" + some(rng, DIGITS, 17)).encode()).decode().rstrip("=")
    return f"{user}.{some(rng, ALPHANUMERIC, 6)}.{some(rng, URL_SAFE, 38)}"


def _azure_storage(rng: Random) -> str:
    return some(rng, BASE64, 86) + "=="


FIXED_SHAPES: Mapping[str, Maker] = {
    "AWS": lambda r: r.choice(("AKIA", "ASIA")) + some(r, UPPER + "234567", 16),
    "Google": _after("AIza", URL_SAFE, 35),
    "Google OAuth": _after("GOCSPX-", URL_SAFE, 28),
    "GitHub": lambda r: r.choice(("ghp_", "gho_", "ghs_", "ghu_")) + some(r, ALPHANUMERIC, 36),
    "GitHub fine-grained": lambda r: (
        f"github_pat_{some(r, ALPHANUMERIC, 22)}_{some(r, ALPHANUMERIC, 59)}"
    ),
    "GitLab": _after("glpat-", URL_SAFE, 20),
    "Slack": lambda r: (
        f"xoxb-{some(r, DIGITS, 12)}-{some(r, DIGITS, 12)}-{some(r, ALPHANUMERIC, 24)}"
    ),
    "Slack webhook": _slack_hook,
    "Stripe": lambda r: r.choice(("sk_live_", "rk_live_", "sk_test_")) + some(r, ALPHANUMERIC, 24),
    "Twilio": _after("SK", HEX, 32),
    "SendGrid": lambda r: f"SG.{some(r, URL_SAFE, 22)}.{some(r, URL_SAFE, 43)}",
    "Mailgun": _after("key-", HEX, 32),
    "Mailchimp": lambda r: some(r, HEX, 32) + "-us" + some(r, "12", 2),
    "OpenAI": _openai,
    "Anthropic": lambda r: "sk-ant-api03-" + some(r, URL_SAFE, 93) + "AA",
    "Hugging Face": _after("hf_", ALPHANUMERIC, 34),
    "npm": _after("npm_", ALPHANUMERIC, 36),
    "PyPI": _pypi,
    "Docker": _after("dckr_pat_", URL_SAFE, 27),
    "DigitalOcean": _after("dop_v1_", HEX, 64),
    "Heroku": _after("HRKU-AA", URL_SAFE, 58),
    "Shopify": lambda r: r.choice(("shpat_", "shpss_")) + some(r, HEX, 32),
    "Square": lambda r: r.choice(("sq0atp-", "EAAA")) + some(r, ALPHANUMERIC, 22),
    "Telegram": lambda r: some(r, "123456789", 10) + ":AA" + some(r, URL_SAFE, 33),
    "Discord bot": _discord_bot,
    "Discord webhook": _discord_hook,
    "Dropbox": _after("sl.", URL_SAFE, 135),
    "Facebook": _after("EAACEdEose0cBA", ALPHANUMERIC, 120),
    "Notion": lambda r: (
        r.choice(("ntn_", "secret_")) + some(r, DIGITS, 11) + some(r, ALPHANUMERIC, 35)
    ),
    "Linear": _after("lin_api_", ALPHANUMERIC, 40),
    "Figma": _after("figd_", URL_SAFE, 40),
    "Atlassian": _after("ATATT3", URL_SAFE, 186),
    "Databricks": _after("dapi", HEX, 32),
    "New Relic": _after("NRAK-", UPPER + DIGITS, 27),
    "Sentry": _after("sntryu_", HEX, 64),
    "Grafana": lambda r: f"glsa_{some(r, ALPHANUMERIC, 32)}_{some(r, HEX, 8)}",
    "HashiCorp Vault": _after("hvs.", URL_SAFE, 95),
    "Terraform": lambda r: f"{some(r, ALPHANUMERIC, 14)}.atlasv1.{some(r, URL_SAFE, 67)}",
    "Doppler": _after("dp.pt.", ALPHANUMERIC, 43),
    "Fly.io": _after("fo1_", URL_SAFE, 43),
    "Netlify": _after("nfp_", ALPHANUMERIC, 36),
    "Supabase": _after("sbp_", HEX, 40),
    "Postman": lambda r: f"PMAK-{some(r, HEX, 24)}-{some(r, HEX, 34)}",
    "Mapbox": lambda r: f"sk.eyJ{some(r, ALPHANUMERIC, 60)}.{some(r, URL_SAFE, 22)}",
    "age": _after("AGE-SECRET-KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
    "JWT": _jwt,
    "Airtable": lambda r: f"pat{some(r, ALPHANUMERIC, 14)}.{some(r, HEX, 64)}",
    "Perplexity": _after("pplx-", ALPHANUMERIC, 48),
    "Groq": _after("gsk_", ALPHANUMERIC, 52),
    "Replicate": _after("r8_", ALPHANUMERIC, 37),
    "PlanetScale": _after("pscale_tkn_", URL_SAFE, 43),
    "Pulumi": _after("pul-", HEX, 40),
    "RubyGems": _after("rubygems_", HEX, 48),
    "1Password": lambda r: "A3-" + "-".join(some(r, UPPER + DIGITS, n) for n in (6, 6, 5, 5, 5, 5)),
    "Azure client secret": lambda r: some(r, ALPHANUMERIC, 3) + "8Q~" + some(r, URL_SAFE, 34),
    "Brevo": lambda r: f"xkeysib-{some(r, HEX, 64)}-{some(r, LOWER + DIGITS, 16)}",
}
"""By service: tokens with a format of their own."""

NAMED_SHAPES: Mapping[str, Maker] = {
    "AWS secret": _after("", BASE64, 40),
    "Azure storage account": _azure_storage,
    "Cloudflare": _after("", ALPHANUMERIC, 40),
    "Fastly": _after("", URL_SAFE, 32),
    "Algolia": _after("", HEX, 32),
    "Datadog": _after("", HEX, 32),
    "LinkedIn": _after("", ALPHANUMERIC, 16),
    "Vercel": _after("", ALPHANUMERIC, 24),
    "Firebase": _after("AAAA", URL_SAFE, 148),
    "Snyk": uuid,
    "Twitch": _after("", LOWER + DIGITS, 30),
}
"""By service: keys without a distinctive format, recognised by the words around them."""

_NAMED_TEXTS = (
    "The {name} API key is {v}.",
    "{upper}_API_KEY={v}",
    '{lower}_secret_key = "{v}"',
    "My {name} access token: {v} (read only)",
)


def planted_keys(rng: Random, rounds: int) -> list[Planted]:
    """The token of every service, `rounds` times, each in another text."""
    planted = []
    for number, (name, make) in enumerate(FIXED_SHAPES.items()):
        for turn in range(rounds):
            texts = _PROSE if turn % 2 else _CODE
            planted.append(_plant(name, make(rng), texts[(number + turn // 2) % len(texts)]))
    for number, (name, make) in enumerate(NAMED_SHAPES.items()):
        for turn in range(rounds):
            text = _NAMED_TEXTS[(number + turn) % len(_NAMED_TEXTS)]
            planted.append(_plant(name, make(rng), text))
    for turn in range(rounds):
        planted += _private_keys(rng) + _connections(rng) + _assignments(rng, turn)
    return planted


def _plant(name: str, value: str, text: str) -> Planted:
    plain = name.replace(".", "").replace(" ", "_").replace("-", "_")
    text = text.format(name=name, lower=plain.lower(), upper=plain.upper(), v=value)
    return Planted(name, value, text)


def _private_keys(rng: Random) -> list[Planted]:
    planted = []
    for label in ("RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK", "PRIVATE KEY"):
        body = "\n".join(some(rng, BASE64, 64) for _ in range(6)) + "\n" + some(rng, BASE64, 30)
        dashes = "-" * 5
        key = f"{dashes}BEGIN {label}{dashes}\n{body}\n{dashes}END {label}{dashes}"
        planted.append(Planted(label, body, f"The server's key, for the move:\n\n{key}\n\nDone."))
    return planted


def _connections(rng: Random) -> list[Planted]:
    secret = some(rng, ALPHANUMERIC, 12) + "7"
    texts = {
        "postgres": f"DATABASE_URL=postgres://anna:{secret}@db.harbour.example/notes",
        "mongodb": f"connect with mongodb+srv://app:{secret}@cluster0.ab1cd.mongodb.net/test now",
        "redis": f"redis://:{secret}@10.0.0.7:6379/0",
        "mysql": f'engine = create_engine("mysql+pymysql://root:{secret}@localhost/shop")',
        "basic auth": f"git clone https://anna:{secret}@git.harbour.example/boats.git",
        "ADO": f"Server=db1;Database=shop;User Id=sa;Password={secret};Encrypt=yes",
    }
    return [Planted(kind, secret, text) for kind, text in texts.items()]


def _assignments(rng: Random, turn: int) -> list[Planted]:
    token = some(rng, ALPHANUMERIC, 31) + "4"
    chosen = password(rng)
    basic = b64encode(f"anna:{chosen}".encode()).decode()
    texts = (
        ("assigned", token, f'api_key = "{token}"'),
        ("assigned", token, f"SECRET_KEY={token}"),
        ("assigned", token, f"  client_secret: '{token}'\n  scope: read"),
        ("assigned", chosen, f"DB_PASSWORD={chosen}"),
        ("assigned", chosen, f'{{"user": "anna", "password": "{chosen}"}}'),
        ("assigned", chosen, f'smtp.login("anna@example.org", password="{chosen}")'),
        ("header", token, f'headers = {{"Authorization": "Bearer {token}"}}'),
        ("header", basic, f"Authorization: Basic {basic}"),
        ("header", token, f"curl -H 'X-Api-Key: {token}' https://api.harbour.example"),
        ("command", chosen, f"curl -u anna:{chosen} https://files.harbour.example/list"),
        ("command", chosen, f"sshpass -p {chosen} ssh pi@10.0.0.9"),
        ("command", chosen, f"CREATE USER shop IDENTIFIED BY '{chosen}';"),
        ("command", chosen, f"mysqldump --user=root --password={chosen} shop > shop.sql"),
        ("file", chosen, f"machine ftp.harbour.example login anna password {chosen}"),
    )
    return [Planted(kind, value, text) for kind, value, text in texts[turn % 2 :: 2]]
