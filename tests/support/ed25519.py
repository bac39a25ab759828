"""Ed25519 signatures checked by plain arithmetic (RFC 8032), without the library that makes them."""

import base64
import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
BASE_Y = 4 * pow(5, -1, P) % P

Point = tuple[int, int]


def raw_key(pem: str) -> bytes:
    """Return the 32 bytes at the end of a public key in PEM."""
    return base64.b64decode("".join(pem.splitlines()[1:-1]))[-32:]


def holds(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Say whether S * base = R + k * A, where k is the hash of R, A and the message."""
    key, commitment = _point(public_key), signature[:32]
    factor = int.from_bytes(signature[32:], "little")
    if key is None or factor >= ORDER:
        return False
    challenge = int.from_bytes(hashlib.sha512(commitment + public_key + message).digest(), "little") % ORDER
    x, y = key
    left = _add(_times(factor, _base()), _times(challenge, (P - x, y)))
    return _bytes(left) == commitment


def _base() -> Point:
    found = _point(BASE_Y.to_bytes(32, "little"))
    assert found is not None
    return found


def _point(data: bytes) -> Point | None:
    """Return the point whose y is given, with the sign of x in the highest bit; None if there is none."""
    number = int.from_bytes(data, "little")
    y, odd = number & (2**255 - 1), number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != square:
        return None
    return (P - x if x % 2 != odd else x), y


def _bytes(point: Point) -> bytes:
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _add(one: Point, two: Point) -> Point:
    (x1, y1), (x2, y2) = one, two
    twist = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + twist, -1, P) % P
    y = (y1 * y2 + x1 * x2) * pow(1 - twist, -1, P) % P
    return x, y


def _times(factor: int, point: Point) -> Point:
    total = (0, 1)
    while factor:
        if factor & 1:
            total = _add(total, point)
        point, factor = _add(point, point), factor >> 1
    return total
