"""Which of its channels a store is connected in: what a person chooses."""

from __future__ import annotations

from collections.abc import Sequence

from integrations import channels
from integrations.connect import changing
from integrations.lifecycle import ConnectError
from integrations.models import Store


def choose_channels(store: Store, external_ids: Sequence[str], *, actor: str) -> bool:
    """Have exactly these channels on, first choice first: it gives the store its currency and time
    zone, and tells what is sold in several. False when it was so already. Raises ConnectError.
    """
    there = [channel.external_id for channel in channels.all_of(store)]
    if not there:
        raise ConnectError(
            f"{store} is one channel: there is nothing to choose. If it sells in several by now, "
            "test its connection first.",
            code="no_channels",
        )
    if strange := [x for x in external_ids if x not in there]:
        named = ", ".join(f"{x.external_id} ({x.name})" for x in channels.all_of(store))
        raise ConnectError(
            f"{store} has no channel “{strange[0][:60]}”. It has {named}.",
            code="unknown_channel",
        )
    if len(set(external_ids)) < len(external_ids):
        raise ConnectError("Each channel can be chosen once for a store.", code="channel_twice")
    if not external_ids:
        # An empty option would stand for all of them.
        raise channels.none_left(store)
    if list(external_ids) == [channel.external_id for channel in channels.on(store)]:
        return False
    option = channels.option_of(store)
    changing.change_store(store, actor=actor, options={option: list(external_ids)})
    return True
