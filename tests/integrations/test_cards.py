"""What a card says of the ways to sign in and of scopes, and what it refuses to say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from integrations.platform import Ability, AuthKind, CredentialField, SignIn
from tests.integrations.tokenshop.platform import CARD


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ({"client_id", "client_secret"}, AuthKind.CLIENT_CREDENTIALS),
        ({"client_id"}, AuthKind.CLIENT_CREDENTIALS),
        ({"client_id", "client_secret", "refresh_token"}, AuthKind.REFRESH_TOKEN),
        ({"refresh_token"}, AuthKind.REFRESH_TOKEN),
        ({"access_token"}, AuthKind.TOKEN),
        ({"access_token", "client_secret"}, AuthKind.TOKEN),
    ],
)
def test_values_tell_which_way_to_sign_in_they_stand_for(names: set[str], kind: AuthKind) -> None:
    token = SignIn(
        kind=AuthKind.TOKEN,
        label="A token",
        fields=(
            CredentialField(name="access_token", label="Access token"),
            CredentialField(name="client_secret", label="Client secret", required=False),
        ),
    )
    card = replace(CARD, sign_ins=(*CARD.sign_ins[:3], token))

    assert card.sign_in_for(names).kind == kind


def test_consent_is_chosen_for_no_values_only_where_there_is_nothing_else() -> None:
    only = replace(CARD, sign_ins=CARD.sign_ins[:1])

    assert CARD.sign_in_for(()).kind is not AuthKind.OAUTH2
    assert only.sign_in_for({"client_id"}).kind is AuthKind.OAUTH2


def test_readers_see_all_fields_and_each_name_once() -> None:
    assert CARD.auth_kinds == (
        AuthKind.OAUTH2,
        AuthKind.CLIENT_CREDENTIALS,
        AuthKind.REFRESH_TOKEN,
        AuthKind.TOKEN,
    )
    names = [field.name for field in CARD.credential_fields]
    assert names == ["client_id", "client_secret", "refresh_token", "access_token"]
    assert CARD.sign_in("token") is CARD.sign_ins[3]
    assert CARD.sign_in(AuthKind.API_KEYS) is None


def test_an_ability_names_every_scope_it_lacks() -> None:
    card = replace(
        CARD,
        scopes={"read_orders": (Ability.ORDERS,), "read_all": (Ability.ORDERS, Ability.PRODUCTS)},
    )

    assert card.turned_off(()) == {}
    assert card.turned_off(("unknown",)) == {}
    assert card.turned_off(("read_orders", "read_all")) == {
        Ability.ORDERS: ("read_orders", "read_all"),
        Ability.PRODUCTS: ("read_all",),
    }
    assert CARD.required_scopes == ("read_orders", "read_products")


def test_a_card_that_contradicts_itself_does_not_load() -> None:
    no_secret = SignIn(
        kind=AuthKind.CLIENT_CREDENTIALS,
        label="App",
        fields=(CredentialField(name="client_id", label="Id"),),
    )

    with pytest.raises(ValueError, match="client_secret"):
        replace(CARD, sign_ins=(no_secret,))
    with pytest.raises(ValueError, match="nobody asks for"):
        replace(CARD, optional_scopes=("read_returns",))


def test_a_queue_is_opened_by_all_of_its_values_or_by_none() -> None:
    able = CARD.abilities | {Ability.NEWS_QUEUE}
    poor = {a: why for a, why in CARD.exempt.items() if a is not Ability.NEWS_QUEUE}
    fields = tuple(CredentialField(name=n, label=n, required=False) for n in ("queue", "key"))
    card = replace(CARD, abilities=able, exempt=poor, queue_fields=fields)

    assert card.queue_of({"queue": "q-1", "key": "k", "other": "x"}) == "q-1"
    assert card.queue_of({"queue": "q-1", "key": ""}) == ""
    assert card.queue_of({}) == ""
    assert CARD.queue_of({"queue": "q-1", "key": "k"}) == ""
    with pytest.raises(ValueError, match="queue"):
        replace(card, queue_fields=())
    with pytest.raises(ValueError, match="queue"):
        replace(CARD, queue_fields=fields)


def test_a_card_that_takes_parcels_in_a_file_takes_parcels() -> None:
    able = replace(
        CARD,
        abilities=CARD.abilities | {Ability.SHIPMENTS},
        exempt={k: v for k, v in CARD.exempt.items() if k is not Ability.SHIPMENTS},
    )
    assert replace(able, parcels_bulk_from=100).parcels_bulk_from == 100

    with pytest.raises(ValueError, match="takes no parcels"):
        replace(
            able,
            abilities=able.abilities - {Ability.SHIPMENTS},
            exempt={**able.exempt, Ability.SHIPMENTS: "Not here."},
            parcels_bulk_from=100,
        )
