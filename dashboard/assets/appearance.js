// Light or dark: as the system has it, until somebody chooses; the choice stays in this browser.
// The page's own markup, page.html, decided before anything was drawn, and hid what Panel draws light at first.
const KEY = "char-rnn-studio-appearance"
const STEADY = 6

// A browser can forbid storage, as some do in another page's frame; then every visit begins as the system has it.
const stored = () => { try { return localStorage.getItem(KEY) } catch { return null } }
const store = (choice) => { try { localStorage.setItem(KEY, choice) } catch { /* nothing to remember it in */ } }

export function render({ model }) {
  const system = matchMedia("(prefers-color-scheme: dark)")
  let taken = (stored() ?? (system.matches ? "dark" : "light")) === "dark"
  const take = (dark) => { taken = dark; model.dark = dark }
  const follow = () => { if (stored() === null) take(system.matches) }

  model.on("dark", () => {
    if (model.dark === taken) return
    // While a page is drawn, parts that come late can turn it back; nobody chose that.
    if (navigator.userActivation?.hasBeenActive === false) { take(taken); return }
    taken = model.dark
    store(taken ? "dark" : "light")
  })
  system.addEventListener("change", follow)
  model.on("remove", () => system.removeEventListener("change", follow))
  take(taken)

  // The page is shown once its text has been light for some frames: parts that come late still change it.
  const probe = document.createElement("span")
  probe.style.color = "var(--mui-palette-text-primary, #000)"
  const classes = document.documentElement.classList
  let steady = 0
  const look = () => {
    const isLight = probe.isConnected && +getComputedStyle(probe).color.match(/\d+/) > 128
    steady = isLight ? steady + 1 : 0
    if (steady > STEADY) classes.remove("dark-at-first")
    if (classes.contains("dark-at-first")) requestAnimationFrame(look)
  }
  look()
  return probe
}
