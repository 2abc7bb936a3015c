"""Who may ask, and what the browser is told to keep from whom."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digits.serve.web.problems import CLOSE, ProblemError

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SECURITY_HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        b"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
        b"frame-ancestors 'none'",
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-cache"),
]


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets, in lower case; "" if it has none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


class SecurityMiddleware:
    """Lets in what is addressed to this service and, where it writes, comes from its own page.

    The host is checked here and not by Starlette's TrustedHostMiddleware, which answers in plain
    text where every other error is a problem; that would cost more code to mend than the check.
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...]) -> None:
        self._app, self._hosts = app, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [field for field in message["headers"] if field[0] != b"accept-ranges"]
                message = {**message, "headers": own + SECURITY_HEADERS}
            elif head:
                message = {**message, "body": b""}
            await send(message)

        if refusal := self._refusal(scope, Headers(scope=scope)):
            await refusal.response()(scope, receive, send_secured)
            return
        # Nothing here is so large that a part of it would be wanted, and a wrong range would be
        # answered in plain text.
        scope["headers"] = [field for field in scope["headers"] if field[0] != b"range"]
        # HEAD is answered wherever GET is, with the same headers.
        await self._app({**scope, "method": "GET"} if head else scope, receive, send_secured)

    def _refusal(self, scope: Scope, headers: Headers) -> ProblemError | None:
        # Who sends both, or chunks by a version that has none, may want a proxy and this service
        # to find the end of the request at different places (RFC 9112, sections 6.1 and 11.2).
        if "transfer-encoding" in headers and (
            "content-length" in headers or scope["http_version"] != "1.1"
        ):
            return ProblemError(400, "expected one length of the request", CLOSE)
        # A page of another site whose name was pointed here (DNS rebinding) sends its own name.
        if host_name(headers.get("host", "")) not in self._hosts:
            return ProblemError(
                400, "this service does not answer to that host name; see `digits ui --help`"
            )
        if scope["method"] in SAFE_METHODS:
            return None
        origin = headers.get("origin")
        own = origin is None or origin.partition("://")[2] == headers["host"]
        if not own or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return ProblemError(403, "other sites may not send anything to this service")
        return None
