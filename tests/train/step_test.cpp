#include "simclr/train/step.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <cmath>
#include <limits>

#include "simclr/core/random.h"
#include "simclr/loss/nt_xent.h"
#include "simclr/train/run_parts.h"
#include "tests/support/small_network.h"

namespace simclr {
namespace {

constexpr std::int64_t kImages = 8;
constexpr std::int64_t kSide = 16;
/// f32 sums in another order, over the largest value.
constexpr double kRounding = 2e-5;

ModelSettings small_model(EngineKind engine = EngineKind::kAuto) {
  ModelSettings settings = small_network();
  settings.engine = engine;
  return settings;
}

/// A network, its optimizer and a batch of made-up views.
struct Bench {
  explicit Bench(ModelSettings settings = small_model())
      : model(SimclrModel::contrastive(settings, 3)),
        optimizer(make_optimizer({}, optimized_parameters(model))) {
    views = at::empty({2 * kImages, kSide, kSide, 3}, at::kFloat);
    Random random(RandomKey{1, Purpose::kView, 0, 0});
    auto* values = views.data_ptr<float>();
    for (std::int64_t i = 0; i < views.numel(); ++i) values[i] = random.uniform();
    views = views.permute({0, 3, 1, 2});
    for (std::int64_t i = 0; i < kImages; ++i) labels.push_back(i % 3);
  }

  /// A step with a rate so small that no weight moves.
  StepResult step(const Criterion& criterion, GradScaler* scaler = nullptr) {
    return train_step({model, *optimizer, scaler}, criterion, views, labels, 1e-30);
  }

  std::vector<at::Tensor> gradients() const {
    std::vector<at::Tensor> all;
    for (const auto& parameter : optimizer->parameters())
      all.push_back(parameter.tensor.grad().clone());
    return all;
  }

