#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <vector>

#include "simclr/weights/export.h"

namespace simclr {
namespace {

/// torchvision's class with every stage's channels multiplied.
std::string scaled_class(const ModelSettings& model, bool deep) {
  const char* blocks = model.arch == Arch::kResNet18 ? "[2, 2, 2, 2]" : "[3, 4, 6, 3]";
  return fmt::format(R"(class Scaled(resnet.ResNet):
    def _make_layer(self, block, planes, *args, **options):
        if planes == 64:
            self.inplanes = {0}
        return super()._make_layer(block, int(planes * {1}), *args, **options)

model = Scaled(resnet.{2}, {3})
model.bn1 = torch.nn.BatchNorm2d({0})
)",
                     static_cast<std::int64_t>(64 * model.width), model.width,
                     deep ? "Bottleneck" : "BasicBlock", blocks);
}

/// A projection head, told by its tensors: a number without any is a ReLU.
std::string head_lines(const EncoderState& state) {
  std::vector<std::string> layers;
  int last = -1;
  for (int i = 0; i <= last + 2; ++i) {
    const auto weight = state.find(fmt::format("head.{}.weight", i));
    if (weight == state.end()) continue;
    if (i == last + 2) layers.emplace_back("torch.nn.ReLU()");
    last = i;
    const at::Tensor& w = weight->second;
    layers.push_back(w.dim() == 2 ? fmt::format("torch.nn.Linear({}, {})", w.size(1), w.size(0))
                                  : fmt::format("torch.nn.BatchNorm1d({})", w.size(0)));
  }
  if (layers.empty()) return "";
  return fmt::format("model.head = torch.nn.Sequential({})  # of what model() gives\n",
                     fmt::join(layers, ", "));
}

}  // namespace

std::string python_lines(const ModelSettings& model, const EncoderState& state) {
  const bool deep = model.arch == Arch::kResNet50;
  const auto channels = static_cast<std::int64_t>(64 * model.width);
  std::string lines = "import torch\nfrom torchvision.models import resnet\n\n";
  if (model.width == 1.0)
    lines += fmt::format("model = resnet.{}()\n", name_of(model.arch));
  else
    lines += scaled_class(model, deep);
  if (model.stem != Stem::kImageNet)
    lines += fmt::format("model.conv1 = torch.nn.Conv2d(3, {}, 3, 1, 1, bias=False)\n", channels);
  else if (model.width != 1.0)
    lines += fmt::format("model.conv1 = torch.nn.Conv2d(3, {}, 7, 2, 3, bias=False)\n", channels);
  if (model.stem == Stem::kCifar) lines += "model.maxpool = torch.nn.Identity()\n";
  if (model.stem == Stem::kCifarPool) lines += "model.maxpool = torch.nn.MaxPool2d(2, 2)\n";
  const auto features = static_cast<std::int64_t>((deep ? 2048 : 512) * model.width);
  if (const auto fc = state.find("fc.weight"); fc != state.end())
    lines += fmt::format("model.fc = torch.nn.Linear({}, {})\n", features, fc->second.size(0));
  else
    lines += "model.fc = torch.nn.Identity()\n";
  return lines + head_lines(state);
}

}  // namespace simclr
