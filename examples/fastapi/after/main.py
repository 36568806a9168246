"""The same API behind the gate. It has no code for providers, keys or scopes.

It rejects requests that did not come through the gate.
"""

from typing import Annotated

from fastapi import Depends, FastAPI, WebSocket
from identity import identity

# Dependencies do not apply to FastAPI's own documentation pages. `openapi_url=None` removes them.
app = FastAPI(dependencies=[Depends(identity)], openapi_url=None)

Identity = Annotated[dict, Depends(identity)]


@app.get("/api/me")
def me(identity: Identity) -> dict:
    return {"subject": identity["sub"]}


@app.websocket("/api/updates")
async def updates(socket: WebSocket, identity: Identity) -> None:
    await socket.accept()
    await socket.send_json({"subject": identity["sub"]})
    await socket.close()


@app.post("/api/items")
def add_item(item: dict, identity: Identity) -> dict:
    return {"item": item, "added_by": identity["sub"]}
