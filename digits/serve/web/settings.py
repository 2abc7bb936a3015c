"""How much the service takes, and from whom."""

from dataclasses import dataclass

from digits.scan.single.decode import MAX_BYTES
from digits.serve.web.security import LOCAL_HOSTS


@dataclass(frozen=True)
class Settings:
    """Limits of one service."""

    hosts: tuple[str, ...] = LOCAL_HOSTS
    """Names in the Host header that are answered, without port and brackets."""
    workers: int = 2
    """Processor cores: as many threads predict, and twice as many processes scan images."""
    waiting: int = 32
    """Images that may be at work or wait beyond `workers`; further ones get 429."""
    body_bytes: int = MAX_BYTES
    held_bytes: int = 16 * MAX_BYTES
    """Of all bodies together."""
    bodies: int = 128
    """Requests with a body at once, from its first byte to the answer; further ones get 429."""
    quick_pixels: int = 2_000_000
    """Larger images are scanned after all others."""
    large: int = 4
    """Most of them at once: each can take 400 MB."""
    digits: int = 300
    """Digits of one image."""
    body_seconds: float = 15.0
    """Until a request's body has come."""
    work_seconds: float = 4.5
    """Until an image is read, with the time that it waits."""
    share_seconds: float = 0.8
    """Of a core: an image that has been scanned for longer gives way where another waits."""
