#pragma once

#include "simclr/config/range.h"
#include "simclr/config/settings.h"

// The part of fields.h that says how an encoder is scored.
namespace simclr {

template <class Visitor>
void visit_fields(EvalSettings& s, Visitor&& visit) {
  visit(FieldText{"on",
                  "what knn, linear and finetune with a frozen encoder score: features (before the "
                  "head), or projection (after it)"},
        s.on);
  visit(FieldText{"seeds",
                  "how often whatever is random in a protocol is drawn anew (initial weights, "
                  "order, views, labelled images): mean and standard deviation"},
        s.seeds, Range{1, 1000});
}

template <class Visitor>
void visit_fields(KnnSettings& s, Visitor&& visit) {
  visit(FieldText{"k",
                  "numbers of neighbours that vote, all scored in one pass; the quoted one is the "
                  "best on validation"},
        s.k);
  visit(FieldText{"temperature", "a neighbour's vote weighs exp(cosine / this)"}, s.temperature,
        kPositive);
}

template <class Visitor>
void visit_fields(LinearSettings& s, Visitor&& visit) {
  visit(FieldText{"protocol",
                  "lbfgs (whole images, L2 chosen on validation), or sgd (crops and flips, rate "
                  "chosen on validation: the paper's)"},
        s.protocol);
  visit(FieldText{"iterations", "most L-BFGS iterations per L2 strength"}, s.iterations,
        kAtLeastOne);
  visit(FieldText{"epochs", "passes of sgd over the training images"}, s.epochs, kAtLeastOne);
  visit(FieldText{"batch_size", "images per step of sgd"}, s.batch_size, Range{1, 65536});
}

template <class Visitor>
void visit_fields(FinetuneSettings& s, Visitor&& visit) {
  visit(FieldText{"freeze", "what keeps its weights: the encoder, or none (the whole network)"},
        s.freeze);
  visit(FieldText{"epochs", "passes over the labelled images"}, s.epochs, kAtLeastOne);
  visit(FieldText{"batch_size", "images per step"}, s.batch_size, Range{1, 65536});
  visit(FieldText{"lr", "learning rate of Adam"}, s.lr, kPositive);
  visit(FieldText{"views",
                  "none (images as they are), crop-flip, or auto: none with a frozen encoder, "
                  "whose features are then computed once, else crop-flip"},
        s.views);
  visit(FieldText{"labels",
                  "share of the training images whose labels are used, same share of every class, "
                  "the same images for every encoder; 10% is 0.1"},
        s.labels, Range{0.0, 1.0, true});
}

}  // namespace simclr
