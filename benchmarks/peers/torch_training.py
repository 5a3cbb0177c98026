"""Run the same training steps with PyTorch layers in eager mode, in turns."""

import torch
from torch import nn
from turn_protocol import TrainingSize, num_processors, take_turns


class Network(nn.Module):
    """A network from characters to logits, with dropout after each layer."""

    def __init__(self, size: TrainingSize):
        super().__init__()
        layer = {"lstm": nn.LSTM, "gru": nn.GRU}[size.cell]
        self.table = nn.Embedding(size.classes, size.units)
        self.recurrent = layer(size.units, size.units, size.layers, batch_first=True, dropout=0.5)
        self.dropout = nn.Dropout(0.5)  # nn.LSTM has no dropout after the last layer
        self.output = nn.Linear(size.units, size.classes)

    def forward(self, ids, state):
        x, state = self.recurrent(self.table(ids), state)
        return self.output(self.dropout(x)), state


def main() -> None:
    """Train on one random batch."""
    torch.set_num_threads(num_processors())
    size = TrainingSize.from_arguments()
    network = Network(size)
    optimizer = torch.optim.Adam(network.parameters(), 0.001)
    ids, targets = (torch.randint(0, size.classes, (size.batch, size.window)) for _ in range(2))
    state = None

    def step() -> float:
        nonlocal state
        logits, after = network(ids, state)
        state = tuple(tensor.detach() for tensor in after) if size.cell == "lstm" else after.detach()
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5)
        optimizer.step()
        return loss.item()

    take_turns(step)


if __name__ == "__main__":
    main()
