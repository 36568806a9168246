"""An API that verifies the tokens of its callers itself, in a dependency."""

import os
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

PUBLIC_KEY = os.environ["PROVIDER_PUBLIC_KEY"]
ISSUER = "https://tenant.example.com/"
AUDIENCE = "https://api.example.com"

bearer = HTTPBearer()


def claims(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> dict:
    """Returns the claims of a valid token. Raises 401 for any other token."""
    try:
        return jwt.decode(
            credentials.credentials,
            PUBLIC_KEY,
            algorithms=["RS256"],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from error


Claims = Annotated[dict, Depends(claims)]


def may_write(claims: Claims) -> None:
    if "write" not in claims.get("scope", "").split():
        raise HTTPException(403)


app = FastAPI()


@app.get("/api/me")
def me(claims: Claims) -> dict:
    return {"subject": claims["sub"]}


@app.post("/api/items", dependencies=[Depends(may_write)])
def add_item(item: dict, claims: Claims) -> dict:
    return {"item": item, "added_by": claims["sub"]}
