"""The one door to apprise (WeCom, DingTalk, Feishu, e-mail, SMS, webhook).

Traps of apprise that are stepped around here, each with a test:
- e-mail is HTML unless told otherwise: line breaks vanish and `<` begins a tag. So text is
  announced as text, and apprise converts it where a channel wants something else;
- limits of length count characters where services count bytes: a Chinese text of 1,000
  characters is 3,000 bytes, and WeCom takes 2,048. So it is cut here, at a character;
- an empty body is an error: then the title is said once more;
- robots that refuse in the body of a 200 count as having taken it: `robots.py` judges them;
- its own log lines may hold the URL, which is the secret: they are switched off.
"""

import logging
from typing import Any

import apprise

from fleet_server.notifications.doors import TAKEN, Outcome, Result
from fleet_server.notifications.letters import Letter, cut
from fleet_server.notifications.robots import judge_robots

BYTES_MAX = {"wecombot": 2_048, "dingtalk": 19_000, "feishu": 19_000, "lark": 19_000}
"""Title and body together, by the services' own documents; a message past it is refused whole."""
BYTES_MAX_ELSE = 30_000
MAIL = frozenset({"mailto", "mailtos"})
IDEMPOTENCY_HEADER = "Idempotency-Key"

for name in ("apprise", "urllib3"):
    logging.getLogger(name).setLevel(logging.CRITICAL + 1)
judge_robots()


class AppriseSender:
    """Sends one message by one apprise URL."""

    def send(self, secret: str, letter: Letter, key: str) -> Outcome:
        """Hand it over; apprise's own time-outs bound it: 4 s to connect and to read, mail 15 s."""
        plugin = apprise.Apprise.instantiate(secret)
        if plugin is None:
            return Outcome(Result.REFUSED, "no URL apprise understands")
        headers = getattr(plugin, "headers", None)
        if isinstance(headers, dict):  # webhooks and mail carry headers of ours
            headers[IDEMPOTENCY_HEADER] = key
        channel = apprise.Apprise()
        channel.add(plugin)
        body = cut(letter.body or letter.title, _room(secret, letter.title))
        text = apprise.NotifyFormat.TEXT
        taken = channel.notify(title=letter.title, body=body, body_format=text)
        return TAKEN if taken else Outcome(Result.REFUSED, "the channel did not take it")


def schema_of(url: str) -> str:
    """Name of the service: what stands before `://`."""
    return url.partition("://")[0].lower()


def label_of(url: str) -> str:
    """Return the URL with its secrets masked; empty for one apprise does not understand."""
    plugin: Any = apprise.Apprise.instantiate(url)
    return "" if plugin is None else str(plugin.url(privacy=True)).partition("?")[0]


def hosts_of(url: str) -> list[str]:
    """Hosts a mail URL connects to; other services have hosts of their own."""
    plugin = apprise.Apprise.instantiate(url) if schema_of(url) in MAIL else None
    named = [getattr(plugin, name, None) for name in ("smtp_host", "host")]
    return [host for host in named if isinstance(host, str) and host]


def _room(url: str, title: str) -> int:
    limit = BYTES_MAX.get(schema_of(url), BYTES_MAX_ELSE)
    return limit - len(title.encode()) - len("\r\n")
