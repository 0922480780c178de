#pragma once

#include <array>
#include <string_view>

namespace simclr {

/// A number of a trial that tables, pictures and claims of a study can name.
struct FigureName {
  std::string_view name;
  std::string_view title;
  bool is_protocol = false;  ///< the test accuracy of the evaluation of that name
};

inline constexpr std::array kFigures{
    FigureName{"knn", "kNN", true},
    FigureName{"linear", "linear evaluation", true},
    FigureName{"finetune", "fine-tuned accuracy", true},
    FigureName{"train_loss", "train loss"},
    FigureName{"val_loss", "validation loss"},
    FigureName{"loss_fall", "share of ln(2N-1) that the validation loss lost"},
    FigureName{"contrastive_top1", "contrastive top-1"},
    FigureName{"common_loss", "common NT-Xent"},
    FigureName{"common_top1", "common top-1"},
    FigureName{"common_feature_top1", "common top-1 of features"},
};

}  // namespace simclr
