"""How dates look on pages, by language; Django reads it (``FORMAT_MODULE_PATH``)."""
