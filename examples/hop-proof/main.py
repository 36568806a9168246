"""An API behind the gate that rejects requests which did not come through the gate."""

from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, WebSocket, WebSocketException
from fastapi.requests import HTTPConnection
from proof import proven_by_the_gate

# Dependencies do not apply to FastAPI's own documentation pages. `openapi_url=None` removes them.
app = FastAPI(dependencies=[Depends(proven_by_the_gate)], openapi_url=None)


def subject(
    connection: HTTPConnection, proof: Annotated[dict, Depends(proven_by_the_gate)]
) -> str:
    """Returns the user. Anonymous requests (public routes, report mode) have no `sub`: 403."""
    if "sub" not in proof:
        is_socket = connection.scope["type"] == "websocket"
        raise WebSocketException(1008) if is_socket else HTTPException(403)
    return proof["sub"]


Subject = Annotated[str, Depends(subject)]


@app.get("/api/me")
def me(subject: Subject) -> dict:
    return {"subject": subject}


@app.websocket("/api/updates")
async def updates(socket: WebSocket, subject: Subject) -> None:
    await socket.accept()
    await socket.send_json({"subject": subject})
    await socket.close()
