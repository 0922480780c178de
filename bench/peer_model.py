"""SimCLR's network and loss in PyTorch: torchvision's ResNets, names and initial weights included, and NT-Xent."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, channels_in, planes, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = shortcut(channels_in, planes, stride)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, channels_in, planes, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, 4 * planes, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * planes)
        self.downsample = shortcut(channels_in, 4 * planes, stride)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


def shortcut(channels_in, channels, stride):
    if stride == 1 and channels_in == channels:
        return None
    return nn.Sequential(nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))


BLOCKS = {"resnet18": (BasicBlock, (2, 2, 2, 2)), "resnet34": (BasicBlock, (3, 4, 6, 3)),
          "resnet50": (Bottleneck, (3, 4, 6, 3))}


class ResNet(nn.Module):
    def __init__(self, arch, stem):
        super().__init__()
        block, counts = BLOCKS[arch]
        kernel, stride, padding = (7, 2, 3) if stem == "imagenet" else (3, 1, 1)
        self.conv1 = nn.Conv2d(3, 64, kernel, stride, padding, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        pools = {"imagenet": nn.MaxPool2d(3, 2, 1), "cifar-pool": nn.MaxPool2d(2), "cifar": nn.Identity()}
        self.maxpool = pools[stem]
        width = 64
        for i, planes in enumerate((64, 128, 256, 512)):
            stage = nn.Sequential()
            for j in range(counts[i]):
                stage.append(block(width, planes, 2 if i and not j else 1))
                width = planes * block.expansion
            setattr(self, f"layer{i + 1}", stage)
        self.features = width
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = self.maxpool(F.relu(self.bn1(self.conv1(x)), inplace=True))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return x.mean((2, 3))


def make_model(stem, arch="resnet18"):
    """Encoder and SimCLR's head (Linear-BN-ReLU-Linear to 128), channels_last."""
    encoder = ResNet(arch, stem)
    width = encoder.features
    head = nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(inplace=True), nn.Linear(width, 128))
    model = nn.Sequential()
    model.add_module("encoder", encoder)
    model.add_module("head", head)
    return model.to(memory_format=torch.channels_last)


def nt_xent(z, temperature):
    """Loss over [2N, D] and how many anchors have their other view nearest."""
    z = F.normalize(z)
    similarities = (z @ z.t() / temperature).fill_diagonal_(-math.inf)
    partners = torch.arange(len(z)).roll(len(z) // 2)
    loss = F.cross_entropy(similarities, partners)
    return loss, int((similarities.detach().argmax(1) == partners).sum())
