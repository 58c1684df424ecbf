"""Keys of P-256 that are made of a secret, and what they sign."""

import jwt
import pytest
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from gateway.seal.es256 import es256_key, es256_public_jwk, sign_es256
from gateway.seal.jwk import thumbprint

SECRET = bytes(range(64))


def test_others_verify_what_it_signs() -> None:
    """Two other libraries take a signature for what it is, and not after a change."""
    key = es256_key(SECRET, "ddrf-1")
    public = es256_public_jwk(key)
    token = sign_es256({"iss": "app.example"}, key, "JWT")

    assert jwt.decode(token, jwt.PyJWK(public), algorithms=["ES256"]) == {"iss": "app.example"}
    signed = JWS()
    signed.deserialize(token, JWK(**public))
    assert signed.jose_header == {"alg": "ES256", "kid": key.kid, "typ": "JWT"}
    with pytest.raises(jwt.InvalidSignatureError):
        other = es256_public_jwk(es256_key(SECRET[::-1], "ddrf-1"))
        jwt.decode(token, jwt.PyJWK(other), algorithms=["ES256"])


def test_a_secret_makes_one_key() -> None:
    """The same at every start, another with another number; and the same words twice."""
    one, same, other = (es256_key(s, "ddrf-1") for s in (SECRET, SECRET, bytes(64)))
    assert (one.kid, es256_public_jwk(one)) == (same.kid, es256_public_jwk(same))
    assert one.kid != other.kid
    assert one.kid == f"ddrf-1-{thumbprint(es256_public_jwk(one))[:8]}"
    assert sign_es256({"a": 1}, one, "JWT") == sign_es256({"a": 1}, same, "JWT")
    assert str(one.private) not in repr(one)


@pytest.mark.parametrize("size", [0, 32, 63, 65])
def test_a_key_is_made_of_no_less(size: int) -> None:
    """Less than 64 bytes make a key whose bits are not even, and more are a mistake."""
    with pytest.raises(ValueError, match="64"):
        es256_key(bytes(size), "ddrf-1")
