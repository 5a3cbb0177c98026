// Shows a table of models, and sorts and filters it. Text is inserted with textContent.
const COLUMNS = [
  { key: "name", title: "Model" },
  { key: "state", title: "State" },
  { key: "step", title: "Step", number: true },
  { key: "loss", title: "Best loss", number: true, lowIsBest: true },
  { key: "curve", title: "Validation" },
  { key: "updated", title: "Updated" },
]

const element = (tag, properties, ...children) => {
  const made = Object.assign(document.createElement(tag), properties)
  made.append(...children)
  return made
}

export function render({ model }) {
  const filter = element("input", {
    type: "search", placeholder: "Filter by name, state, note or tag", ariaLabel: "Filter models",
  })
  const count = element("span", { role: "status" })
  const table = element("table")
  const head = table.createTHead().insertRow()
  const body = table.createTBody()
  const root = element("div", { className: "models" },
    element("div", { className: "bar" }, filter, count), element("div", { className: "scroll" }, table))
  let sort = { key: "updated", down: true }

  head.append(element("th", { scope: "col", textContent: "Compare" }))
  const headers = COLUMNS.map((column) => {
    const button = element("button", { type: "button", textContent: column.title })
    button.addEventListener("click", () => {
      sort = { key: column.key, down: sort.key === column.key ? !sort.down : Boolean(column.number && !column.lowIsBest) }
      draw()
    })
    const cell = element("th", { scope: "col" }, column.key === "curve" ? column.title : button)
    head.append(cell)
    return cell
  })

  const curve = (values) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg")
    svg.setAttribute("viewBox", "0 0 90 24")
    svg.setAttribute("class", "curve")
    svg.setAttribute("aria-hidden", "true")
    if (values.length > 1) {
      const low = Math.min(...values), high = Math.max(...values)
      const points = values.map((v, i) =>
        `${(88 * i) / (values.length - 1) + 1},${22 - (20 * (v - low)) / (high - low || 1)}`)
      const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline")
      line.setAttribute("points", points.join(" "))
      svg.append(line)
    }
    return svg
  }

  const draw = () => {
    const wanted = filter.value.trim().toLocaleLowerCase()
    const rows = model.rows.filter((row) => !wanted || row.search_text.toLocaleLowerCase().includes(wanted))
    const { key, down } = sort
    rows.sort((a, b) => {
      const x = a[key], y = b[key]
      if (x === null || y === null) return (x === null) - (y === null) // missing values last, in both directions
      const order = typeof x === "string" ? x.localeCompare(y) : x - y
      return down ? -order : order
    })
    headers.forEach((cell, i) => cell.setAttribute("aria-sort",
      COLUMNS[i].key !== key ? "none" : down ? "descending" : "ascending"))
    const focused = root.getRootNode().activeElement?.dataset?.id
    body.replaceChildren(...rows.map((row) => {
      const box = element("input", {
        type: "checkbox", checked: model.compared.includes(row.id), ariaLabel: `Compare ${row.name}`,
      })
      box.addEventListener("change", () => model.send_msg({ type: "compare", id: row.id, on: box.checked }))
      const open = element("button", { type: "button", dir: "auto", textContent: row.name })
      open.dataset.id = row.id
      open.addEventListener("click", () => model.send_msg({ type: "choose", id: row.id }))
      const name = element("th", { scope: "row" }, open)
      if (row.note) name.append(element("small", { dir: "auto", textContent: row.note }))
      return element("tr", { className: row.id === model.chosen ? "chosen" : "" },
        element("td", {}, box),
        name,
        element("td", { className: "state " + row.state, textContent: row.shown_state }),
        element("td", { className: "number", textContent: row.step.toLocaleString("en") }),
        element("td", { className: "number", textContent: row.loss === null ? "–" : row.loss.toFixed(4) }),
        element("td", {}, curve(row.curve)),
        element("td", { textContent: row.updated }))
    }))
    count.textContent = `${rows.length} of ${model.rows.length}`
    if (focused) [...body.querySelectorAll("button")].find((b) => b.dataset.id === focused)?.focus()
  }

  filter.addEventListener("input", draw)
  for (const name of ["rows", "chosen", "compared"]) model.on(name, draw)
  draw()
  return root
}
