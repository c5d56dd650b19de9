"""Chat robots that say no in the body of a 200: WeCom, DingTalk, Feishu and Lark.

apprise looks at the HTTP status alone, so a robot that was removed, is asked too often or does
not like a word would count as having told its people. These four modules of apprise therefore get
a `requests` whose answers are judged by what the services' own documents say: `errcode` (WeCom,
DingTalk) or `code` (Feishu, Lark) is 0, or nothing was delivered. An answer that is no JSON is
none of theirs (a portal of a network, say).
"""

from types import ModuleType
from typing import Any

import requests
from apprise.plugins import dingtalk, feishu, lark, wecombot

REFUSED = 502
"""Status such an answer is given: apprise takes anything but 200 for a failure."""
CODES = ("errcode", "code", "StatusCode")


class JudgedRequests:
    """The module `requests`, with answers to `post` that mean what their bodies say."""

    def __getattr__(self, name: str) -> Any:
        return getattr(requests, name)

    def post(self, *args: Any, **options: Any) -> requests.Response:
        """Post; an answer that says no is no success."""
        answer = requests.post(*args, **options)  # noqa: S113  # apprise gives its time-out
        if answer.status_code == requests.codes.ok and not was_taken(answer):
            answer.status_code = REFUSED
        return answer


def was_taken(answer: requests.Response) -> bool:
    """Whether a robot's answer says that it passed the message on."""
    try:
        said = answer.json()
    except requests.JSONDecodeError:
        return False
    codes = [said[name] for name in CODES if name in said] if isinstance(said, dict) else []
    return bool(codes) and not any(codes)


def judge_robots() -> None:
    """Let apprise hear what robots say; safe to call again."""
    modules: tuple[ModuleType, ...] = (dingtalk, feishu, lark, wecombot)
    for module in modules:
        module.requests = JudgedRequests()  # type: ignore[attr-defined]  # apprise's own name
