"""kNN and linear evaluation of a frozen encoder in PyTorch."""

import torch
import torch.nn.functional as F

L2_GRID = [10.0**exponent for exponent in range(-6, 1)]


@torch.no_grad()
def features(encoder, pixels):
    encoder.eval()
    batches = (p.float().div(255).contiguous(memory_format=torch.channels_last) for p in pixels.split(500))
    return torch.cat([encoder(batch) for batch in batches])


def knn_accuracy(bank, bank_labels, queries, labels, k=200, temperature=0.1):
    bank, queries = F.normalize(bank), F.normalize(queries)
    right = 0
    for block, block_labels in zip(queries.split(1000), labels.split(1000)):
        similarities, neighbours = (block @ bank.t()).topk(min(k, len(bank)))
        votes = torch.zeros(len(block), 10).scatter_add_(1, bank_labels[neighbours], (similarities / temperature).exp())
        right += int((votes.argmax(1) == block_labels).sum())
    return right / len(labels)


def fit_logistic(x, labels, l2, start):
    """Minimises mean cross-entropy + l2 / 2 |weight|^2 by L-BFGS in f64."""
    weight, bias = (t.clone().requires_grad_() for t in start)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=300, tolerance_grad=1e-5, tolerance_change=0, history_size=10,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(x @ weight.t() + bias, labels) + l2 / 2 * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weight.detach(), bias.detach()


def linear_probe(train, validation, test):
    """Each part is (features, labels). L2 is chosen on the validation part (ties: the stronger), test scored once."""
    mean, deviation = train[0].mean(0), train[0].std(0, unbiased=False).clamp_min(1e-6)
    train, validation, test = (((x - mean).div(deviation).double(), labels) for x, labels in (train, validation, test))
    accuracy = lambda part, fit: float(((part[0] @ fit[0].t() + fit[1]).argmax(1) == part[1]).double().mean())
    fit = (torch.zeros(10, train[0].shape[1], dtype=torch.double), torch.zeros(10, dtype=torch.double))
    best = (-1.0, 0.0, fit)
    for l2 in reversed(L2_GRID):
        fit = fit_logistic(*train, l2, fit)
        score = accuracy(validation, fit)
        if score > best[0]:
            best = (score, l2, fit)
    return {"l2": best[1], "validation_accuracy": best[0], "test_accuracy": accuracy(test, best[2])}
