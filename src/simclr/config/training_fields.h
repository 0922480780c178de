#pragma once

#include "simclr/config/range.h"
#include "simclr/config/settings.h"

// The part of fields.h that says how a network is trained: loss, optimizer, schedule, length.
namespace simclr {

template <class Visitor>
void visit_fields(LossSettings& s, Visitor&& visit) {
  visit(FieldText{"kind",
                  "contrastive loss: nt-xent (SimCLR's), dcl (the positive not among the "
                  "candidates), supcon (all images of a class are positives; needs labels)",
                  "loss"},
        s.kind);
  visit(FieldText{"temperature", "temperature of the contrastive loss"}, s.temperature,
        Range{0.001, 100.0});
}

template <class Visitor>
void visit_fields(OptimSettings& s, Visitor&& visit) {
  visit(FieldText{"optimizer",
                  "adam, adamw (decay apart from the gradient), sgd with momentum, or lars (a rate "
                  "for each layer)"},
        s.optimizer);
  visit(FieldText{"lr", "learning rate after warm-up"}, s.lr, kPositive);
  visit(FieldText{"lr_scaling",
                  "multiplies the learning rate: none by 1, linear by batch_size / 256, sqrt by "
                  "the root of it"},
        s.lr_scaling);
  visit(FieldText{"momentum", "momentum of sgd and lars"}, s.momentum, Range{0.0, 0.9999});
  visit(FieldText{"nesterov", "Nesterov's momentum for sgd and lars"}, s.nesterov);
  visit(FieldText{"weight_decay",
                  "L2 term added to the gradient; with adamw the share of the weights that a step "
                  "takes away, times the rate"},
        s.weight_decay, Range{0.0, 10.0});
  visit(FieldText{"weight_decay_exclude",
                  "what weight decay spares: none, or norm-bias (batch norm and biases); lars "
                  "always spares those, and gives them no rate of their own"},
        s.weight_decay_exclude);
  visit(FieldText{"lars_trust", "trust coefficient of lars"}, s.lars_trust,
        Range{0.0, 100.0, true});
  visit(FieldText{"clip_norm",
                  "largest norm of the gradient of all parameters together; larger ones are scaled "
                  "down to it; 0 never"},
        s.clip_norm, Range{0.0, 1e9});
  visit(FieldText{"ema_decay",
                  "also keep an average of the weights that forgets by this factor a step, for "
                  "evaluation with --ema; 0 keeps none"},
        s.ema_decay, Range{0.0, 0.999999});
  visit(FieldText{"schedule",
                  "learning rate after warm-up: constant, cosine to 0 at the last step, or step "
                  "(times step_factor after each milestone)"},
        s.schedule);
  visit(FieldText{"warmup_epochs", "epochs of linear warm-up from 0"}, s.warmup_epochs,
        Range{0.0, 1e6});
  visit(FieldText{"milestones", "epochs after which the step schedule lowers the rate"},
        s.milestones);
  visit(FieldText{"step_factor", "what the step schedule multiplies the rate by"}, s.step_factor,
        Range{0.0, 1.0, true});
}

template <class Visitor>
void visit_fields(TrainSettings& s, Visitor&& visit) {
  visit(FieldText{"objective", "contrastive (SimCLR, no labels), or supervised (cross-entropy)"},
        s.objective);
  visit(FieldText{"epochs", "passes over the training images"}, s.epochs, kAtLeastOne);
  visit(FieldText{"batch_size", "images N per step; 2N views go through the network"}, s.batch_size,
        Range{1, 65536});
  visit(FieldText{"patience",
                  "stop after this many epochs without a better validation loss; 0 never"},
        s.patience, Range{0, 1e9});
  visit(FieldText{"seed", "key of initial weights, order and views"}, s.seed, kAnySeed);
}

}  // namespace simclr
