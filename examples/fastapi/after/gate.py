"""Verifies with PyJWT the hop proof of a request, which proves that it came through the gate."""

import os

import jwt
from fastapi import HTTPException, Request

SECRET = os.environ["HOP_SECRET"]
# The value of `origin` in the policy.
AUDIENCE = os.environ.get("ORIGIN", "http://127.0.0.1:8000")


def proven_by_the_gate(request: Request) -> dict:
    """Returns the claims of the proof. Raises 401 if no valid proof for this request is present."""
    refusal = HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
    proof = request.headers.get("x-portcullis-proof", "")
    try:
        claims = jwt.decode(
            proof,
            SECRET,
            algorithms=["HS256"],
            issuer="portcullis",
            audience=AUDIENCE,
            leeway=5,
            options={"require": ["iss", "aud", "iat", "exp", "htm", "htu"]},
        )
        if jwt.get_unverified_header(proof).get("typ") != "portcullis-proof+jwt":
            raise refusal
    except jwt.InvalidTokenError as error:
        raise refusal from error
    target = request.scope["raw_path"].decode()
    if request.scope["query_string"]:
        target += "?" + request.scope["query_string"].decode()
    sent = "/" + claims["htu"].split("/", 3)[3]
    if claims["htm"] != request.method or sent.removesuffix("?") != target.removesuffix("?"):
        raise refusal
    return claims
