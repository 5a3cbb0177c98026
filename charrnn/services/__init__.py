"""Train models and generate text: the API used by the command line, the dashboard and notebooks.

from charrnn.services import open_services

services = open_services()
model = services.training.start(Path("shakespeare.txt"), preset="quick")
for update in services.training.follow(model.id): print(*(line.text for line in update.lines), sep="\\n")
print(services.writing.write(model.id, {"start_string": "ROMEO:"})[0].text)
"""

from charrnn.services.bootstrap import Services, open_services, upgrade_database

__all__ = ["Services", "open_services", "upgrade_database"]
