// Tells the server whether anybody can see the page.
export function render({ model }) {
  const tell = () => { model.in_sight = document.visibilityState !== "hidden" }
  document.addEventListener("visibilitychange", tell)
  model.on("remove", () => document.removeEventListener("visibilitychange", tell))
  tell()
  return document.createElement("span")
}
