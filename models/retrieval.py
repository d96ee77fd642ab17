"""Retrieval figures: for each image, how many of the nearest images of other patients carry its label.

Query and gallery are of one group (source; for NIH, the view position), so that telling the sources or the views apart
earns nothing.
"""

import numpy as np


def query_figures(embeddings, labels, patients):
    """P@1, P@10 and average precision of each query, and the share of its label among what it may find (chance).

    Rows are unit vectors. Returns Q x 4. A label that only one patient has is an error.
    """
    labels, patients = np.asarray(labels), np.asarray(patients)
    scores = embeddings.astype(np.float64) @ embeddings.T.astype(np.float64)
    out = np.empty((len(labels), 4))
    for q in range(len(labels)):
        others = np.flatnonzero(patients != patients[q])
        order = others[np.argsort(-scores[q, others], kind="stable")]
        hits = (labels[order] == labels[q]).astype(np.float64)
        if not hits.any():
            raise ValueError("a label that only one patient has")
        precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        out[q] = hits[0], hits[:10].mean(), (precision * hits).sum() / hits.sum(), hits.mean()
    return out


def macro(figures, labels):
    """Mean over the labels of the mean over a label's queries: no label counts for more because it is frequent."""
    labels = np.asarray(labels)
    return np.mean([figures[labels == label].mean(0) for label in np.unique(labels)], 0)


def groups(samples):
    """Indices of the samples of each group, labelled ones only."""
    for group in sorted({s.group for s in samples}):
        yield group, [i for i, s in enumerate(samples) if s.group == group and s.label != "other"]


def summary(embeddings, samples):
    parts = []
    for group, rows in groups(samples):
        labels = [samples[i].label for i in rows]
        figures = query_figures(embeddings[rows], labels, [samples[i].patient for i in rows])
        p1, p10, ap, chance = macro(figures, labels)
        parts.append(f"{group} P@1 {p1:.3f} P@10 {p10:.3f} mAP {ap:.3f} (chance {chance:.3f})")
    return "; ".join(parts)
