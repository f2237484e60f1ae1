"""Settings for tests: everything given, nothing real."""

from collections.abc import Mapping

from config.settings import load
from marketplace.core.settings import Settings

# Made for tests; signs nothing that anybody believes.
BADGE_KEY = (
    "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQC4HATTpzGwkbczlj-XqWPYQzDYpHLq"
    "xKzj1234z-ZIGTVyaC0DV8wrFG_8i3nxETUNKdD8vjqhrLyfRvzTeCDUuWGmsUsfEMpoD3sE9HWxWn_P"
    "il-pnZamalDJ7xLN72cg4fpRHdOGM5zGbmfN7Knn2PzjiTF0c5KFHlH2LCMi6ZfggxjFcLekB4Exzokb"
    "kabMwkfTyT7Q2wPTA9UBmtAE8SH98Q8yUMltD5opqBirZydqEmkn_lErD1VmuayBdy1f5qWvNsI3gf1v"
    "mgn9PmOyb_baJrQ-WpEyN_c9HiYSkUXsTzsIt_Njwc04EjPPIZ8BHnog-6zawiQKJSIbBWhXAgMBAAEC"
    "ggEAARW32OVseggJxns1VGKc93_B2xebo71_7_cWK01STozIz1aaI_cRpBQClZWJej2p4dzOt0aJrZKJ"
    "KVPE6_FnxB50MFltbLlFGrgzTIlXjjF50lJpk47IU00KEn6Jo6lW-A8iJ0s1MrO9fJUsSxQra3XQW6jf"
    "H-VfG3tdFpsWTpTY4eVblskwT1zN9l2EmlefnlTBMtAp65wgWU88DQMTpRyFfi-NUtdNcYYaGUGQ2cVr"
    "bOLV7Z3fUnYPRGvVHQfbtWz6tqWvD_JeoXPmIxRBCc1vFnxCSCwggs8tAvmtAPhka3z8ydpx4zv9wxDz"
    "G5g36bZbB8qHl0REZxQcMb1u8QKBgQDudP528Q_6rkdL-pzN51YVP3TNZMN9qBqzp6asezqjh8kecWCt"
    "3RJjpwiLr1BgJctGHe7HTze8sDXvnuffv1gv5K5nDDNa4jahQO6_haWi65PmbREomUhZm2MEha_eZBA1"
    "EjFkM8Aj35Q9Cf6m-niXEQeycXaVGUDUMqUn4FKNhwKBgQDFp3bUx5kiPkPqMT2vXS8cBe3GvFg-mjDt"
    "b5cJNDLhV8_GiHI1-3GyPFRtXtUp_YekGwUmdq8yeid4r8cPQImsTjyusqj_DoRSBlJJ7eQHHrc75rjj"
    "3As-0Clec8xt7I6B9czHW9RLeabFSVZHotXGBcmb8hqpLqaLYu1KNhWCsQKBgQDBKjLsZRDdsAn_aW9W"
    "eLzKD5Jtw998zg17VSb2eAijah6os41uqjP4V9nbVdQVXuhQz3SbLffnuRKoHqCVJuqoOWZyAXckezVn"
    "4TLGINxxosY3lkidC7aJKA_JHQa_b22VoDw0gJt4M-hgndUUrLe9IEWM7s7xrvhOLQyOxe_5xwKBgB5I"
    "Zxt4rUyiz5L9El9g3ovjmKefScHlq-Nk-nYNilIeOxZG54C_0o6lUaYkJnK1hmetQB_BhVwtfQivnccH"
    "c1Bz-DYn516Uoc9Tap4rFYnFufsygVdf6lUoXX48LbEV0ku1FjfhKOibbeLCNrbpCum5D0eWU2FiZV_r"
    "u0FogekxAoGBAMXq_BBZMkQq9fA3WRAfmeuO-gVvMIw25pbmR9GksueXxpxnaX02ETLtPiN9fLOk_13F"
    "-yOxCSN6f1UbtCRDSZhT87qGFe-FgugE7J6_bUByCY0BE0mmXfvxx4Bnradh8bjC7stoG-jwbMgmmyLu"
    "JYnUVA-2cA7wRkHIhySK14Qa"
)
ENVIRONMENT: Mapping[str, str] = {
    "MARKETPLACE_ENV": "test",
    "SECRET_KEYS": "a-secret-for-tests-of-more-than-32-characters",
    "PASSWORD_SALT": "a-salt-for-tests-only",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "STRIPE_SECRET_KEY": "sk_test_for_tests",
    "STRIPE_WEBHOOK_SECRETS": "whsec_for_tests",
    "STRIPE_API_BASE": "http://127.0.0.1:1",
    "SMTP_URL": "smtp://127.0.0.1:1",
    "REPLY_DOMAIN": "reply.marketplace.test",
    "INBOUND_MAIL_SECRET": "a-secret-of-the-mail-server-for-tests",
    "OBJECT_STORE_URL": "memory://",
    "LETTER_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "BADGE_KEYS": BADGE_KEY,
    "PUBLIC_URL": "http://marketplace.test",
    "LOG_LEVEL": "WARNING",
    "RATE_LIMIT": "100000/minute",
    "LOGIN_RATE_LIMIT": "100000/minute",
}


def make(**changes: str) -> Settings:
    """Return the test settings with some of the environment changed."""
    return load({**ENVIRONMENT, **changes})
