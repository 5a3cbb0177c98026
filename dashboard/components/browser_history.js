// Panel adds an entry to the history for each state of the page, but does not notice when the browser returns to one.
// What a URL says about the page; an empty value says the same as none.
const stateOf = (url) => [...new URL(url, location.href).searchParams].filter(([, value]) => value).sort().join("&")

export function render({ model }) {
  const history = window.history
  const { pushState } = history
  // Panel pushes the URL of the state that is shown; when the browser is there already, that would end its way forward.
  history.pushState = function (state, title, url) {
    const isNew = stateOf(url) !== stateOf(location.href)
    return (isNew ? pushState : history.replaceState).call(history, state, title, url)
  }
  const moved = () => model.send_msg({ type: "moved", search: location.search })
  window.addEventListener("popstate", moved)
  model.on("remove", () => {
    window.removeEventListener("popstate", moved)
    history.pushState = pushState
  })
  return document.createElement("span")
}
