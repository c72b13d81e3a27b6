from .word_lists import (
    read_dictionary as read_dictionary,
)
from .sources import (
    Evidence as Evidence,
    anchor_evidence as anchor_evidence,
    dictionary_evidence as dictionary_evidence,
    entity_evidence as entity_evidence,
    link_evidence as link_evidence,
    loanword_evidence as loanword_evidence,
    pair_evidence as pair_evidence,
    parenthetical_evidence as parenthetical_evidence,
    senses as senses,
)
from .alignment import (
    align_spaces as align_spaces,
    alignment_evidence as alignment_evidence,
    csls as csls,
    nearness as nearness,
    precision_at as precision_at,
)
from .confidence import (
    Calibration as Calibration,
    Candidate as Candidate,
    Known as Known,
    bands as bands,
    ends as ends,
    fit_calibration as fit_calibration,
    gather as gather,
    noisy_or as noisy_or,
    rivalled as rivalled,
    signals as signals,
    splits as splits,
)
from .triplets import (
    Synonyms as Synonyms,
    Triplet as Triplet,
    article_fields as article_fields,
    linked_terms as linked_terms,
    make_triplets as make_triplets,
    related_terms as related_terms,
)
from .files import (
    Sample as Sample,
    with_lucene as with_lucene,
    with_plain as with_plain,
    write_page as write_page,
)
