"""Golden values of evaluation: evaluation.json.

knn: votes exp(cosine / temperature) of the k nearest, top-1 and top-5, in f64.
sgd: the training losses of linear classifiers by torch.optim.SGD with Nesterov's momentum and a cosine schedule, one
batch of all rows, for each of the rates.

    python tests/golden/make_evaluation.py     (PyTorch 2.13)
"""

import json
import pathlib

import torch
import torch.nn.functional as F

CLASSES, BANK, QUERIES, WIDTH, EPOCHS = 7, 90, 40, 6, 12
KS, TEMPERATURE = (1, 3, 20, 90), 0.1
RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


def features(centres, count):
    labels = torch.arange(count) % CLASSES
    return (centres[labels] + 1.2 * torch.randn(count, WIDTH, dtype=torch.float64)).round(decimals=3), labels


def knn(bank, bank_labels, queries, labels, k):
    similarity, nearest = (F.normalize(queries) @ F.normalize(bank).T).topk(k)
    votes = torch.zeros(len(queries), CLASSES, dtype=torch.float64)
    votes.scatter_add_(1, bank_labels[nearest], (similarity / TEMPERATURE).exp())
    top = votes.topk(5).indices
    named = (top == labels[:, None]) & (votes.gather(1, top) > 0)
    return {"k": k, "top1": named[:, 0].double().mean().item(), "top5": named.any(1).double().mean().item()}


def losses(x, labels, rate):
    head = torch.nn.Linear(WIDTH, CLASSES, dtype=torch.float64)
    for parameter in head.parameters():
        torch.nn.init.zeros_(parameter)
    optimizer = torch.optim.SGD(head.parameters(), lr=rate * len(x) / 256, momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    found = []
    for _ in range(EPOCHS):
        loss = F.cross_entropy(head(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        found.append(loss.item())
    return found


torch.manual_seed(0)
centres = torch.randn(CLASSES, WIDTH, dtype=torch.float64)
bank, bank_labels = features(centres, BANK)
queries, labels = features(centres, QUERIES)
pathlib.Path(__file__).with_name("evaluation.json").write_text(json.dumps({
    "bank": bank.tolist(), "bank_labels": bank_labels.tolist(), "queries": queries.tolist(), "labels": labels.tolist(),
    "classes": CLASSES, "temperature": TEMPERATURE, "epochs": EPOCHS,
    "knn": [knn(bank, bank_labels, queries, labels, k) for k in KS],
    "sgd": [{"rate": rate, "losses": losses(bank, bank_labels, rate)} for rate in RATES],
}) + "\n")
