"""Tokens and webhook URLs of messaging and mail services, as the providers document them."""

from __future__ import annotations

import re

from mlx_backend.private_data.rules import Rule, Shape

MESSENGERS: tuple[Rule, ...] = (
    Shape(
        "Slack token",
        re.compile(r"xox[abeoprs]-[A-Za-z0-9-]{20,255}", re.IGNORECASE),
        ("xox",),
        lambda candidate: sum(char.isdigit() for char in candidate) >= 5,
    ),
    Shape("Slack token", re.compile(r"xoxe\.xox[bp]-\d-[A-Za-z0-9]{100,200}"), ("xoxe.",)),
    Shape(
        "Slack token", re.compile(r"xapp-\d-[A-Z0-9]{5,20}-\d{5,20}-[a-z0-9]{20,80}"), ("xapp-",)
    ),
    Shape(
        "Slack webhook",
        re.compile(
            r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[A-Za-z0-9+/]{40,80})"
        ),
        ("hooks.slack.com",),
    ),
    Shape(
        "Discord token",
        re.compile(r"[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,40}"),
        ("discord", "bot", "token"),
    ),
    Shape(
        "Discord webhook",
        re.compile(r"discord(?:app)?\.com/api/webhooks/(?P<secret>\d{17,20}/[\w-]{60,80})"),
        ("/api/webhooks/",),
    ),
    Shape(
        "Teams webhook",
        re.compile(
            r"webhook\.office\.com/webhookb2/(?P<secret>[\w@-]{73}/IncomingWebhook/[\w/-]{32,160})"
        ),
        ("webhook.office.com",),
    ),
    Shape("Telegram bot token", re.compile(r"(?<![\d:])\d{8,10}:A[\w-]{34}(?![\w-])"), (":a",)),
    Shape("SendGrid key", re.compile(r"SG\.[\w-]{22}\.[\w-]{43}"), ("sg.",)),
    Shape("Mailgun key", re.compile(r"(?:key|pubkey)-[a-f0-9]{32}"), ("key-",)),
    Shape("Mailgun key", re.compile(r"(?<!\w)[a-f0-9]{32}-[a-f0-9]{8}-[a-f0-9]{8}"), ("mailgun",)),
    Shape("Mailchimp key", re.compile(r"(?<!\w)[a-f0-9]{32}-us\d{1,2}"), ("-us",)),
    Shape("Mandrill key", re.compile(r"md-[\w-]{22}"), ("mandrill",)),
    Shape("Brevo key", re.compile(r"xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}"), ("xkeysib-",)),
    Shape("Resend key", re.compile(r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}"), ("re_",)),
    Shape("Twilio key", re.compile(r"SK[a-f0-9]{32}"), ("sk",)),
)
