// Light or dark mode: follows the system until the user chooses; the choice is stored in the browser.
// page.html sets the mode before the first paint, and hides components that Panel first draws in light mode.
const KEY = "char-rnn-studio-appearance"
const STEADY_FRAMES = 6

// Some browsers deny storage to embedded pages; then each visit starts with the scheme of the system.
const stored = () => { try { return localStorage.getItem(KEY) } catch { return null } }
const store = (choice) => { try { localStorage.setItem(KEY, choice) } catch { /* no storage */ } }

export function render({ model }) {
  const system = matchMedia("(prefers-color-scheme: dark)")
  let current = (stored() ?? (system.matches ? "dark" : "light")) === "dark"
  const set = (dark) => { current = dark; model.dark = dark }
  const follow = () => { if (stored() === null) set(system.matches) }

  model.on("dark", () => {
    if (model.dark === current) return
    // While the page loads, components that are drawn late can switch the scheme back; that is not the user's choice.
    if (navigator.userActivation?.hasBeenActive === false) { set(current); return }
    current = model.dark
    store(current ? "dark" : "light")
  })
  system.addEventListener("change", follow)
  model.on("remove", () => system.removeEventListener("change", follow))
  set(current)

  // Show the page when its text has been light for some frames, since components that are drawn late still change it.
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
