"""Verifies with PyJWT the hop proof of a request, which proves that it came through the gate."""

import os

import jwt
from fastapi import HTTPException, WebSocketException, status
from fastapi.requests import HTTPConnection

SECRET = os.environ["HOP_SECRET"]
# The value of `origin` in the policy.
AUDIENCE = os.environ.get("ORIGIN", "http://127.0.0.1:8000")


# An `HTTPConnection` is a request or the handshake of a WebSocket.
def proven_by_the_gate(connection: HTTPConnection) -> dict:
    """Returns the claims of the proof.

    Refuses a request without a valid proof with 401, and the handshake of a WebSocket with 403.
    """
    if connection.scope["type"] == "websocket":
        method = "GET"
        refusal = WebSocketException(status.WS_1008_POLICY_VIOLATION)
    else:
        method = connection.scope["method"]
        refusal = HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
    proof = connection.headers.get("x-portcullis-proof", "")
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
    target = connection.scope["raw_path"].decode()
    if connection.scope["query_string"]:
        target += "?" + connection.scope["query_string"].decode()
    sent = "/" + claims["htu"].split("/", 3)[3]
    if claims["htm"] != method or sent.removesuffix("?") != target.removesuffix("?"):
        raise refusal
    return claims
