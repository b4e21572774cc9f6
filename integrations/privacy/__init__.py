"""Privacy requests: taken from what stores pass on, carried out by workers, watched by staff. They
do not depend on the store's connection: most come when it is over.
"""

from integrations.models.privacy import NEAR
from integrations.privacy.buyers import erase_buyer
from integrations.privacy.erasing import carry_out, work, work_due
from integrations.privacy.exporting import bundle, mark_done
from integrations.privacy.marks import obey
from integrations.privacy.purging import PURGED, bounded_stores, due, purge
from integrations.privacy.standing import REMEDY, Kept, near, standing
from integrations.privacy.taking import take

__all__ = [
    "NEAR",
    "PURGED",
    "REMEDY",
    "Kept",
    "bounded_stores",
    "bundle",
    "carry_out",
    "due",
    "erase_buyer",
    "mark_done",
    "near",
    "obey",
    "purge",
    "standing",
    "take",
    "work",
    "work_due",
]
