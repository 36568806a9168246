"""The same API behind the gate: it knows no tokens, keys or scopes, and answers nothing that came around the gate."""

from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from gate import proven_by_the_gate

# Dependencies do not hold for the pages that FastAPI makes itself: without `openapi_url` there are none.
app = FastAPI(dependencies=[Depends(proven_by_the_gate)], openapi_url=None)


def subject(proof: Annotated[dict, Depends(proven_by_the_gate)]) -> str:
    """Who is asking. A request on a public route, or by report mode, comes in nobody's name."""
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
