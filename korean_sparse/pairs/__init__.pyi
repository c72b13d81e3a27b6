from .sources import (
    Evidence as Evidence,
    anchor_evidence as anchor_evidence,
    dictionary_evidence as dictionary_evidence,
    entity_evidence as entity_evidence,
    link_evidence as link_evidence,
    loanword_evidence as loanword_evidence,
    parenthetical_evidence as parenthetical_evidence,
    read_dictionary as read_dictionary,
)
from .alignment import (
    alignment_evidence as alignment_evidence,
    csls as csls,
    nearness as nearness,
)
from .confidence import (
    Calibration as Calibration,
    Candidate as Candidate,
    bands as bands,
    gather as gather,
    noisy_or as noisy_or,
    splits as splits,
)
from .triplets import (
    Synonyms as Synonyms,
    Triplet as Triplet,
    triplets as triplets,
)
from .files import (
    with_lucene as with_lucene,
    with_plain as with_plain,
    write_page as write_page,
)
