"""Datasets that go to the workers of a data loader, and a rank of a distributed run, each in a process of its own."""

import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import torch
import torch.distributed
from PIL import Image
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from corruptgen.transforms import Corrupt, Corrupted, GaussianNoise, Keyed

COUNT = 8
FLAT = np.full((12, 14, 3), 128, np.uint8)


def digest(pixels):
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()[:20]


class Folder:
    """What torchvision's `ImageFolder` is to us: a root, the listed files and their classes, and items."""

    transform = target_transform = None

    def __init__(self, root):
        self.root = str(root)
        files = sorted(path for path in Path(root).rglob("*") if path.is_file())
        self.samples = [(str(path), number) for number, path in enumerate(files)]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        file, target = self.samples[index]
        return Image.open(file).convert("RGB"), target


class Flat(Dataset):
    """Equal pictures, so that what differs is noise."""

    def __len__(self):
        return COUNT

    def __getitem__(self, index):
        if not 0 <= index < COUNT:
            raise IndexError(index)
        return FLAT, index


class Several(Dataset):
    """Item by item: noise of the framework's generator, by two instances; noise by index; the picture of a test set."""

    def __init__(self, root=None):
        self.fresh = GaussianNoise(0.1), GaussianNoise(0.1)
        self.keyed = Keyed(Flat(), GaussianNoise(0.1, seed=5))
        self.corrupted = Corrupted(Folder(root), "natural", "gaussian_noise", 2, seed=7) if root else None

    def __len__(self):
        return COUNT

    def __getitem__(self, index):
        noise = [digest(transform(FLAT)) for transform in self.fresh]
        keyed = digest(self.keyed[index][0])
        return noise, keyed, digest(self.corrupted[index][0]) if self.corrupted else ""


def read(loader, dataset, epochs):
    """Return the digests of all epochs: fresh noise, keyed noise by epoch, corrupted pictures by epoch."""
    fresh, keyed, corrupted = [], [], []
    for epoch in range(epochs):
        dataset.keyed.set_epoch(epoch)
        items = [item for batch in loader for item in batch]
        fresh += [noise for item in items for noise in item[0]]
        keyed.append([item[1] for item in items])
        corrupted.append([item[2] for item in items])
    return fresh, keyed, corrupted


def loaded(workers, context=None, persistent=False, root=None, epochs=2, seed=11):
    """Read a dataset through a loader of n workers."""
    torch.manual_seed(seed)
    dataset = Several(root)
    loader = DataLoader(
        dataset,
        batch_size=2,
        num_workers=workers,
        multiprocessing_context=context,
        persistent_workers=persistent,
        collate_fn=list,
    )
    return read(loader, dataset, epochs)


def rank(number, world, meeting, context):
    """Be one rank, seeded as the other one is."""
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.distributed.init_process_group("gloo", init_method=meeting, rank=number, world_size=world)
    torch.manual_seed(0)
    dataset = Several()
    sampler = DistributedSampler(dataset, world, number, shuffle=False)
    results = {}
    for workers in (0, 1):
        loader = DataLoader(
            dataset, batch_size=2, sampler=sampler, num_workers=workers, collate_fn=list,
            multiprocessing_context=context if workers else None,
        )  # fmt: skip
        fresh, keyed, _ = read(loader, dataset, 1)
        results[str(workers)] = {"fresh": fresh, "keyed": keyed[0], "draws": [Corrupt("natural", seed=1).draw().key]}
    gathered = [None] * world
    torch.distributed.all_gather_object(gathered, results)
    if number == 0:
        sys.stdout.write(json.dumps(gathered))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    rank(int(sys.argv[1]), 2, sys.argv[2], sys.argv[3])
