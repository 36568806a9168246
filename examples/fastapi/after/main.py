"""The same API behind the gate. It has no code for tokens, keys or scopes.

It rejects requests that did not come through the gate.
"""

from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from gate import proven_by_the_gate

# Dependencies do not apply to FastAPI's own documentation pages. `openapi_url=None` removes them.
app = FastAPI(dependencies=[Depends(proven_by_the_gate)], openapi_url=None)


def subject(proof: Annotated[dict, Depends(proven_by_the_gate)]) -> str:
    """Returns the user. Anonymous requests (public routes, report mode) have no `sub`: 403."""
    if "sub" not in proof:
        raise HTTPException(403)
    return proof["sub"]


Subject = Annotated[str, Depends(subject)]


@app.get("/api/me")
def me(subject: Subject) -> dict:
    return {"subject": subject}


@app.post("/api/items")
def add_item(item: dict, subject: Subject) -> dict:
    return {"item": item, "added_by": subject}
