"""Made-up secrets, one of each shape."""

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
    "private_key": f"-----BEGIN RSA PRIVATE KEY-----\n{KEY_BODY}\n-----END RSA PRIVATE KEY-----",
}
