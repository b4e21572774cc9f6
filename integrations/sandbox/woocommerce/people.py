"""Invented people, places and things for the seed: many scripts, no real data."""

from __future__ import annotations

FIRST_NAMES = (
    "Zoë", "Jürgen", "Αλέξης", "Иван", "明", "さくら", "محمد", "שרה", "Łukasz", "Siân",
    "O'Neil", "Anne-Marie", "José", "Nguyễn", "💐 Lily", "Ægir", "Renée", "Ibrahim", "Priya", "Bo",
)  # fmt: skip
LAST_NAMES = (
    "Müller", "Peña", "Иванова", "Παπαδόπουλος", "田中", "الأحمد", "כהן", "Żółty", "D’Arcy",
    "Smith", "van der Berg", "Łęcki", "Großkopf", "Åkesson", "Çelik", "MacDonald", "Nguyễn Thị",
    "Straße", "李",
)  # fmt: skip

# country, state, city, postcode, dialling prefix, weight in the draw
PLACES = (
    ("DE", "", "Köln", "50667", "+49 221", 50),
    ("DE", "", "Berlin", "10115", "+49 30", 20),
    ("AT", "", "Wien", "1010", "+43 1", 6),
    ("FR", "", "Besançon", "25000", "+33 3", 8),
    ("US", "CA", "San José", "95113", "+1 408", 5),
    ("GB", "", "Llanfairpwllgwyngyll", "LL61 5UJ", "+44 1248", 4),
    ("JP", "JP13", "東京都", "100-0001", "+81 3", 3),
    ("CH", "", "Zürich", "8001", "+41 44", 3),
    ("KW", "", "مدينة الكويت", "", "+965", 1),
)
STREETS = ("Weg", "Hauptstraße", "Rue de l’Église", "Packstation", "Main St. #", "улица", "丁目")

PRODUCT_NAMES = (
    "Becher", "Lampe", "Notizbuch ✏️", "Kerze „Winter“", "Tea &amp; Biscuits", "Kissen", "Poster A3",
    "قميص", "חולצה", "茶碗", "Сумка", "Mug <b>XL</b>", "Schlüsselanhänger", "Café Crème", "Socken",
)  # fmt: skip
ADJECTIVES = ("Grüner", "Żółty", "Ægir", "Roter", "Bleu", "Маленький", "Großer", "Ñandú", "🎁 Gift")
SIZES = ("S", "M", "Größe L", "XL")
CATEGORIES = (
    {"id": 16, "name": "Bücher", "slug": "bucher"},
    {"id": 17, "name": "Haus &amp; Garten", "slug": "haus-garten"},
    {"id": 18, "name": "Küche", "slug": "kuche"},
    {"id": 20, "name": "Kinder", "slug": "kinder"},
)

# method, title, whether the gateway can pay money back by itself
GATEWAYS = (
    ("bacs", "Überweisung", False),
    ("stripe", "Kreditkarte (Stripe)", True),
    ("paypal", "PayPal", True),
    ("cod", "Nachnahme", False),
    ("cheque", "Scheck", False),
    ("", "", False),
)
CUSTOMER_NOTES = (
    "",
    "",
    "",
    "Bitte beim Nachbarn abgeben 🙏",
    "Zeile eins\r\nZeile zwei\twith a tab",
    "يرجى الاتصال قبل التسليم",
    "Ring twice & say “hello” <3",
)
# Every type JSON knows, as plugins leave them.
META_SAMPLES = (
    ("_wc_order_attribution_source_type", "organic"),
    ("_wc_order_attribution_session_pages", "4"),
    ("gift_wrap", True),
    ("loyalty_points", 120),
    ("exchange_rate", 1.0837),
    ("erp_reference", None),
    ("delivery_slot", {"from": "08:00", "to": "12:00", "days": [1, 2]}),
    ("tags", ["vip", "größe", {"nested": [None, False]}]),
    ("", "a key that is empty"),
    ("_empty", ""),
    ("is_vat_exempt", "no"),
    ("_long", "x" * 400),
    ("notiz", "Ünïcödé 🚚 ‏עברית"),
)
