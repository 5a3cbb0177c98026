// Light or dark: as the system, until the user chooses; the choice is stored in this browser.
// page.html has decided before anything was drawn, and hides what Panel draws light at first.
const KEY = "char-rnn-studio-appearance"
const STEADY_FRAMES = 6

// A browser can forbid storage, as some do in frames of other pages; then each visit starts with the system's scheme.
const stored = () => { try { return localStorage.getItem(KEY) } catch { return null } }
const store = (choice) => { try { localStorage.setItem(KEY, choice) } catch { /* not remembered */ } }

export function render({ model }) {
  const system = matchMedia("(prefers-color-scheme: dark)")
  let current = (stored() ?? (system.matches ? "dark" : "light")) === "dark"
  const set = (dark) => { current = dark; model.dark = dark }
  const follow = () => { if (stored() === null) set(system.matches) }

  model.on("dark", () => {
    if (model.dark === current) return
    // While the page is drawn, late components can switch the scheme back, which is not a choice of the user.
    if (navigator.userActivation?.hasBeenActive === false) { set(current); return }
    current = model.dark
    store(current ? "dark" : "light")
  })
  system.addEventListener("change", follow)
  model.on("remove", () => system.removeEventListener("change", follow))
  set(current)

  // Show the page once its text has been light for some frames: late components still change it.
  const probe = document.createElement("span")
  probe.style.color = "var(--mui-palette-text-primary, #000)"
  const classes = document.documentElement.classList
  let steady = 0
  const check = () => {
    const isLight = probe.isConnected && +getComputedStyle(probe).color.match(/\d+/) > 128
    steady = isLight ? steady + 1 : 0
    if (steady > STEADY_FRAMES) classes.remove("dark-at-first")
    if (classes.contains("dark-at-first")) requestAnimationFrame(check)
  }
  check()
  return probe
}
