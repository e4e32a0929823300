"""Normal forms: what people and systems write, in one spelling, so that equal things have equal values.

One module per subject (`email`, `phone`, `number`, `name`, `address`, `date`, `text`) with pure functions on one value;
`identifier` has the tables of distinct identifiers that a night normalises. Does not belong here: which identifiers link people
(`models/identity.py`), how alike two people are (`models/matching`), and any reading or writing.
"""

from models.normalise.email import EMAIL_SHAPE
from models.normalise.identifier import MAXIMUM_LENGTH, normalise_identifiers, type_rule
from models.normalise.phone import normalise_phone

__all__ = ["EMAIL_SHAPE", "MAXIMUM_LENGTH", "normalise_identifiers", "normalise_phone", "type_rule"]
