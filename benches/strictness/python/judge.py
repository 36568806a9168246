"""Judges the corpus with one Python library, and prints one line of JSON for each case.

The arguments are the name of the library, the file with the corpus, and the index of the first
case. Each library is configured as its documentation advises. Times have no tolerance, which is the
default of both.
"""

import json
import sys
import warnings

import jwt
import joserfc.jwt
from joserfc.errors import JoseError
from joserfc.jwk import import_key

# joserfc warns that EdDSA is an old name.
warnings.simplefilter("ignore")


def pyjwt(key, corpus):
    """`jwt.decode` with `algorithms`, `audience` and `issuer`, which are then required."""
    value = key.get("secret") or key["pem"]
    options = {"algorithms": [key["algorithm"]]}
    options |= {"audience": corpus["audience"], "issuer": corpus["issuer"]}
    return lambda token: jwt.decode(token, value, **options)


def joserfc_(key, corpus):
    """`jwt.decode` with `algorithms`, and then `JWTClaimsRegistry.validate`."""
    secret = key.get("secret")
    value = import_key(secret, "oct") if secret else import_key(key["jwk"])
    requests = joserfc.jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": corpus["issuer"]},
        aud={"essential": True, "value": corpus["audience"]},
    )
    algorithms = [key["algorithm"]]

    def verify(token):
        requests.validate(joserfc.jwt.decode(token, value, algorithms=algorithms).claims)

    return verify


# The base class of the errors that each library documents for a rejected token.
LIBRARIES = {
    "pyjwt": (pyjwt, jwt.exceptions.InvalidTokenError),
    "joserfc": (joserfc_, JoseError),
}


def judge(verify, documented, token):
    try:
        verify(token)
        return {"accepted": True}
    except documented as error:
        return {"accepted": False, "error": type(error).__name__}
    except Exception as error:
        return {"accepted": False, "error": type(error).__name__, "undocumented": True}


def main(name, file, first):
    with open(file, encoding="utf-8") as text:
        corpus = json.load(text)
    configure, documented = LIBRARIES[name]
    verifiers = {}
    for key_name, key in corpus["keys"].items():
        try:
            verifiers[key_name] = configure(key, corpus)
        except Exception:
            verifiers[key_name] = None
    for index, case in enumerate(corpus["cases"]):
        if index < first:
            continue
        verify = verifiers[case["key"]]
        if verify is None:
            verdict = {"accepted": False, "error": "the key is refused"}
        else:
            verdict = judge(verify, documented, case["token"])
        print(json.dumps({"index": index, **verdict}), flush=True)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
