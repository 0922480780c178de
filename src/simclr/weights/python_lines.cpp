#include <fmt/format.h>

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

}  // namespace

std::string python_lines(const ModelSettings& model, std::int64_t classes) {
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
  if (classes > 0)
    lines += fmt::format("model.fc = torch.nn.Linear({}, {})\n", features, classes);
  else
    lines += "model.fc = torch.nn.Identity()\n";
  return lines;
}

}  // namespace simclr
