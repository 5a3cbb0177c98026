// Shows a table of models, and sorts and filters it. Text is inserted with textContent.
const COLUMNS = [
  { key: "name", title: "Model" },
  { key: "state", title: "State" },
  { key: "step", title: "Step", number: true },
  { key: "loss", title: "Best loss", number: true, lowIsBest: true },
  { key: "curve", title: "Validation" },
  { key: "updated", title: "Updated" },
]

export function render({ model }) {
  const root = document.createElement("div")
  root.className = "models"
  const bar = document.createElement("div")
  bar.className = "bar"
  const filter = document.createElement("input")
  filter.type = "search"
  filter.placeholder = "Filter by name, state, note or tag"
  filter.setAttribute("aria-label", "Filter models")
  const count = document.createElement("span")
  count.setAttribute("role", "status")
  bar.append(filter, count)
  const scroll = document.createElement("div")
  scroll.className = "scroll"
  const table = document.createElement("table")
  const head = table.createTHead().insertRow()
  const body = table.createTBody()
  scroll.append(table)
  root.append(bar, scroll)
  let sort = { key: "updated", down: true }

  const first = document.createElement("th")
  first.scope = "col"
  first.textContent = "Compare"
  head.append(first)
  const headers = COLUMNS.map((column) => {
    const cell = document.createElement("th")
    cell.scope = "col"
    const button = document.createElement("button")
    button.type = "button"
    button.textContent = column.title
    button.addEventListener("click", () => {
      sort = { key: column.key, down: sort.key === column.key ? !sort.down : Boolean(column.number && !column.lowIsBest) }
      draw()
    })
    cell.append(button)
    if (column.key === "curve") cell.textContent = column.title
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
      const line = document.createElement("tr")
      if (row.id === model.chosen) line.className = "chosen"
      const pick = document.createElement("td")
      const box = document.createElement("input")
      box.type = "checkbox"
      box.checked = model.compared.includes(row.id)
      box.setAttribute("aria-label", `Compare ${row.name}`)
      box.addEventListener("change", () => model.send_msg({ type: "compare", id: row.id, on: box.checked }))
      pick.append(box)
      const name = document.createElement("th")
      name.scope = "row"
      const open = document.createElement("button")
      open.type = "button"
      open.dir = "auto"
      open.textContent = row.name
      open.dataset.id = row.id
      open.addEventListener("click", () => model.send_msg({ type: "choose", id: row.id }))
      name.append(open)
      if (row.note) {
        const note = document.createElement("small")
        note.dir = "auto"
        note.textContent = row.note
        name.append(note)
      }
      const cells = [row.shown_state, row.step.toLocaleString("en"), row.loss === null ? "–" : row.loss.toFixed(4)].map((text, i) => {
        const cell = document.createElement("td")
        cell.textContent = text
        if (i) cell.className = "number"
        else cell.className = "state " + row.state
        return cell
      })
      const drawn = document.createElement("td")
      drawn.append(curve(row.curve))
      const updated = document.createElement("td")
      updated.textContent = row.updated
      line.append(pick, name, ...cells, drawn, updated)
      return line
    }))
    count.textContent = `${rows.length} of ${model.rows.length}`
    if (focused) [...body.querySelectorAll("button")].find((b) => b.dataset.id === focused)?.focus()
  }

  filter.addEventListener("input", draw)
  for (const name of ["rows", "chosen", "compared"]) model.on(name, draw)
  draw()
  return root
}
