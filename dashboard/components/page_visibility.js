// Reports whether the page is visible.
export function render({ model }) {
  const report = () => { model.is_page_visible = document.visibilityState !== "hidden" }
  document.addEventListener("visibilitychange", report)
  model.on("remove", () => document.removeEventListener("visibilitychange", report))
  report()
  return document.createElement("span")
}
