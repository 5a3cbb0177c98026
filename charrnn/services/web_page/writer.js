// Generate text: read a prompt, then sample character by character.
const ALTERNATIVES = 8

// Random numbers are hashes of a counter and a key (finalizer of MurmurHash3, Appleby 2008), as in the program.
function mixed(x) {
  x = Math.imul(x ^ x >>> 16, 0x85ebca6b)
  x = Math.imul(x ^ x >>> 13, 0xc2b2ae35)
  return x ^ x >>> 16
}
const keyOf = (seed, position) => mixed(mixed(seed) + position | 0)
// Uniform in (0, 1), with 23 bits.
const uniform = (counter, key) => ((mixed(mixed(counter + key | 0) ^ key) >>> 9) + 0.5) / 8388608

class Writer {
  constructor(network, characters) {
    this.network = network
    this.characters = characters
    this.idOf = new Map(characters.map((character, id) => [character, id]))
    this.logprobs = new Float32Array(characters.length)
  }

  // Split a prompt into characters that the network knows and the others.
  split(prompt) {
    const known = [], unknown = new Set()
    for (const character of prompt) {
      if (this.idOf.has(character)) known.push(character)
      else unknown.add(character)
    }
    return { known, unknown: [...unknown] }
  }

  // An empty prompt is replaced by a line break, a space, or the first character.
  begin(known, seed, temperature) {
    const start = ["\n", " "].find((character) => this.idOf.has(character)) ?? this.characters[0]
    this.unread = (known.length ? known : [start]).map((character) => this.idOf.get(character))
    this.next = 0
    this.position = 0
    this.seed = seed
    this.temperature = Math.fround(temperature)
    this.network.reset()
  }

  get isReading() { return this.next < this.unread.length }
  read() { this.network.read(this.unread[this.next++]) }

  // Sample a character and read it. Gumbel-max trick: the largest log-probability plus noise is a sample.
  write() {
    this.computeLogprobs()
    const key = keyOf(this.seed, this.position++)
    let id = 0, best = -Infinity
    for (let k = 0; k < this.logprobs.length; k++) {
      const noise = this.temperature > 0 ? -log(-log(uniform(k, key))) : 0
      const score = this.logprobs[k] / (this.temperature > 0 ? this.temperature : 1) + noise
      if (score > best) { best = score; id = k }
    }
    const alternatives = this.mostLikely()
    this.network.read(id)
    return { character: this.characters[id], logprob: this.logprobs[id], alternatives }
  }

  // Log-softmax; the last class, "unknown", counts in the sum but is never generated.
  computeLogprobs() {
    const logits = this.network.logits
    let highest = -Infinity, sum = 0
    for (let k = 0; k < logits.length; k++) if (logits[k] > highest) highest = logits[k]
    for (let k = 0; k < logits.length; k++) sum += exp(logits[k] - highest)
    const total = highest + log(sum)
    for (let k = 0; k < this.logprobs.length; k++) this.logprobs[k] = logits[k] - total
  }

  // The ids and log-probabilities of the most likely characters, most likely first.
  mostLikely() {
    const ids = [], values = this.logprobs
    for (let k = 0; k < values.length; k++) {
      if (ids.length === ALTERNATIVES && values[k] <= values[ids[ALTERNATIVES - 1]]) continue
      let place = ids.length
      while (place > 0 && values[ids[place - 1]] < values[k]) place--
      ids.splice(place, 0, k)
      if (ids.length > ALTERNATIVES) ids.pop()
    }
    return ids.map((id) => [this.characters[id], values[id]])
  }
}
