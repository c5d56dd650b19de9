"""Joins what there is to send by, from the settings: the doors, shared channels, the unsealing."""

from functools import lru_cache, partial

from fleet_server.clock import Clock
from fleet_server.notifications.addresses import SharedChannels
from fleet_server.notifications.apprise_sender import AppriseSender
from fleet_server.notifications.delivery import Ways
from fleet_server.notifications.push_transport import PushTransport
from fleet_server.notifications.rules import Channel
from fleet_server.notifications.web_push import VapidKey, WebPushSender
from fleet_server.settings import Settings
from fleet_server.signing import SigningService


def ways_of(settings: Settings, signing: SigningService, clock: Clock) -> Ways:
    """Ways out of one installation. Raises ConfigurationError for a role that does not exist."""
    key = lru_cache(partial(VapidKey.load, settings.data_dir, settings.push_contact))
    transport = PushTransport(private=settings.notice_private_hosts)
    return Ways(
        {
            Channel.APPRISE: AppriseSender(),
            Channel.WEB_PUSH: WebPushSender(key, transport.post, clock.now),
        },
        SharedChannels.of(settings.notice_channels, settings.notice_role_channels),
        signing.unsealed,
    )
