"""The signed session cookie: looked at only where a client sends one."""

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin


class CookieSessions(SecureCookieSessionInterface):
    """Flask's own sessions, without its work for the many requests that carry no cookie."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Leave out what is one and the same for everybody: it neither sets nor follows a cookie."""
        if "immutable" not in response.headers.get("Cache-Control", ""):
            super().save_session(app, session, response)
