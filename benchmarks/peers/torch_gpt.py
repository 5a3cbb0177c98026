"""Train the transformer that nanoGPT's README recommends for CPUs, in turns.

It has 4 layers, 4 heads, embeddings of size 128 and a context of 64 characters, and does 2,000 steps of AdamW with
batches of 12 sequences. After each turn, it prints a line of JSON: the seconds of training so far, the completed
fraction of the steps, and after the last step the validation loss.
"""

import json
import math
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import cross_entropy, scaled_dot_product_attention
from turn_protocol import num_processors, send, wait_for_turn

LAYERS, HEADS, WIDTH, WINDOW, BATCH, STEPS = 4, 4, 128, 64, 12, 2000
RATE, LOWEST_RATE, WARM_UP_STEPS, DECAY, BETAS, CLIP = 1e-3, 1e-4, 100, 0.1, (0.9, 0.99), 1.0
TURN_SECONDS = 5.0


class Block(nn.Module):
    """Causal attention and an MLP, with residual connections."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(WIDTH, bias=False), nn.LayerNorm(WIDTH, bias=False)
        self.attend = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.mix = nn.Linear(WIDTH, WIDTH, bias=False)
        self.dense = nn.Sequential(
            nn.Linear(WIDTH, 4 * WIDTH, bias=False), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH, bias=False)
        )

    def forward(self, x):
        rows, steps, _ = x.shape
        parts = self.attend(self.first(x)).view(rows, steps, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        attended = scaled_dot_product_attention(*parts, is_causal=True)
        x = x + self.mix(attended.transpose(1, 2).reshape(rows, steps, WIDTH))
        return x + self.dense(self.second(x))


class Network(nn.Module):
    """A transformer from characters to logits, with tied embeddings."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.characters, self.positions = nn.Embedding(classes, WIDTH), nn.Embedding(WINDOW, WIDTH)
        self.blocks = nn.Sequential(*[Block() for _ in range(LAYERS)])
        self.last = nn.LayerNorm(WIDTH, bias=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                residual = name.endswith(("mix.weight", "dense.2.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * LAYERS) if residual else 0.02)

    def forward(self, ids):
        x = self.characters(ids) + self.positions(torch.arange(ids.shape[1]))
        return self.last(self.blocks(x)) @ self.characters.weight.T


def rate(step: int) -> float:
    """Return the learning rate: linear warm-up, then a cosine decay."""
    if step < WARM_UP_STEPS:
        return RATE * (step + 1) / (WARM_UP_STEPS + 1)
    fraction = (step - WARM_UP_STEPS) / (STEPS - WARM_UP_STEPS)
    return LOWEST_RATE + 0.5 * (1 + math.cos(math.pi * fraction)) * (RATE - LOWEST_RATE)


def validation_loss(network: Network, ids: torch.Tensor) -> float:
    """Return the mean loss in nats per character; each window is evaluated without the previous ones."""
    count = (len(ids) - 1) // WINDOW
    inputs, targets = (ids[shift : shift + count * WINDOW].view(count, WINDOW) for shift in (0, 1))
    with torch.no_grad():
        parts = zip(inputs.split(256), targets.split(256), strict=True)
        return sum(cross_entropy(network(x).flatten(0, 1), y.flatten(), reduction="sum").item() for x, y in parts) / (
            count * WINDOW
        )


def main() -> None:
    """Train on a text except its last tenth, which is the validation split."""
    torch.set_num_threads(num_processors())
    torch.manual_seed(1337)
    text = Path(sys.argv[1]).read_text("utf-8")
    vocabulary = {character: number for number, character in enumerate(sorted(set(text)))}
    ids = torch.tensor([vocabulary[character] for character in text])
    train, validation = ids[: int(0.9 * len(ids))], ids[int(0.9 * len(ids)) :]
    network = Network(len(vocabulary))
    matrices = [weight for weight in network.parameters() if weight.dim() == 2]
    others = [weight for weight in network.parameters() if weight.dim() < 2]
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=BETAS)
    send("ready")
    step, seconds = 0, 0.0
    while wait_for_turn():
        begun = time.perf_counter()
        while step < STEPS and time.perf_counter() - begun < TURN_SECONDS:
            for group in optimizer.param_groups:
                group["lr"] = rate(step)
            starts = torch.randint(len(train) - WINDOW, (BATCH,))
            x, y = (torch.stack([train[s + shift : s + shift + WINDOW] for s in starts]) for shift in (0, 1))
            loss = cross_entropy(network(x).flatten(0, 1), y.flatten())
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), CLIP)
            optimizer.step()
            step += 1
        seconds += time.perf_counter() - begun
        done = step >= STEPS
        loss = validation_loss(network, validation) if done else None
        losses = [[seconds, loss]] if done else []
        send(json.dumps({"seconds": seconds, "share": step / STEPS, "done": done, "losses": losses}))


if __name__ == "__main__":
    main()
