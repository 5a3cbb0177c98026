// The page: its controls, and a loop that generates text in slices, so that the page stays responsive.
const SLICE = 24 // milliseconds

const byId = (id) => document.getElementById(id)
const description = JSON.parse(byId("description").textContent)
let writer = null
let run = null // the text that is being generated: { prompt, length, seed, started, count }

function fromBase64(text) {
  const characters = atob(text), bytes = new Uint8Array(characters.length)
  for (let k = 0; k < bytes.length; k++) bytes[k] = characters.charCodeAt(k)
  return bytes
}

function createWriter(options) {
  const network = new Network(description, fromBase64(byId("weights").textContent), options)
  return new Writer(network, description.characters)
}

const text = new SurpriseText(byId("generated"), (prompt) => {
  byId("prompt").value = prompt
  write()
})

function showMessage(message) {
  byId("message").textContent = message
  byId("message").hidden = !message
}

function write() {
  if (!writer || !byId("form").reportValidity()) return
  const { known, unknown } = writer.split(byId("prompt").value)
  showMessage(unknown.length ? `The network does not know these characters; they were left out: ${unknown.map(shown).join(" ")}` : "")
  const seed = Number(byId("seed").value) || 1 + Math.floor(Math.random() * 2147483646)
  writer.begin(known, seed, Number(byId("temperature").value))
  text.start(known.join(""))
  run = { length: Number(byId("length").value), seed, started: performance.now(), count: 0 }
  byId("stop").disabled = false
  byId("copy").disabled = false
  byId("status").textContent = "Writing …"
  const current = run
  requestAnimationFrame(() => writeSlice(current))
}

function writeSlice(current) {
  if (run !== current) return
  const until = performance.now() + SLICE, cells = []
  while (current.count < current.length && performance.now() < until) {
    if (writer.isReading) writer.read()
    else {
      cells.push(writer.write())
      current.count += 1
    }
  }
  text.append(cells)
  showSpeed(current)
  if (current.count < current.length) setTimeout(() => writeSlice(current))
  else end("Done")
}

function showSpeed({ started, count }) {
  const speed = 1000 * count / (performance.now() - started)
  byId("speed").textContent = `${count.toLocaleString("en")} characters, ${Math.round(speed).toLocaleString("en")} per second`
}

function end(word) {
  byId("status").textContent = `${word}: ${run.count.toLocaleString("en")} characters with seed ${run.seed}.`
  byId("stop").disabled = true
  run = null
}

// Without permission to use the clipboard, the text is selected and copied as by a keystroke.
async function copy() {
  let copied = true
  try { await navigator.clipboard.writeText(text.text) } catch {
    getSelection().selectAllChildren(text.box)
    copied = document.execCommand("copy")
  }
  byId("copy").textContent = copied ? "Copied" : "Press Ctrl+C"
  setTimeout(() => { byId("copy").textContent = "Copy" }, 1500)
}

function showFacts() {
  byId("name").textContent = description.name
  const how = writer.network.simd ? "WebAssembly with SIMD" : "plain JavaScript, because this browser has no WebAssembly SIMD"
  for (const [name, value] of Object.entries({ ...description.facts, "Runs with": how })) {
    byId("facts").append(element("dt", { textContent: name }), element("dd", { textContent: value }))
  }
}

function showNgrams() {
  byId("ngrams").hidden = !description.ngrams
  byId("ngrams").textContent = "In the studio, this model mixes its network with an n-gram model, which contains the text it was "
    + "trained on. This page has only the network, so it writes other texts, usually worse ones."
}

byId("form").addEventListener("submit", (event) => { event.preventDefault(); write() })
byId("stop").addEventListener("click", () => { if (run) end("Stopped") })
byId("copy").addEventListener("click", copy)
byId("temperature").addEventListener("input", (event) => {
  byId("shown-temperature").textContent = Number(event.target.value).toFixed(2)
})
byId("colored").addEventListener("change", (event) => byId("generated").classList.toggle("colored", event.target.checked))
byId("generated").classList.add("colored")
byId("name").textContent = description.name
showNgrams()
setTimeout(() => { // after the first paint
  writer = createWriter()
  showFacts()
  byId("write").disabled = false
  byId("status").textContent = "Ready."
})