  SimclrModel model;
  std::unique_ptr<Optimizer> optimizer;
  at::Tensor views;
  std::vector<std::int64_t> labels;
};

/// Largest difference of two lists of gradients, over the largest value of all.
double apart(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  double difference = 0.0;
  double largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = std::max(difference, a[i].sub(b[i]).abs().max().item<double>());
    largest = std::max(largest, a[i].abs().max().item<double>());
  }
  return difference / largest;
}

// ---- micro-batches ----

TEST(MicroBatches, GiveTheGradientOfTheWholeBatchWhereBatchNormIsFixed) {
  for (const EngineKind engine : {EngineKind::kNative, EngineKind::kTorch}) {
    for (const LossKind kind : {LossKind::kNtXent, LossKind::kDcl, LossKind::kSupCon}) {
      Bench bench(small_model(engine));
      bench.model.set_training(false);  // running statistics: no batch decides another's features
      Criterion criterion;
      criterion.loss.kind = kind;
      const StepResult whole = bench.step(criterion);
      const std::vector<at::Tensor> expected = bench.gradients();
      for (const std::int64_t size : {1, 2, 4}) {
        criterion.micro_batch = size;
        const StepResult parts = bench.step(criterion);
        EXPECT_NEAR(parts.loss, whole.loss, kRounding) << size;
        EXPECT_EQ(parts.accuracy, whole.accuracy) << size;
        EXPECT_NEAR(parts.gradient_norm / whole.gradient_norm, 1.0, kRounding) << size;
        EXPECT_LT(apart(bench.gradients(), expected), kRounding)
            << name_of(engine) << " " << name_of(kind) << " " << size;
      }
    }
  }
}

TEST(MicroBatches, AreNotTheMeanOfTheirOwnGradients) {  // what accumulation alone would give
  Bench bench;
  bench.model.set_training(false);
  Criterion criterion;
  bench.step(criterion);
  const std::vector<at::Tensor> whole = bench.gradients();
  std::vector<at::Tensor> accumulated;
  const at::Tensor all = bench.views;
  for (const std::int64_t first : {0, 4}) {
    const at::Tensor z = bench.model.project(bench.model.encode(at::cat(
        {all.slice(0, first, first + 4), all.slice(0, kImages + first, kImages + first + 4)})));
    bench.optimizer->zero_grad();
    nt_xent(z, criterion.loss.temperature).div(2.0).backward();
    for (std::size_t i = 0; i < whole.size(); ++i) {
      const at::Tensor& gradient = bench.optimizer->parameters()[i].tensor.grad();
      if (first == 0) accumulated.push_back(gradient.clone());
      if (first != 0) accumulated[i].add_(gradient);
    }
  }
  EXPECT_GT(apart(accumulated, whole), 100 * kRounding);
}

TEST(MicroBatches, MoveTheRunningStatisticsOncePerMicroBatch) {
  Bench bench;
  bench.model.set_training(true);
  Criterion criterion;
  criterion.micro_batch = 4;
  bench.step(criterion);
  for (const auto& [name, tensor] : bench.model.buffers()) {
    if (name.ends_with("num_batches_tracked")) {
      EXPECT_EQ(tensor.item<std::int64_t>(), 2) << name;
    }
  }
  Bench by_hand;
  by_hand.model.set_training(true);
  const at::Tensor& all = by_hand.views;
  for (const std::int64_t first : {0, 4})
    by_hand.model.project(by_hand.model.encode(at::cat(
        {all.slice(0, first, first + 4), all.slice(0, kImages + first, kImages + first + 4)})));
  for (std::size_t i = 0; i < bench.model.buffers().size(); ++i) {
    EXPECT_TRUE(bench.model.buffers()[i].tensor.equal(by_hand.model.buffers()[i].tensor))
        << bench.model.buffers()[i].name;
  }
}

TEST(MicroBatches, GiveTheSupervisedGradientToo) {
  SimclrModel model = SimclrModel::supervised(small_model(), 3, 0);
  model.set_training(false);
  const auto optimizer = make_optimizer({}, optimized_parameters(model));
  Bench data;
  const at::Tensor views = data.views.slice(0, 0, kImages);
  Criterion criterion;
  criterion.objective = Objective::kSupervised;
  std::vector<at::Tensor> gradients[2];
  for (const int turn : {0, 1}) {
    criterion.micro_batch = turn == 0 ? 0 : 2;
    train_step({model, *optimizer}, criterion, views, data.labels, 1e-30);
    for (const auto& parameter : optimizer->parameters())
      gradients[turn].push_back(parameter.tensor.grad().clone());
  }
  EXPECT_LT(apart(gradients[1], gradients[0]), kRounding);
}

TEST(MicroBatches, ScoreAsTheWholeBatch) {
  Bench bench;
  bench.model.set_training(false);
  Criterion criterion;
  const StepResult whole = score(bench.model, criterion, bench.views, bench.labels);
  criterion.micro_batch = 3;  // 8 images: the last one is smaller
  const StepResult parts = score(bench.model, criterion, bench.views, bench.labels);
  EXPECT_NEAR(parts.loss, whole.loss, kRounding);
  EXPECT_LT(apart({parts.projections}, {whole.projections}), kRounding);
}

// ---- batch norm of the views ----

TEST(PerView, IsAPassForEachViewWithStatisticsOfItsOwn) {
  for (const EngineKind engine : {EngineKind::kNative, EngineKind::kTorch}) {
    Bench bench(small_model(engine));
    bench.model.set_training(true);
    Criterion criterion;
    const StepResult joint = bench.step(criterion);
    criterion.bn = NormViews::kPerView;
    const StepResult apart_ = bench.step(criterion);
    const at::Tensor by_hand =
        at::cat({bench.model.project(bench.model.encode(bench.views.slice(0, 0, kImages))),
                 bench.model.project(bench.model.encode(bench.views.slice(0, kImages)))});
    EXPECT_LT(apart({apart_.projections}, {by_hand.detach()}), kRounding);
    EXPECT_GT(apart({apart_.projections}, {joint.projections}), 100 * kRounding);
    for (const auto& parameter : bench.optimizer->parameters())
      EXPECT_TRUE(parameter.tensor.grad().defined()) << parameter.name;
  }
}

TEST(PerView, HasTheGradientOfBothPassesTogether) {
  Bench bench;
  bench.model.set_training(true);
  Criterion criterion;
  criterion.bn = NormViews::kPerView;
  bench.step(criterion);
  const std::vector<at::Tensor> gradients = bench.gradients();
  Bench torch(small_model(EngineKind::kTorch));
  torch.model.set_training(true);
  torch.step(criterion);
  EXPECT_LT(apart(gradients, torch.gradients()), 1e-3);  // batch norm over few values amplifies
}

TEST(Joint, ShowsEachViewTheOther) {  // the paper's code; two passes would not
  Bench bench;
  bench.model.set_training(true);
  const Criterion criterion;
  const StepResult before = bench.step(criterion);
  bench.views.slice(0, kImages).mul_(0.5);
  const StepResult after = bench.step(criterion);
  EXPECT_GT(
      apart({after.projections.slice(0, 0, kImages)}, {before.projections.slice(0, 0, kImages)}),
      100 * kRounding);
}

// ---- gradients that are not finite ----

TEST(Gradients, ThatAreNotFiniteAreNamedAndChangeNothing) {
  Bench bench;
  bench.model.set_training(true);
  const auto parameters = bench.model.parameters();
  const at::Tensor before = parameters[0].tensor.detach().clone();
  const at::Tensor poisoned = bench.optimizer->parameters()[5].tensor;
  poisoned.register_hook([](const at::Tensor& gradient) {
    at::Tensor bad = gradient.clone();
    bad.view(-1)[0] = std::numeric_limits<float>::infinity();
    return bad;
  });
  Criterion criterion;
  const StepResult result = bench.step(criterion);
  EXPECT_TRUE(std::isfinite(result.loss));
  EXPECT_EQ(result.bad_gradient, parameters[5].name);
  EXPECT_TRUE(parameters[0].tensor.equal(before));
}

TEST(Gradients, ThatAreNotFiniteAreNamedWhereTheirNormIsNotAskedForToo) {
  Bench bench;
  bench.optimizer->parameters()[5].tensor.register_hook([](const at::Tensor& gradient) {
    return gradient.mul(std::numeric_limits<float>::infinity());
  });
  Criterion criterion;
  criterion.report_gradient_norm = false;
  const StepResult result = bench.step(criterion);
  EXPECT_TRUE(std::isnan(result.gradient_norm));
  EXPECT_EQ(result.bad_gradient, bench.model.parameters()[5].name);
}

TEST(Gradients, HaveTheNormOfAllParametersTogether) {
  Bench bench;
  const StepResult result = bench.step({});
  double sum = 0.0;
  for (const at::Tensor& gradient : bench.gradients())
    sum += gradient.to(at::kDouble).square().sum().item<double>();
  EXPECT_NEAR(result.gradient_norm / std::sqrt(sum), 1.0, kRounding);
}

// ---- memory ----

TEST(Memory, OfAStepIsSetAsideBeforeIt) {
  for (const NormViews bn : {NormViews::kJoint, NormViews::kPerView}) {
    Bench bench(small_model(EngineKind::kNative));
    bench.model.set_training(true);
    Criterion criterion;
    criterion.bn = bn;
    EXPECT_EQ(bench.model.engine_memory(), 0);
    prepare_steps(bench.model, criterion, kSide, kImages);
    const std::int64_t set_aside = bench.model.engine_memory();
    EXPECT_GT(set_aside, 0);
    bench.step(criterion);
    EXPECT_EQ(bench.model.engine_memory(), set_aside);
  }
}

// ---- precision ----

TEST(Precision, OfLessThanF32ComesNearIt) {
  mallopt(M_PERTURB, 170);  // new memory holds what it should not be taken for: large bf16 values
  for (const auto& [precision, near] :
       {std::pair{Precision::kBf16, 0.1}, std::pair{Precision::kFp16, 0.02}}) {
    Bench bench(small_model(EngineKind::kTorch));
    bench.model.set_training(true);
    Criterion criterion;
    const StepResult full = bench.step(criterion);
    const std::vector<at::Tensor> expected = bench.gradients();
    criterion.precision = precision;
    GradScaler scaler;
    StepResult half = bench.step(criterion, &scaler);
    // The first scale overflows fp16, as it should: some steps are left out.
    for (int i = 0; i < 20 && std::isnan(half.gradient_norm); ++i)
      half = bench.step(criterion, &scaler);
    EXPECT_EQ(half.projections.scalar_type(), at::kFloat);
    EXPECT_NE(half.loss, full.loss);
    EXPECT_NEAR(half.loss, full.loss, near);
    EXPECT_NEAR(half.gradient_norm / full.gradient_norm, 1.0, 0.5);
  }
  mallopt(M_PERTURB, 0);
}

TEST(Precision, AnOverflowLeavesTheStepOutAndHalvesTheScale) {
  Bench bench(small_model(EngineKind::kTorch));
  const at::Tensor poisoned = bench.optimizer->parameters()[0].tensor;
  poisoned.register_hook([](const at::Tensor& gradient) {
    return gradient.mul(std::numeric_limits<float>::infinity());
  });
  GradScaler scaler;
  const double scale = scaler.scale();
  const at::Tensor before = poisoned.detach().clone();
  const StepResult result =
      train_step({bench.model, *bench.optimizer, &scaler}, {}, bench.views, bench.labels, 0.1);
  EXPECT_EQ(result.bad_gradient, "");
  EXPECT_TRUE(std::isnan(result.gradient_norm));
  EXPECT_EQ(scaler.scale(), scale / 2);
  EXPECT_TRUE(poisoned.equal(before));
}

TEST(Precision, OverflowsThatNoScaleHelpsAreNoEndlessSkipping) {
  Bench bench(small_model(EngineKind::kTorch));
  bench.optimizer->parameters()[0].tensor.register_hook([](const at::Tensor& gradient) {
    return gradient.mul(std::numeric_limits<float>::infinity());
  });
  GradScaler scaler;
  for (int step = 0; step < 30; ++step)  // from 2^16 down to 2^-14
    ASSERT_EQ(bench.step({}, &scaler).bad_gradient, "") << step;
  EXPECT_EQ(bench.step({}, &scaler).bad_gradient, bench.model.parameters()[0].name);
}

TEST(Precision, TheScaleOfTheLossChangesNoGradient) {
  Bench bench(small_model(EngineKind::kTorch));
  bench.model.set_training(false);
  bench.step({});
  const std::vector<at::Tensor> expected = bench.gradients();
  GradScaler scaler;
  bench.step({}, &scaler);
  EXPECT_LT(apart(bench.gradients(), expected), kRounding);
}

}  // namespace
}  // namespace simclr
