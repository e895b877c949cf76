"""Tokens of code hosts and package registries, in the formats that they document."""

from __future__ import annotations

import re

from mlx_backend.private_data.rules import Rule, Shape

CODE_HOSTS: tuple[Rule, ...] = (
    Shape(
        "GitHub token",
        re.compile(r"gh[pousr]_[A-Za-z0-9]{36,255}"),
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    ),
    Shape("GitHub token", re.compile(r"github_pat_\w{82}", re.ASCII), ("github_pat_",)),
    Shape(
        "GitLab token",
        re.compile(r"gl(?:pat|dt|ft|soat|rt|cbt|imt|agent|oas|ptt|ffct|rtr)-[\w.-]{20,320}"),
        (
            "glpat-",
            "gldt-",
            "glft-",
            "glsoat-",
            "glrt",
            "glcbt-",
            "glimt-",
            "glagent-",
            "gloas-",
            "glptt-",
            "glffct-",
        ),
    ),
    Shape("GitLab token", re.compile(r"GR1348941[\w-]{20}"), ("gr1348941",)),
    Shape(
        "Atlassian token",
        re.compile(r"AT(?:ATT3|CTT3|BB)[\w=-]{32,240}"),
        ("atatt3", "atctt3", "atbb"),
    ),
    Shape("npm token", re.compile(r"npm_[A-Za-z0-9]{36}"), ("npm_",)),
    Shape("npm token", re.compile(r"_authToken=(?P<secret>[\w+/=.-]{20,200})"), ("_authtoken=",)),
    Shape("PyPI token", re.compile(r"pypi-A[\w-]{85,1000}"), ("pypi-a",)),
    Shape("RubyGems key", re.compile(r"rubygems_[a-f0-9]{48}"), ("rubygems_",)),
    Shape("NuGet key", re.compile(r"oy2[a-z0-9]{43}"), ("oy2",)),
    Shape("crates.io token", re.compile(r"cio[A-Za-z0-9]{32}"), ("cio",)),
    Shape("Clojars token", re.compile(r"CLOJARS_[a-z0-9]{60}"), ("clojars_",)),
    Shape("Docker token", re.compile(r"dckr_(?:pat|oat)_[\w-]{27,36}"), ("dckr_",)),
    Shape(
        "Artifactory key",
        re.compile(r"AKCp[A-Za-z0-9]{69}|cmVmd[A-Za-z0-9]{59}"),
        ("akcp", "cmvmd"),
    ),
    Shape(
        "CircleCI token",
        re.compile(r"CCI(?:PAT|PRJ)_[A-Za-z0-9]{22}_[a-f0-9]{40}"),
        ("ccipat_", "cciprj_"),
    ),
    Shape(
        "Buildkite token", re.compile(r"bk(?:ua|aj|at)_[a-f0-9]{40}"), ("bkua_", "bkaj_", "bkat_")
    ),
    Shape("Sourcegraph token", re.compile(r"sgp_(?:[a-f0-9]{16}_|local_)?[a-f0-9]{40}"), ("sgp_",)),
    Shape("SonarQube token", re.compile(r"sq[upa]_[a-f0-9]{40}"), ("squ_", "sqp_", "sqa_")),
    Shape("Postman key", re.compile(r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"), ("pmak-",)),
    Shape("ReadMe key", re.compile(r"rdme_[a-z0-9]{70}"), ("rdme_",)),
)
