"""Privacy requests: taken from what stores pass on, carried out by workers, watched by staff. They
do not depend on the store's connection: most come when it is over.
"""

from integrations.models.privacy import NEAR
from integrations.privacy.erasing import carry_out, work, work_due
from integrations.privacy.exporting import bundle, mark_done
from integrations.privacy.marks import obey
from integrations.privacy.taking import take

__all__ = ["NEAR", "bundle", "carry_out", "mark_done", "obey", "take", "work", "work_due"]
