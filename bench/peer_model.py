"""SimCLR's network and loss in PyTorch: torchvision's ResNet-18, names and initial weights included, and NT-Xent."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class BasicBlock(nn.Module):
    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = None
        if stride != 1 or channels_in != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


class ResNet18(nn.Module):
    def __init__(self, stem):
        super().__init__()
        kernel, stride, padding = (7, 2, 3) if stem == "imagenet" else (3, 1, 1)
        self.conv1 = nn.Conv2d(3, 64, kernel, stride, padding, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        pools = {"imagenet": nn.MaxPool2d(3, 2, 1), "cifar-pool": nn.MaxPool2d(2), "cifar": nn.Identity()}
        self.maxpool = pools[stem]
        for i, channels in enumerate((64, 128, 256, 512)):
            stage = nn.Sequential(
                BasicBlock(max(64, channels // 2), channels, 2 if i else 1),
                BasicBlock(channels, channels, 1),
            )
            setattr(self, f"layer{i + 1}", stage)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = self.maxpool(F.relu(self.bn1(self.conv1(x)), inplace=True))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return x.mean((2, 3))


def make_model(stem):
    head = nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(inplace=True), nn.Linear(512, 128))
    model = nn.Sequential()
    model.add_module("encoder", ResNet18(stem))
    model.add_module("head", head)
    return model.to(memory_format=torch.channels_last)


def nt_xent(z, temperature):
    """Loss over [2N, D] and how many anchors have their other view nearest."""
    z = F.normalize(z)
    similarities = (z @ z.t() / temperature).fill_diagonal_(-math.inf)
    partners = torch.arange(len(z)).roll(len(z) // 2)
    loss = F.cross_entropy(similarities, partners)
    return loss, int((similarities.detach().argmax(1) == partners).sum())
