"""What clients and server of the simulated world say to each other on its Unix socket.

The client's first line chooses: `bridge` makes the connection the wire of a load-cell bridge; on `camera` each
further line `frame` is answered by one picture: a header, then height x width x 3 bytes RGB. Both ends run on one
machine and share its monotonic clock.
"""

import struct

BRIDGE, CAMERA, FRAME = b"bridge\n", b"camera\n", b"frame\n"
PICTURE_HEADER = struct.Struct("<QII")  # t_ns when the exposure began, height_px, width_px
MAX_PICTURE_BYTES = 64 * 1024 * 1024
