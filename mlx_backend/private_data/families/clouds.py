"""Keys of cloud and hosting providers, in the formats that they document."""

from __future__ import annotations

import re

from mlx_backend.private_data.likeness import is_not_placeholder
from mlx_backend.private_data.rules import Rule, Shape


def _not_aws_example(candidate: str) -> bool:
    return not candidate.endswith("EXAMPLE")


CLOUDS: tuple[Rule, ...] = (
    Shape(
        "AWS key",
        re.compile(r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}"),
        ("akia", "asia", "abia", "acca"),
        _not_aws_example,
    ),
    Shape("AWS key", re.compile(r"ABSK[A-Za-z0-9+/]{109,269}={0,2}"), ("absk",)),
    Shape("Google key", re.compile(r"AIza[\w-]{35}"), ("aiza",)),
    Shape("Google key", re.compile(r"GOCSPX-[\w-]{28}"), ("gocspx-",)),
    Shape("Google token", re.compile(r"ya29\.[\w-]{60,1000}"), ("ya29.",)),
    Shape("Google token", re.compile(r"1//0[\w-]{40,120}"), ("1//0",)),
    Shape(
        "Azure key",
        re.compile(r"(?<![\w~.-])[\w~.]{3}\dQ~[\w~.-]{31,34}(?![\w~-])", re.ASCII),
        ("q~",),
    ),
    Shape(
        "Azure key",
        re.compile(r"(?:AccountKey|SharedAccessKey)=(?P<secret>[A-Za-z0-9+/]{40,90}={0,2})"),
        ("accountkey=", "sharedaccesskey="),
    ),
    Shape(
        "Azure key",
        re.compile(r"[?&]sig=(?P<secret>[A-Za-z0-9%]{43,80}(?:%3D|=))"),
        ("sig=",),
    ),
    Shape("Alibaba Cloud key", re.compile(r"LTAI[A-Za-z0-9]{20}"), ("ltai",)),
    Shape("DigitalOcean token", re.compile(r"do[opr]_v1_[a-f0-9]{64}"), ("_v1_",)),
    Shape("Heroku key", re.compile(r"HRKU-AA[\w-]{58}"), ("hrku-aa",)),
    Shape(
        "Fly.io token", re.compile(r"fo1_[\w-]{43}|fm[12][ar]?_[\w+/=-]{100,4000}"), ("fo1_", "fm")
    ),
    Shape(
        "Netlify token", re.compile(r"nf[pcoub]_[A-Za-z0-9]{36}"), ("nfp_", "nfc_", "nfo_", "nfu_")
    ),
    Shape("Supabase key", re.compile(r"sbp_(?:v0_)?[a-f0-9]{40}"), ("sbp_",)),
    Shape("Supabase key", re.compile(r"sb_secret_[\w-]{31}"), ("sb_secret_",)),
    Shape(
        "Vercel token", re.compile(r"vc[pcikr]_[A-Za-z0-9]{56}"), ("vcp_", "vci_", "vck_", "vcc_")
    ),
    Shape("Vercel token", re.compile(r"vercel_blob_rw_\w{16}_\w{30}", re.ASCII), ("vercel_blob_",)),
    Shape("Cloudflare key", re.compile(r"v1\.0-[a-f0-9]{24}-[a-f0-9]{146}"), ("v1.0-",)),
    Shape(
        "Cloudflare token",
        re.compile(r"cf(?:ut|at|k)_[A-Za-z0-9]{40,60}"),
        ("cfut_", "cfat_", "cfk_"),
    ),
    Shape("PlanetScale token", re.compile(r"pscale_(?:tkn|oauth|pw)_[\w=.-]{32,64}"), ("pscale_",)),
    Shape("Neon key", re.compile(r"napi_[a-z0-9]{64}"), ("napi_",)),
    Shape("Scaleway key", re.compile(r"SCW[A-Z0-9]{17}"), ("scw",), is_not_placeholder),
    Shape(
        "Tailscale key", re.compile(r"tskey-[a-z]{3,12}-\w{8,20}-\w{20,40}", re.ASCII), ("tskey-",)
    ),
    Shape("Yandex Cloud key", re.compile(r"AQVN[\w-]{35,38}"), ("aqvn",)),
)
