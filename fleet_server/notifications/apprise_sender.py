"""The one door to apprise (WeCom, DingTalk, Feishu, e-mail, SMS, webhook)."""

import apprise


class AppriseSender:
    """Sends one message by one apprise URL."""

    def __call__(self, url: str, title: str, body: str) -> bool:
        """Return whether the channel took it; a URL apprise does not understand never does."""
        channel = apprise.Apprise()
        return bool(channel.add(url)) and bool(channel.notify(title=title, body=body))
