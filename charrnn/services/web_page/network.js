// The network: characters in, logits of the next character out. One character at a time; all arrays are float32.
const padded = (size) => (size + 3) & ~3
const TAPS = 6 // kernel size of the convolution

// Multiply without SIMD. The order of the sums is that of matrix_vector.wat, so that both give the same numbers.
function plainProduct(floats) {
  const f = Math.fround
  return (matrix, vector, result, columns, rows) => {
    let p = matrix >> 2
    const start = vector >> 2, end = start + columns
    for (let y = result >> 2, last = y + rows; y < last; y++) {
      let a = f(0), b = f(0), c = f(0), d = f(0)
      for (let x = start; x < end; x += 4, p += 4) {
        a = f(a + f(floats[p] * floats[x]))
        b = f(b + f(floats[p + 1] * floats[x + 1]))
        c = f(c + f(floats[p + 2] * floats[x + 2]))
        d = f(d + f(floats[p + 3] * floats[x + 3]))
      }
      floats[y] = f(f(a + b) + f(c + d))
    }
  }
}

function halfToNumber(bits) {
  const exponent = bits >> 10 & 31, fraction = bits & 1023
  const size = exponent ? (1024 + fraction) * POWERS_OF_2[1020 + exponent - 25] : fraction * POWERS_OF_2[1020 - 24]
  return bits & 0x8000 ? -size : size
}

class Network {
  // description: architecture, and the arrays in their order in `bytes`, each with rows, columns and format.
  constructor(description, bytes, { simd = true } = {}) {
    Object.assign(this, description.network)
    this.size = 0
    this.buffers = {}
    for (const array of description.arrays) this.reserve(array.name, padded(array.rows) * padded(array.columns))
    this.reserveStates()
    this.createMemory(description.wasm, simd)
    let at = 0
    for (const array of description.arrays) at = this.unpack(array, bytes, at)
    this.columns = Object.fromEntries(description.arrays.map((array) => [array.name, padded(array.columns)]))
    this.rows = Object.fromEntries(description.arrays.map((array) => [array.name, padded(array.rows)]))
    this.reset()
  }

  reserve(name, size) {
    this.buffers[name] = { start: this.size, size: padded(size) }
    this.size += padded(size)
  }

  reserveStates() {
    this.states = []
    const state = (name) => { this.reserve(name, this.units); this.states.push(name) }
    this.reserve("embedded", this.inputs)
    this.reserve("x", this.units)
    if (this.cell === "mingru") {
      for (let back = 0; back < TAPS; back++) state(`window ${back}`)
      this.reserve("stream", this.units)
    }
    this.reserve("gates", 4 * this.units)
    this.reserve("recurrent", 4 * this.units)
    this.reserve("added", this.units)
    for (let layer = 1; layer <= this.layers; layer++) {
      state(`h ${layer}`)
      if (this.cell === "lstm") state(`c ${layer}`)
    }
    this.reserve("logits", this.classes)
  }

  createMemory(wasm, simd) {
    this.simd = false
    if (simd && typeof WebAssembly === "object") {
      try {
        const memory = new WebAssembly.Memory({ initial: Math.ceil(4 * this.size / 65536) })
        const module = new WebAssembly.Module(fromBase64(wasm))
        this.product = new WebAssembly.Instance(module, { page: { memory } }).exports.multiply
        this.floats = new Float32Array(memory.buffer)
        this.simd = true
      } catch { /* no SIMD, or WebAssembly is blocked */ }
    }
    if (!this.simd) {
      this.floats = new Float32Array(this.size)
      this.product = plainProduct(this.floats)
    }
    this.views = {}
    for (const [name, { start, size }] of Object.entries(this.buffers)) {
      this.views[name] = this.floats.subarray(start, start + size)
    }
    this.logits = this.views.logits.subarray(0, this.classes)
  }

  // int8: the scale of each row as float32, then all rows; a weight is scale · integer, rounded to float32.
  unpack({ name, rows, columns, format }, bytes, at) {
    const view = this.views[name], data = new DataView(bytes.buffer, bytes.byteOffset), wide = padded(columns)
    const first = format === "int8" ? at + 4 * rows : at
    for (let row = 0; row < rows; row++) {
      const scale = format === "int8" ? data.getFloat32(at + 4 * row, true) : 1
      for (let column = 0; column < columns; column++) {
        const index = row * columns + column
        view[row * wide + column] = format === "int8"
          ? scale * data.getInt8(first + index) : halfToNumber(data.getUint16(first + 2 * index, true))
      }
    }
    return first + (format === "int8" ? 1 : 2) * rows * columns
  }

  reset() {
    for (const name of this.states) this.views[name].fill(0)
    this.window = 0
  }

  multiply(matrix, vector, result) {
    const address = (name) => 4 * this.buffers[name].start
    this.product(address(matrix), address(vector), address(result), this.columns[matrix], this.rows[matrix])
  }

