"""The menu without a browser: which models it lists, and where its entries lead."""

from charrnn.services import Services
from dashboard.live.session import Session
from dashboard.views.navigation import MAX_RECENT, NavigationView
from tests.support.controls import update_until
from tests.support.small_training import OPTIONS, TEXT


def shown_view(session: Session) -> NavigationView:
    view = NavigationView(session)
    session.on_update(view.update)
    return view


def test_running_trainings_come_first_with_their_progress(services: Services, session: Session) -> None:
    finished = services.training.wait(services.training.start(TEXT, name="ducks", options=OPTIONS).id)
    services.training.start(TEXT, name="geese", options={**OPTIONS, "max_steps": 1_000_000})
    services.models.create("drakes")
    view = shown_view(session)
    update_until(session, lambda: [row["group"] for row in view.menu.rows] == ["Training", "Recent", "Recent"])
    running, *recent = view.menu.rows
    assert (running["name"], running["detail"], running["percent"]) == ("geese", "0 %", 0)
    assert {row["name"]: row["detail"] for row in recent} == {
        "ducks": f"{finished.best_loss:.4f} nats",
        "drakes": "draft · not trained",
    }


def test_only_the_newest_models_are_listed(services: Services, session: Session) -> None:
    for number in range(MAX_RECENT + 1):
        services.models.create(f"duck {number}")
    view = shown_view(session)
    update_until(session, lambda: len(view.menu.rows) == MAX_RECENT)
    assert "duck 0" not in [row["name"] for row in view.menu.rows]


def test_a_model_opens_in_the_tab_that_is_open(services: Services, session: Session) -> None:
    ducks, geese = services.models.create("ducks"), services.models.create("geese")
    view = shown_view(session)
    view.menu._handle_msg({"type": "choose", "id": ducks.id})
    assert (session.model_id, session.tab) == (ducks.id, "training")
    session.tab = "write"
    view.menu._handle_msg({"type": "choose", "id": geese.id})
    assert (session.model_id, session.tab) == (geese.id, "write")
    update_until(session, lambda: view.menu.current == geese.id)


def test_pages_open_from_the_menu(session: Session) -> None:
    view = shown_view(session)
    for page, tab in (("new", "text"), ("models", "library")):
        view.menu._handle_msg({"type": "open", "page": page})
        session.update()
        assert (session.tab, view.menu.current) == (tab, page)
