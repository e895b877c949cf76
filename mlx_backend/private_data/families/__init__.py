"""The rules, one file for each family of secrets; the most reliable families come first."""

from __future__ import annotations

from mlx_backend.private_data.families.ai_services import AI_SERVICES
from mlx_backend.private_data.families.assignments import ASSIGNMENTS
from mlx_backend.private_data.families.business_services import BUSINESS_SERVICES
from mlx_backend.private_data.families.cards_and_accounts import CARDS_AND_ACCOUNTS
from mlx_backend.private_data.families.clouds import CLOUDS
from mlx_backend.private_data.families.code_hosts import CODE_HOSTS
from mlx_backend.private_data.families.connections import CONNECTIONS
from mlx_backend.private_data.families.door_codes import DOOR_CODES
from mlx_backend.private_data.families.messengers import MESSENGERS
from mlx_backend.private_data.families.named_keys import NAMED_KEYS
from mlx_backend.private_data.families.national_numbers import NATIONAL_NUMBERS
from mlx_backend.private_data.families.operations import OPERATIONS
from mlx_backend.private_data.families.password_tables import PASSWORD_TABLES
from mlx_backend.private_data.families.passwords import PASSWORDS
from mlx_backend.private_data.families.private_keys import PRIVATE_KEYS
from mlx_backend.private_data.families.seed_phrases import SEED_PHRASES
from mlx_backend.private_data.rules import Rule

ALL_RULES: tuple[Rule, ...] = (
    *PRIVATE_KEYS,
    *CLOUDS,
    *CODE_HOSTS,
    *AI_SERVICES,
    *MESSENGERS,
    *BUSINESS_SERVICES,
    *OPERATIONS,
    *CONNECTIONS,
    *SEED_PHRASES,
    *CARDS_AND_ACCOUNTS,
    *NATIONAL_NUMBERS,
    *NAMED_KEYS,
    *DOOR_CODES,
    *PASSWORDS,
    *PASSWORD_TABLES,
    *ASSIGNMENTS,
)
