"""A new data key for a store whose buyers are all erased. The old one is destroyed, and with it
whatever a column of this database may still hold that it sealed.
"""

from __future__ import annotations

from django.db import transaction

from integrations.models import Credential, Endpoint, PrivacyRequest, Store, StoreStatus
from logix.accounts import keys

_TABLE = "integrations_endpoint"
_COLUMNS = ("token_sealed", "secret_sealed", "previous_secret_sealed")
_OVER = (StoreStatus.DISCONNECTED, StoreStatus.NEEDS_MERCHANT)


@transaction.atomic
def renew_key(store: Store) -> bool:
    """Give the store a new key and destroy the old one. False, and nothing is done, while the store
    is connected or another one shares its key. Raises SealBroken.

    What its endpoints verify by is sealed again: stores go on telling of their buyers. Keys to the
    store are void by then and go, an app of the merchant's own among them: it is entered again with
    the next connect.
    """
    now = Store.objects.select_for_update(of=("self",)).get(pk=store.pk)
    shares = Store.objects.filter(data_key=now.data_key_id).exclude(pk=now.pk)
    if now.status not in _OVER or shares.exists():
        return False
    old, new = keys.vault(now.data_key_id), keys.create(now.merchant)
    vault = keys.vault(new.pk)
    for endpoint in Endpoint.objects.filter(store=now):
        row, sealed_again = str(endpoint.pk), {}
        for column in _COLUMNS:
            if sealed := getattr(endpoint, column):
                plain = old.open(bytes(sealed), _TABLE, column, row)
                sealed_again[column] = vault.seal(plain, _TABLE, column, row)
        Endpoint.objects.filter(pk=endpoint.pk).update(**sealed_again)
    Credential.objects.filter(store=now).delete()
    PrivacyRequest.objects.filter(store=now).update(customer_sealed=None)
    Store.objects.filter(pk=now.pk).update(data_key=new)
    keys.destroy(now.data_key_id)
    store.data_key = new
    return True
