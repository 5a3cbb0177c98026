// exp, log, sigmoid and tanh. JavaScript does not define the last digits of Math.exp and Math.log. These functions use
// operations that IEEE 754 rounds correctly, so that a text is the same in all browsers.
const LN2 = [6.93147180369123816490e-1, 1.90821492927058770002e-10] // ln 2 = LN2[0] + LN2[1]; k · LN2[0] is exact
const EXP_LIMIT = 700
const POWERS_OF_2 = new Float64Array(2 * 1020 + 1)
POWERS_OF_2[1020] = 1
for (let k = 1; k <= 1020; k++) {
  POWERS_OF_2[1020 + k] = 2 * POWERS_OF_2[1020 + k - 1]
  POWERS_OF_2[1020 - k] = 0.5 * POWERS_OF_2[1020 - k + 1]
}

// e^x = 2^k · e^r with |r| ≤ ln(2) / 2; e^r is its Taylor series up to r^11 / 11!.
function exp(x) {
  const inside = x > EXP_LIMIT ? EXP_LIMIT : x < -EXP_LIMIT ? -EXP_LIMIT : x
  const k = Math.floor(inside * 1.44269504088896338700 + 0.5)
  const r = inside - k * LN2[0] - k * LN2[1]
  let sum = 1 / 39916800
  sum = sum * r + 1 / 3628800
  sum = sum * r + 1 / 362880
  sum = sum * r + 1 / 40320
  sum = sum * r + 1 / 5040
  sum = sum * r + 1 / 720
  sum = sum * r + 1 / 120
  sum = sum * r + 1 / 24
  sum = sum * r + 1 / 6
  sum = sum * r + 0.5
  sum = sum * r + 1
  sum = sum * r + 1
  return sum * POWERS_OF_2[1020 + k]
}

const sigmoid = (x) => 1 / (1 + exp(-x))
const tanh = (x) => 1 - 2 / (exp(2 * x) + 1)

const words = new Uint32Array(2)
const float = new Float64Array(words.buffer)

// log(x) = k · ln 2 + log(m) with √½ < m ≤ √2; log(m) = 2 · artanh(s) with s = (m - 1) / (m + 1), up to s^21 / 21.
function log(x) {
  float[0] = x
  let k = (words[1] >>> 20) - 1023
  words[1] = words[1] & 0xfffff | 1023 << 20
  let m = float[0]
  if (m > Math.SQRT2) { m = 0.5 * m; k += 1 }
  const s = (m - 1) / (m + 1), z = s * s
  let sum = 1 / 21
  for (let n = 19; n > 0; n -= 2) sum = sum * z + 1 / n
  return k * LN2[0] + (2 * s * sum + k * LN2[1])
}
