"""Verifies with PyJWT the identity that the gate signs. It needs nothing but the gate's URL."""

import os

import jwt
from fastapi import HTTPException, WebSocketException, status
from fastapi.requests import HTTPConnection

# The values of `issuer` and `audience` in the policy's `forward.identity`.
GATE = os.environ.get("GATE", "http://127.0.0.1:8787")
AUDIENCE = "https://items.internal.example"

# Fetches the keys when it needs them, caches them, and fetches them again for an unknown `kid`.
keys = jwt.PyJWKClient(f"{GATE}/.well-known/jwks.json")


# An `HTTPConnection` is a request or the handshake of a WebSocket.
def identity(connection: HTTPConnection) -> dict:
    """Returns the claims of the identity.

    Refuses a request without a valid identity with 401, and the handshake of a WebSocket with 403.
    """
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    try:
        if scheme != "Bearer":
            raise jwt.InvalidTokenError("there is no identity")
        verified = jwt.decode_complete(
            token,
            keys.get_signing_key_from_jwt(token),
            algorithms=["EdDSA", "ES256"],
            issuer=GATE,
            audience=AUDIENCE,
            leeway=5,
            options={"require": ["iss", "aud", "exp", "sub"]},
        )
        if verified["header"].get("typ") != "at+jwt":
            raise jwt.InvalidTokenError("the token is of another type")
    except (jwt.InvalidTokenError, jwt.PyJWKClientError) as error:
        if connection.scope["type"] == "websocket":
            raise WebSocketException(status.WS_1008_POLICY_VIOLATION) from error
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from error
    return verified["payload"]