  row(matrix, number) {
    const columns = this.columns[matrix]
    return this.views[matrix].subarray(number * columns, (number + 1) * columns)
  }

  // Read a character; afterwards `logits` are those of the next one.
  read(id) {
    if (this.cell === "mingru") this.readResidual(id)
    else this.readClassic(id)
    this.multiply("charrnn/output_kernel", "x", "logits")
    const bias = this.views["charrnn/output_bias"], logits = this.logits
    for (let k = 0; k < logits.length; k++) logits[k] += bias[k]
  }

  readClassic(id) {
    for (let layer = 1; layer <= this.layers; layer++) {
      const kernel = `layer_${layer}/kernel`
      if (layer > 1) this.multiply(kernel, "x", "gates")
      else if (this.embeds) {
        this.views.embedded.set(this.row("charrnn/table", id))
        this.multiply(kernel, "embedded", "gates")
      } else this.views.gates.set(this.row(kernel, id)) // the product with a one-hot vector
      this.multiply(`layer_${layer}/recurrent_kernel`, `h ${layer}`, "recurrent")
      this[this.cell](layer, this.units, this.views.gates, this.views.recurrent, this.views[`layer_${layer}/bias`])
      this.views.x.set(this.views[`h ${layer}`])
    }
  }

  // Gates i, f, g, o: c = f · c + i · g, h = o · tanh(c)
  lstm(layer, n, x, u, bias) {
    const h = this.views[`h ${layer}`], c = this.views[`c ${layer}`]
    for (let k = 0; k < n; k++) {
      const i = sigmoid(x[k] + u[k] + bias[k])
      const f = sigmoid(x[n + k] + u[n + k] + bias[n + k])
      const g = tanh(x[2 * n + k] + u[2 * n + k] + bias[2 * n + k])
      const o = sigmoid(x[3 * n + k] + u[3 * n + k] + bias[3 * n + k])
      c[k] = f * c[k] + i * g
      h[k] = o * tanh(c[k])
    }
  }

  // Gates z, r and the candidate: h = z · h + (1 - z) · tanh(x + r · u)
  gru(layer, n, x, u, bias) {
    const h = this.views[`h ${layer}`], second = this.views[`layer_${layer}/recurrent_bias`]
    for (let k = 0; k < n; k++) {
      const z = sigmoid(x[k] + bias[k] + (u[k] + second[k]))
      const r = sigmoid(x[n + k] + bias[n + k] + (u[n + k] + second[n + k]))
      const candidate = tanh(x[2 * n + k] + bias[2 * n + k] + r * (u[2 * n + k] + second[2 * n + k]))
      h[k] = z * h[k] + (1 - z) * candidate
    }
  }

  rnn(layer, n, x, u, bias) {
    const h = this.views[`h ${layer}`]
    for (let k = 0; k < n; k++) h[k] = tanh(x[k] + u[k] + bias[k])
  }

  // minGRU: a convolution over the last six characters, then layers that add to a residual stream.
  readResidual(id) {
    const n = this.units, { stream, gates, added, x } = this.views
    this.window = (this.window + 1) % TAPS
    const newest = this.views[`window ${this.window}`]
    if (this.projects) {
      this.views.embedded.set(this.row("charrnn/table", id))
      this.multiply("charrnn/entry", "embedded", `window ${this.window}`)
    } else newest.set(this.row("charrnn/table", id))
    const taps = Array.from({ length: TAPS }, (_, back) => this.row("convolution/kernel", back))
    const vectors = taps.map((_, back) => this.views[`window ${(this.window - back + TAPS) % TAPS}`])
    for (let k = 0; k < n; k++) {
      let sum = 0
      for (let back = 0; back < TAPS; back++) sum += taps[back][k] * vectors[back][k]
      stream[k] = sum
    }
    this.normalize()
    for (let layer = 1; layer <= this.layers; layer++) {
      this.multiply(`layer_${layer}/kernel`, "x", "gates")
      const h = this.views[`h ${layer}`], bias = this.views[`layer_${layer}/bias`]
      for (let k = 0; k < n; k++) {
        const z = sigmoid(gates[k] + bias[k]), out = gates[2 * n + k]
        h[k] = (1 - z) * h[k] + z * gates[n + k]
        x[k] = h[k] * (out * sigmoid(out))
      }
      this.multiply(`layer_${layer}/output_kernel`, "x", "added")
      for (let k = 0; k < n; k++) stream[k] += added[k]
      this.normalize()
    }
  }

  // x = stream / root mean square of stream
  normalize() {
    const { stream, x } = this.views
    let squares = 0
    for (let k = 0; k < this.units; k++) squares += stream[k] * stream[k]
    const scale = 1 / Math.sqrt(squares / this.units + 1e-6)
    for (let k = 0; k < this.units; k++) x[k] = stream[k] * scale
  }
}
