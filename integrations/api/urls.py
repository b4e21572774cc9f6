"""Every address of the API below ``/api/v1/``. None ends in a slash; none redirects."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.csrf import csrf_exempt

from integrations import registry
from integrations.api import errors
from integrations.api.allocations import AllocationViews
from integrations.api.bundles import BundleViews
from integrations.api.catalogue import ListingViews, LocationViews, ProductViews, VariantViews
from integrations.api.channels import ChannelViews
from integrations.api.conflicts import ConflictViews
from integrations.api.explain import ExplainViews
from integrations.api.files import ParcelFileViews, StockFileViews
from integrations.api.formats import encode
from integrations.api.health import StoreHealthViews
from integrations.api.kept import KeptViews
from integrations.api.kits import KitViews
from integrations.api.mappings import MappingViews
from integrations.api.matching import MatchingViews
from integrations.api.orders import OrderViews
from integrations.api.outside import OutsideViews
from integrations.api.oversells import OversellViews
from integrations.api.payouts import PayoutViews
from integrations.api.platforms import PlatformViews
from integrations.api.pushes import PushViews
from integrations.api.reconciliations import ReconciliationViews
from integrations.api.refunded_goods import RefundedGoodsViews
from integrations.api.refunds import RefundViews
from integrations.api.rehearsals import StockRuleTries, StoreTries
from integrations.api.returns import ReturnViews
from integrations.api.rule_changes import RuleChangeViews
from integrations.api.runs import ParkedViews, RunViews
from integrations.api.stock import StockViews
from integrations.api.stock_master import StockMasterViews
from integrations.api.stock_rules import StockRuleViews
from integrations.api.store_places import StorePlaceViews
from integrations.api.stores import AllStoreViews


@csrf_exempt
def no_such_address(request: HttpRequest, rest: str = "") -> HttpResponse:
    detail = "There is nothing at this address. See /api/docs for those there are."
    if rest.endswith("/"):
        detail = "There is nothing at this address. Addresses of the API do not end in a slash."
    return HttpResponse(
        encode(errors.problem(404, "no_such_address", detail)),
        status=404,
        content_type=errors.CONTENT_TYPE,
    )


urlpatterns: list[URLPattern | URLResolver] = [
    path("platforms", PlatformViews.at(get="platforms")),
    path("integrations", AllStoreViews.at(get="list")),
    path("integrations/<uuid:pk>", AllStoreViews.at(get="retrieve")),
    path("integrations/<uuid:pk>/runs", AllStoreViews.at(get="runs")),
    path("integrations/<uuid:pk>/health", StoreHealthViews.at(get="health")),
    path("integrations/<uuid:pk>/webhooks", StoreHealthViews.at(get="webhooks")),
    path("integrations/<uuid:pk>/webhooks/check", StoreHealthViews.at(post="check_webhooks")),
    path("integrations/<uuid:pk>/webhooks/secret", StoreHealthViews.at(post="rotate_secret")),
    path("integrations/<uuid:pk>/stock-master", StockMasterViews.at(get="retrieve", post="switch")),
    path(
        "integrations/<uuid:pk>/stock-master/believe-zeros",
        StockMasterViews.at(post="believe_zeros"),
    ),
    path("integrations/<uuid:pk>/first-push", StockMasterViews.at(get="first_push")),
    path("integrations/<uuid:pk>/send-zeros", StockMasterViews.at(post="send_zeros")),
    path("integrations/<uuid:pk>/channels", ChannelViews.at(get="retrieve", put="update")),
    path("integrations/<uuid:pk>/locations", StorePlaceViews.at(get="retrieve", put="update")),
    path("integrations/<uuid:pk>/locations/make-places", StorePlaceViews.at(post="make_places")),
    path(
        "integrations/<uuid:pk>/reconciliations",
        ReconciliationViews.at(get="list", post="create"),
    ),
    path(
        "integrations/<uuid:pk>/reconciliations/<uuid:run_id>",
        ReconciliationViews.at(get="retrieve"),
    ),
    path(
        "integrations/<uuid:pk>/reconciliations/<uuid:run_id>/go-on",
        ReconciliationViews.at(post="go_on"),
    ),
    path("integrations/<uuid:pk>/mappings", MappingViews.at(get="list", post="create")),
    path(
        "integrations/<uuid:pk>/mappings/<int:rule_id>",
        MappingViews.at(get="retrieve", patch="partial_update", delete="destroy"),
    ),
    path("integrations/<uuid:pk>/mappings/try", StoreTries.at(post="mappings")),
    path("integrations/<uuid:pk>/status-words/try", StoreTries.at(post="status_words")),
    path("mappings/preview", MappingViews.at(post="preview")),
    path("runs/<uuid:pk>", RunViews.at(get="retrieve")),
    path("runs/<uuid:pk>/cancel", RunViews.at(post="cancel")),
    path("runs/<uuid:pk>/pause", RunViews.at(post="pause")),
    path("runs/<uuid:pk>/resume", RunViews.at(post="resume")),
    path("parked", ParkedViews.at(get="list")),
    path("parked/<uuid:pk>", ParkedViews.at(get="retrieve")),
    path("parked/<uuid:pk>/retry", ParkedViews.at(post="retry")),
    path("parked/<uuid:pk>/dismiss", ParkedViews.at(post="dismiss")),
    path("orders", OrderViews.at(get="list")),
    path("orders/<uuid:pk>", OrderViews.at(get="retrieve")),
    path("orders/<uuid:pk>/timeline", OrderViews.at(get="timeline")),
    path("orders/<uuid:pk>/status", OrderViews.at(post="status")),
    path("orders/<uuid:pk>/shipments", OrderViews.at(post="shipments")),
    path("orders/<uuid:pk>/shipments/<uuid:shipment_id>", OrderViews.at(patch="tracking")),
    path("orders/<uuid:pk>/shipments/<uuid:shipment_id>/cancel", OrderViews.at(post="unship")),
    path("orders/<uuid:pk>/outside", OutsideViews.at(get="list", post="create")),
    path("orders/<uuid:pk>/outside/preview", OutsideViews.at(post="preview")),
    path("orders/<uuid:pk>/outside/<uuid:outside_id>/cancel", OutsideViews.at(post="cancel")),
    path("orders/<uuid:pk>/refunds", RefundViews.at(get="list", post="create")),
    path("orders/<uuid:pk>/returns", ReturnViews.at(get="list")),
    path("orders/<uuid:pk>/returns/<uuid:return_id>/restock", ReturnViews.at(post="restock")),
    path("orders/<uuid:pk>/refunded-goods", RefundedGoodsViews.at(get="retrieve", post="decide")),
    path(
        "orders/<uuid:pk>/refunded-goods/<uuid:decision_id>/undo",
        RefundedGoodsViews.at(post="undo"),
    ),
    path("orders/<uuid:pk>/picking/begin", OrderViews.at(post="begin_picking")),
    path("orders/<uuid:pk>/picking/undo", OrderViews.at(post="undo_picking")),
    path("orders/<uuid:pk>/conflicts", ConflictViews.at(get="list")),
    path("orders/<uuid:pk>/conflict/accept", ConflictViews.at(post="accept")),
    path("orders/<uuid:pk>/cancel", OrderViews.at(post="cancel")),
    path("orders/<uuid:pk>/notes", OrderViews.at(post="notes")),
    path("orders/<uuid:pk>/review", OrderViews.at(post="review")),
    path("orders/<uuid:pk>/erase-buyer", OrderViews.at(post="erase_buyer")),
    path("orders/<uuid:pk>/refetch", OrderViews.at(post="refetch")),
    path("shipments/files", ParcelFileViews.at(get="list")),
    path("shipments/files/<uuid:pk>/refused", ParcelFileViews.at(get="refused")),
    path("payouts", PayoutViews.at(get="list")),
    path("payouts/<uuid:pk>", PayoutViews.at(get="retrieve")),
    path("payouts/<uuid:pk>/lines", PayoutViews.at(get="lines")),
    path("products", ProductViews.at(get="list")),
    path("products/<uuid:pk>", ProductViews.at(get="retrieve")),
    path("variants", VariantViews.at(get="list")),
    path("variants/<uuid:pk>", VariantViews.at(get="retrieve")),
    path("variants/<uuid:pk>/parts", KitViews.at(get="retrieve", put="update")),
    path("listings", ListingViews.at(get="list")),
    path("listings/<uuid:pk>", ListingViews.at(get="retrieve", patch="partial_update")),
    path("listings/<uuid:pk>/link", ListingViews.at(post="link")),
    path("listings/<uuid:pk>/unlink", ListingViews.at(post="unlink")),
    path("listings/<uuid:pk>/take-over", BundleViews.at(post="take_over")),
    path("listings/<uuid:pk>/candidates", MatchingViews.at(get="candidates")),
    path("listings/link-all", MatchingViews.at(post="link_all")),
    path("listings/link-all/undo", MatchingViews.at(post="undo_link_all")),
    path("oversells", OversellViews.at(get="list")),
    path("oversells/<uuid:pk>", OversellViews.at(get="retrieve")),
    path("locations", LocationViews.at(get="list", post="create")),
    path("locations/<uuid:pk>", LocationViews.at(get="retrieve", patch="partial_update")),
    path("stock/rules", StockRuleViews.at(get="list", post="create")),
    path(
        "stock/rules/<int:rule_id>",
        StockRuleViews.at(get="retrieve", patch="partial_update", delete="destroy"),
    ),
    path("stock/allocations", AllocationViews.at(get="list", post="create")),
    path(
        "stock/allocations/<uuid:pk>",
        AllocationViews.at(get="retrieve", patch="partial_update", delete="destroy"),
    ),
    path("stock/rules/changes", RuleChangeViews.at(get="list")),
    path("stock/rules/changes/<int:change_id>/put-back", RuleChangeViews.at(post="put_back")),
    path("stock/rules/try", StockRuleTries.at(post="new")),
    path("stock/rules/<int:rule_id>/try", StockRuleTries.at(post="change")),
    path("stock/levels", StockViews.at(get="levels")),
    path("stock/kept", KeptViews.at(get="list")),
    path("stock/movements", StockViews.at(get="movements")),
    path("stock/adjust", StockViews.at(post="adjust")),
    path("stock/keep-back", StockViews.at(post="keep_back")),
    path("stock/write-off", StockViews.at(post="write_off")),
    path("stock/files", StockFileViews.at(get="list")),
    path("stock/pushes", PushViews.at(get="list")),
    path("stock/pushes/<uuid:pk>", PushViews.at(get="retrieve")),
    path("stock/pushes/<uuid:pk>/retry", PushViews.at(post="retry")),
    path("stock/explain", ExplainViews.at(get="explain", post="suppose")),
    path("stock/restock", StockViews.at(post="restock")),
    *(path(f"{card.slug}/", include(card.routes)) for card in registry.cards() if card.routes),
    path("", no_such_address),
    path("<path:rest>", no_such_address),
]
