"""Security headers on every answer: nothing from other hosts, no framing, no sniffing."""

from flask import Flask, Response

# Inline style attributes are set by the API reference; scripts are files of ours only.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
A_YEAR = 31_536_000


def init_app(app: Flask, *, production: bool) -> None:
    """Set the headers; HTTPS only (HSTS) in production."""
    wanted = {
        "content-security-policy": ("Content-Security-Policy", POLICY),
        "x-content-type-options": ("X-Content-Type-Options", "nosniff"),
        "referrer-policy": ("Referrer-Policy", "same-origin"),
        "cross-origin-opener-policy": ("Cross-Origin-Opener-Policy", "same-origin"),
        # Answers depend on who asks; what may be kept says so itself.
        "cache-control": ("Cache-Control", "no-store"),
    }
    if production:
        strict = f"max-age={A_YEAR}; includeSubDomains"
        wanted["strict-transport-security"] = ("Strict-Transport-Security", strict)

    @app.after_request
    def secure(response: Response) -> Response:
        # One look at all that is set: asking a header's list for each that is not is slow.
        given = {name.lower() for name, _ in response.headers}
        for lower, header in wanted.items():
            if lower not in given:
                response.headers.add(*header)
        return response
