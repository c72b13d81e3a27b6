from .schedules import (
    Cosine as Cosine,
    Exponential as Exponential,
    Linear as Linear,
    Phases as Phases,
    Quadratic as Quadratic,
    Schedule as Schedule,
)
from .losses import (
    CrossLingualAlignment as CrossLingualAlignment,
    DFFlops as DFFlops,
    Flops as Flops,
    IdfFlops as IdfFlops,
    InfoNCE as InfoNCE,
    KLDistillation as KLDistillation,
    Margin as Margin,
    MarginMSE as MarginMSE,
    RunningShare as RunningShare,
    SpecialTokenPenalty as SpecialTokenPenalty,
    SpladeRegularizer as SpladeRegularizer,
    StopwordPenalty as StopwordPenalty,
    Total as Total,
    TripletMargin as TripletMargin,
    Weighted as Weighted,
)
from .collapse import (
    Collapse as Collapse,
    CollapseMonitor as CollapseMonitor,
)
from .teachers import (
    BM25Teacher as BM25Teacher,
    DenseTeacher as DenseTeacher,
    EmbeddingCache as EmbeddingCache,
    SentenceTeacher as SentenceTeacher,
    SparseTeacher as SparseTeacher,
    Teacher as Teacher,
    VectorTeacher as VectorTeacher,
)
from .negatives import (
    Mined as Mined,
    mine as mine,
)
from .loop import (
    LoopConfig as LoopConfig,
    Task as Task,
    fit as fit,
)
from .curriculum import (
    Curriculum as Curriculum,
    Phase as Phase,
    read_phases as read_phases,
)
from .recipe import (
    read_teachers as read_teachers,
)
from .query_weights import (
    QueryTuning as QueryTuning,
    learn_query_weights as learn_query_weights,
    with_query_weights as with_query_weights,
)
from .dense import (
    SIDES as SIDES,
    DenseConfig as DenseConfig,
    DenseTask as DenseTask,
    DenseView as DenseView,
    Parallel as Parallel,
    add_negatives as add_negatives,
    alignment as alignment,
    bitext_rows as bitext_rows,
    crossings as crossings,
    dense_scores as dense_scores,
    draw_languages as draw_languages,
    save_dense as save_dense,
    train_dense as train_dense,
    translated_queries as translated_queries,
)
