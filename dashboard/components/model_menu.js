// The menu of the page. Stored text is written with textContent.
const PAGES = { new: "New model", models: "Models" }

export function render({ model }) {
  const nav = document.createElement("nav")
  nav.setAttribute("aria-label", "Models")

  const entry = (title, isCurrent, message) => {
    const button = document.createElement("button")
    button.type = "button"
    button.dir = "auto"
    button.textContent = title
    if (isCurrent) button.setAttribute("aria-current", "page")
    button.addEventListener("click", () => model.send_msg(message))
    return button
  }

  const pages = document.createElement("div")
  pages.className = "pages"
  const fold = document.createElement("details")
  const summary = document.createElement("summary")
  const list = document.createElement("div")
  fold.append(summary, list)
  nav.append(pages, fold)

  // Open on a wide page, where there is no summary; folded on a phone until the user opens it.
  const wide = matchMedia("(min-width: 900px)")
  const unfold = () => { fold.open = wide.matches }
  wide.addEventListener("change", unfold)
  model.on("remove", () => wide.removeEventListener("change", unfold))
  unfold()

  const draw = () => {
    const focused = nav.getRootNode().activeElement?.dataset?.key
    pages.replaceChildren(...Object.entries(PAGES).map(([name, title]) => {
      const button = entry(title, model.current === name, { type: "open", page: name })
      button.className = name
      button.dataset.key = name
      return button
    }))
    summary.textContent = `${model.rows.length} recent model${model.rows.length === 1 ? "" : "s"}`
    fold.hidden = model.rows.length === 0
    const groups = new Map()
    for (const row of model.rows) groups.set(row.group, [...(groups.get(row.group) ?? []), row])
    list.replaceChildren(...[...groups].flatMap(([group, rows]) => {
      const title = document.createElement("p")
      title.textContent = group
      const items = document.createElement("ul")
      items.setAttribute("aria-label", group)
      items.append(...rows.map((row) => {
        const item = document.createElement("li")
        const button = entry("", model.current === row.id, { type: "choose", id: row.id })
        button.dataset.key = row.id
        const name = document.createElement("span")
        name.className = "name"
        name.dir = "auto"
        name.textContent = row.name
        const detail = document.createElement("small")
        detail.textContent = row.detail
        button.append(name, detail)
        if (row.percent >= 0) {
          const bar = document.createElement("span")
          bar.className = "bar"
          bar.style.setProperty("--share", `${row.percent}%`)
          button.append(bar)
        }
        item.append(button)
        return item
      }))
      return [title, items]
    }))
    if (focused) [...nav.querySelectorAll("button")].find((b) => b.dataset.key === focused)?.focus()
  }

  for (const name of ["rows", "current"]) model.on(name, draw)
  draw()
  return nav
}
