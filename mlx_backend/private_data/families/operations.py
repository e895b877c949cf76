"""Tokens of deployment, monitoring and security tools, and tokens that follow a standard."""

from __future__ import annotations

import re

from mlx_backend.private_data.rules import Rule, Shape

OPERATIONS: tuple[Rule, ...] = (
    Shape("Vault token", re.compile(r"hv[sbr]\.[\w-]{24,300}"), ("hvs.", "hvb.", "hvr.")),
    Shape(
        "Terraform token",
        re.compile(r"(?<!\w)[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,70}"),
        (".atlasv1.",),
    ),
    Shape(
        "Doppler token",
        re.compile(r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[\w-]{2,35}\.)?[A-Za-z0-9]{40,44}"),
        ("dp.",),
    ),
    Shape("Pulumi token", re.compile(r"pul-[a-f0-9]{40}"), ("pul-",)),
    Shape(
        "New Relic key",
        re.compile(r"NR(?:AK|JS|II|RA|BR|AA)-[A-Za-z0-9-]{19,40}"),
        ("nrak-", "nrjs-", "nrii-", "nrra-", "nrbr-", "nraa-"),
    ),
    Shape("Sentry token", re.compile(r"sntryu_[a-f0-9]{64}|sntrys_[\w+/=-]{40,500}"), ("sntry",)),
    Shape(
        "Sentry key",
        re.compile(r"https://(?P<secret>[a-f0-9]{32})@[\w.-]{1,80}/\d{1,20}"),
        ("sentry",),
    ),
    Shape(
        "Grafana token",
        re.compile(r"glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,400}={0,2}"),
        ("glsa_", "glc_"),
    ),
    Shape("Dynatrace token", re.compile(r"dt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64}"), ("dt0",)),
    Shape("OpenShift token", re.compile(r"sha256~[\w-]{43}"), ("sha256~",)),
    Shape("Okta token", re.compile(r"SSWS (?P<secret>00[\w-]{40})"), ("ssws ",)),
    Shape("Octopus key", re.compile(r"API-[A-Z0-9]{26}"), ("api-",)),
    Shape("Prefect key", re.compile(r"pn[ub]_[A-Za-z0-9]{36}"), ("pnu_", "pnb_")),
    Shape("Infracost key", re.compile(r"ico-[A-Za-z0-9]{32}"), ("infracost",)),
    Shape("Snyk token", re.compile(r"snyk_uat\.[a-f0-9]{8}\.[\w-]{40,400}"), ("snyk_uat",)),
    Shape(
        "JSON web token",  # RFC 7519: header and claims are JSON objects, so both begin with eyJ
        re.compile(r"(?<![\w-])eyJ[\w-]{10,}+\.eyJ[\w-]{10,}+\.[\w-]{10,}+"),
        ("eyj",),
    ),
)
