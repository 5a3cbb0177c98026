"""Time loops of the recurrent cells, with hand-written gradients, as functions of tensors.

    T  time steps     B  sequences     H  hidden units

Everything that does not depend on the previous step is computed outside the loops: input products are passed in
(`xz`), and the gradients of the recurrent weights are one product over all steps. Tensors are time-major, so that each
step reads and writes one contiguous block. All loops compile with XLA and work in float32 and float64.

If `xz` is bfloat16, so are the factors of all products: the gradients of `xz`, the states of all steps, and inside the
loops the state or its gradient. Everything else in a loop, including sums of products, has the type of the state.
"""

from charrnn.model.network.recurrence.gru import gru
from charrnn.model.network.recurrence.lstm import lstm
from charrnn.model.network.recurrence.mingru import mingru
from charrnn.model.network.recurrence.rnn import rnn

__all__ = ["gru", "lstm", "mingru", "rnn"]
