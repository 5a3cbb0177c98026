"""The time loops of the cells, each with a hand-written gradient. Knows tensors only: no weights, layers or options.

    T  time steps     B  sequences     H  units

Everything that does not depend on the step before stays outside the loops: products with the input come in ready made
(`xz`), and gradients of the recurrent weights are one product over all steps. Tensors are time-major, so that a step
reads and writes one contiguous block. All loops compile to XLA and work in float32 and float64.

`xz` may be bfloat16, then what goes into products is too: gradients of `xz` and the memory of all steps, and within the
loops the memory or its gradient. All else in a loop, sums of products too, is in the type of the memory.
"""

from charrnn.model.network.recurrence.gru import gru
from charrnn.model.network.recurrence.lstm import lstm
from charrnn.model.network.recurrence.mingru import mingru
from charrnn.model.network.recurrence.rnn import rnn

__all__ = ["gru", "lstm", "mingru", "rnn"]
