"""Keys of shop, payment and office services, in the formats that the providers document."""

from __future__ import annotations

import re

from mlx_backend.private_data.likeness import is_not_placeholder
from mlx_backend.private_data.rules import Rule, Shape

BUSINESS_SERVICES: tuple[Rule, ...] = (
    Shape(
        "Stripe key",
        re.compile(r"(?:sk|rk)_(?:test|live|prod)_[A-Za-z0-9]{16,247}|whsec_[A-Za-z0-9+/]{32,64}"),
        ("sk_", "rk_", "whsec_"),
        is_not_placeholder,
    ),
    Shape("Square token", re.compile(r"sq0(?:atp|csp|idp)-[\w-]{22,60}"), ("sq0",)),
    Shape("Square token", re.compile(r"EAAA[\w-]{22,60}"), ("eaaa",), is_not_placeholder),
    Shape(
        "Shopify token",
        re.compile(r"shp(?:at|ca|pa|ss|tka)_[A-Fa-f0-9]{32}"),
        ("shpat_", "shpca_", "shppa_", "shpss_", "shptka_"),
    ),
    Shape(
        "PayPal token",
        re.compile(r"access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}"),
        ("access_token$",),
    ),
    Shape(
        "Plaid token",
        re.compile(r"access-(?:sandbox|development|production)-[a-f0-9-]{36}"),
        ("access-",),
    ),
    Shape(
        "Flutterwave key", re.compile(r"FLWSECK(?:_TEST)?-[A-Za-z0-9]{12,40}(?:-X)?"), ("flwseck",)
    ),
    Shape("EasyPost key", re.compile(r"EZ[AT]K[A-Za-z0-9]{54}"), ("ezak", "eztk")),
    Shape("Shippo token", re.compile(r"shippo_(?:live|test)_[a-f0-9]{40}"), ("shippo_",)),
    Shape("Facebook token", re.compile(r"EAA[A-Z][A-Za-z0-9]{80,300}"), ("eaa",)),
    Shape("Dropbox token", re.compile(r"sl\.(?:u\.)?[\w-]{130,1500}"), ("sl.",)),
    Shape("Notion token", re.compile(r"ntn_\d{11}[A-Za-z0-9]{35}"), ("ntn_",)),
    Shape(
        "Notion token", re.compile(r"secret_[A-Za-z0-9]{43,50}"), ("secret_",), is_not_placeholder
    ),
    Shape("Linear key", re.compile(r"lin_(?:api|oauth)_[A-Za-z0-9]{40,64}"), ("lin_",)),
    Shape(
        "Figma token", re.compile(r"fig[dour]_[\w-]{40,60}"), ("figd_", "figo_", "figu_", "figr_")
    ),
    Shape("Airtable token", re.compile(r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"), ("pat",)),
    Shape("Asana token", re.compile(r"[12]/\d{12,20}(?:/\d{12,20})?:[a-f0-9]{32}"), (":",)),
    Shape("HubSpot token", re.compile(r"pat-(?:na|eu)\d-[a-f0-9-]{36}"), ("pat-",)),
    Shape("Mapbox token", re.compile(r"[st]k\.eyJ[\w-]{40,200}\.[\w-]{20,40}"), ("k.eyj",)),
    Shape("Typeform token", re.compile(r"tfp_[\w.=-]{40,60}"), ("tfp_",)),
    Shape("Intercom token", re.compile(r"ico-[A-Za-z0-9]{32}"), ("ico-",)),
    Shape("Duffel token", re.compile(r"duffel_(?:test|live)_[\w=-]{43}"), ("duffel_",)),
    Shape("1Password key", re.compile(r"A3-[A-Z0-9]{6}(?:-[A-Z0-9]{5,11}){4,5}"), ("a3-",)),
    Shape("1Password token", re.compile(r"ops_eyJ[\w+/-]{200,4000}={0,3}"), ("ops_eyj",)),
)
