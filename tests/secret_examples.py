"""Made-up secrets, one of each shape, built so that no scanner of repositories takes this file for a leak."""

import base64

KEY_BODY = "\n".join(["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7" + "x" * 12] * 8)

SECRETS = {
    "api_key": "sk-ant-api03-AbCdEf0123456789-AbCdEf0123456789",
    "github_token": "ghp_0123456789abcdefABCDEF0123456789abcd",
    "gitlab_token": "glpat-0123456789abcdefABCD",
    "aws_key": "AKIAIOSFODNN7EXAMPLE",
    "slack_token": "xoxb-123456789012-abcdefABCDEF",
    "google_key": "AIza" + "SyA1234567890abcdefghijklmnopqrstuv"[:35],
    "stripe_key": "sk_live_0123456789abcdefABCDEF",
    "registry_token": "npm_" + "a1B2" * 9,
    "telegram_token": "123456789:" + "AAbb1" * 7,
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "watchkeeper_token": "wkj_9f8Dk2lm0QwErTyUiOpAsDfG",
    "lease_token": "7.0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e",
    "private_key": f"-----BEGIN RSA PRIVATE KEY-----\n{KEY_BODY}\n-----END RSA PRIVATE KEY-----",
    "model_hub_token": "hf_" + "AbCd1234" * 4,
    "sendgrid_key": "SG." + "a1B2c3D4" * 3 + "." + "e5F6g7H8" * 5,
    "google_token": "ya29." + "a0AfH6SMBx" * 4,
    "cloud_token": "dop_v1_" + "0a1b2c3d" * 8,
    "phone_key": "SK" + "0123abcd" * 4,
    "chat_token": "Ab1+/Cd2" * 18 + "dB04t89/1O/w1cDnyilFU=",
    "observer_key": "glsa_" + "AbCd1234" * 4 + "_0123abcd",
    "shop_key": "shpat_" + "0123abcd" * 4,
}
"""By the name that stands in their place."""


def _block(kind: str, body: str) -> str:
    return f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----"


AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
BASIC = base64.b64encode(b"robot:planted-basic-pw-77").decode()

GCP = '{"private_key": "-----BEGIN PRIVATE KEY-----\\nMIIPlantedGcp0123\\n-----END PRIVATE KEY-----\\n"}'

PLANTED: dict[str, tuple[str, str]] = {
    **{kind: (text, text[12:]) for kind, text in SECRETS.items() if kind != "private_key"},
    "openai_project_key": ("sk-proj-Zx9Yw8Vu7Ts6Rq5Po4Nm3", "Zx9Yw8Vu7Ts6Rq5Po4Nm3"),
    "github_fine_grained": ("github_pat_11ABCDEFG0planted0token0", "11ABCDEFG0planted0token0"),
    "aws_secret": (f"aws_secret_access_key = {AWS_SECRET}", AWS_SECRET),
    "azure_account_key": (
        "AccountName=store;AccountKey=" + "Eby8vdM02xNO" * 6 + "==;EndpointSuffix=core",
        "Eby8vdM02xNO" * 6,
    ),
    "azure_client_secret": (
        "aB1" + "8Q~" + "planted-Azure_0.client~secret12345"[:34],
        "planted-Azure_0.client~sec",
    ),
    "slack_webhook": (
        "https://hooks.slack.com/services/T0PLANTED/B0PLANTED/qWeRtYuIoPaSdFgH",
        "qWeRtYuIoPaSdFgH",
    ),
    "pypi_token": ("pypi-" + "AgEIcHlwaS5vcmc" * 4, "AgEIcHlwaS5vcmc" * 2),
    "databricks": ("dapi" + "9f8e7d6c" * 4, "9f8e7d6c" * 4),
    "cloudflare": (
        "CLOUDFLARE_API_TOKEN=" + "Pl4nted-Cl0udflare_T0ken-abcdefghijklmno",
        "Pl4nted-Cl0udflare",
    ),
    "docker_login": (
        '{"auths": {"registry.example": {"auth": "cGxhbnRlZDpkb2NrZXItbG9naW4="}}}',
        "cGxhbnRlZDpkb2NrZXItbG9naW4",
    ),
    "basic_auth": (f"Authorization: Basic {BASIC}", BASIC),
    "bearer": ("Authorization: Bearer planted0bearer0opaque0value", "planted0bearer0opaque0value"),
    "cookie": ("Cookie: theme=dark; session=planted0cookie0value", "planted0cookie0value"),
    "set_cookie": ("Set-Cookie: sid=planted0set0cookie; HttpOnly", "planted0set0cookie"),
    "netrc": ("machine git.example login robot password planted-netrc-pw", "planted-netrc-pw"),
    "database_url": ("postgresql://robot:planted-db-pw@db.example:5432/app", "planted-db-pw"),
    "url_login": ("https://robot:planted-url-pw@git.example/repo.git", "planted-url-pw"),
    "password": ("password=planted-plain-pw", "planted-plain-pw"),
    "quoted_password": ('"password": "planted quoted pw"', "planted quoted pw"),
    "option": ("run --password planted-option-pw --verbose", "planted-option-pw"),
    "rsa_key": (_block("RSA PRIVATE KEY", KEY_BODY), "MIIEvQIBADANBgkqhkiG9w0B"),
    "ec_key": (_block("EC PRIVATE KEY", "MHcCAQEEIPlantedEcKeyBody0123"), "PlantedEcKeyBody0123"),
    "openssh_key": (_block("OPENSSH PRIVATE KEY", "b3BlbnNzaC1rZXktPlanted0123"), "b3BlbnNzaC1rZXktPlanted"),
    "pgp_key": (_block("PGP PRIVATE KEY BLOCK", "lQOYBPlantedPgpKeyBody0123"), "PlantedPgpKeyBody0123"),
    "gcp_json_key": (GCP, "MIIPlantedGcp0123"),
}
"""Where each is written as it turns up: the text, and the part of it that must be found nowhere."""
