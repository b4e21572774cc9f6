"""The book for what a person does to one item at one place."""

from __future__ import annotations

from inventory.book import Book
from inventory.entries import Level
from inventory.errors import LedgerRefused
from inventory.models import KitPart, Location, StockMovement, Variant


def opened(
    variant: Variant, location: Location, *, actor: str, cause: str, request_id: str
) -> tuple[Book, Level] | StockMovement:
    """The open book and the level that counts for ``variant`` there; or the movement that the same
    ``cause`` made before. Raises LedgerRefused, LedgerConflict.
    """
    if variant.merchant_id != location.merchant_id:
        raise LedgerRefused("The product and the place belong to different merchants.")
    if location.kept_by_id:
        raise LedgerRefused(location.refusal)
    item_id = variant.stock_item_id
    if KitPart.objects.filter(kit=item_id).exists():
        raise LedgerRefused(f"{variant} is a kit: what is counted are its parts.")
    # Whoever brings the same cause waits for the level's lock before looking for it.
    book = Book.open(variant.merchant_id, {item_id}, actor=actor, request_id=request_id)
    if done := StockMovement.objects.filter(cause=cause).first():
        return done
    return book, book.level_at(item_id, location.pk)
